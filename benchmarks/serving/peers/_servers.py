"""MLServer, MLflow and vetiver: servers that take the model as it is."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from serving._http import Query, json_query
from serving._models import Row, Served
from serving._processes import Command
from serving.peers._peer import APPS, Program

__all__ = ["MlFlow", "MlServer", "Vetiver"]

_BATCH = {"max_batch_size": 64, "max_batch_time": 0.005}


class MlServer(Program):
    """MLServer with adaptive batching, in one process."""

    name = "mlserver"

    def argv(self, port: int) -> list[str]:
        return [str(self.bin / "mlserver"), "start", "."]

    def command(self, served: Served, port: int) -> Command:
        folder = served.folder / "mlserver"
        folder.mkdir(exist_ok=True)
        settings = {
            "host": "127.0.0.1",
            "http_port": port,
            "grpc_port": port + 1,
            "metrics_port": port + 2,
            "parallel_workers": 0,
            "debug": False,
        }
        model = {
            "name": "served",
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": str(served.file)},
            **_BATCH,
        }
        (folder / "settings.json").write_text(json.dumps(settings), "utf-8")
        (folder / "model-settings.json").write_text(json.dumps(model), "utf-8")
        return Command(self.argv(port), self.environment(served), folder)

    def query(self, served: Served, rows: Sequence[Row], encoding: str) -> Query:
        path = "/v2/models/served/infer"
        if not served.tabular:
            matrix = {"name": "x", "datatype": "FP64", "shape": [len(rows), 20], "data": rows}
            return json_query(path, {"inputs": [matrix]})
        inputs = []
        for name in served.columns:
            values = [row[name] for row in rows]  # type: ignore[call-overload]
            words = isinstance(values[0], str)
            inputs.append(
                {
                    "name": name,
                    "datatype": "BYTES" if words else "FP64",
                    "shape": [len(rows), 1],
                    "data": values,
                    **({"parameters": {"content_type": "str"}} if words else {}),
                }
            )
        return json_query(path, {"parameters": {"content_type": "pd"}, "inputs": inputs})

    def answers(self, body: bytes, headers: Mapping[str, str]) -> list[Any]:
        return list(json.loads(body)["outputs"][0]["data"])


class MlFlow(Program):
    """``mlflow models serve`` in the environment it stands in, one worker."""

    name = "mlflow"

    def prepare(self, served: Served) -> None:
        folder = served.folder / "mlflow"
        if (folder / "MLmodel").exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        command = [str(self.bin / "python"), "mlflow_save.py", str(folder)]
        env = self.environment(served)
        done = subprocess.run(command, env=env, cwd=APPS, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.decode("utf-8", "replace").strip()[-400:])

    def argv(self, port: int) -> list[str]:
        return [
            *(str(self.bin / "mlflow"), "models", "serve", "-m", "mlflow", "-h", "127.0.0.1"),
            *("-p", str(port), "--env-manager", "local", "--workers", "1"),
        ]

    def command(self, served: Served, port: int) -> Command:
        return Command(self.argv(port), self.environment(served), served.folder)

    def query(self, served: Served, rows: Sequence[Row], encoding: str) -> Query:
        if not served.tabular:
            return json_query("/invocations", {"inputs": rows})
        data = [list(row.values()) for row in rows]  # type: ignore[union-attr]
        split = {"columns": served.columns, "data": data}
        return json_query("/invocations", {"dataframe_split": split})


class Vetiver(Program):
    """vetiver's API on uvicorn."""

    name = "vetiver"
    _NUMBERS = [f"x{number}" for number in range(20)]

    def environment(self, served: Served) -> dict[str, str]:
        return {**super().environment(served), "SERVED_COLUMNS": ",".join(self._NUMBERS)}

    def argv(self, port: int) -> list[str]:
        return [
            *(str(self.bin / "uvicorn"), "vetiver_app:app", "--host", "127.0.0.1"),
            *("--port", str(port), "--workers", "1", "--no-access-log", "--log-level", "warning"),
        ]

    def query(self, served: Served, rows: Sequence[Row], encoding: str) -> Query:
        if served.tabular:
            return json_query("/predict", rows)
        return json_query("/predict", [dict(zip(self._NUMBERS, row, strict=True)) for row in rows])

    def answers(self, body: bytes, headers: Mapping[str, str]) -> list[Any]:
        return list(json.loads(body)["predict"])
