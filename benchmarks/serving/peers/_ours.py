"""The model server of this repository, with everything on: token, validation, metrics, records."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from serving._http import Query, json_query
from serving._models import Row, Served
from serving._processes import Command
from serving.peers._peer import Peer

__all__ = ["Compiled", "Kraken", "KrakenServe", "WithoutRecords"]

_TOKEN = "a-token-of-the-benchmarks"
_BIN = Path(sys.executable).parent
_ARROW = "application/vnd.apache.arrow.stream"


class Kraken(Peer):
    """``python -m mlkraken_serving`` of a packed bundle, as the control plane starts it."""

    name = "mlkraken"
    encodings = ("json", "arrow", "oip")
    bundle = "bundle"
    options: Sequence[str] = ()
    records = True

    def __init__(self) -> None:
        self._packed: set[Path] = set()

    def prepare(self, served: Served) -> None:
        bundle = served.folder / self.bundle
        if bundle in self._packed:
            return
        shutil.rmtree(bundle, ignore_errors=True)  # an older packer may have made it
        self._packed.add(bundle)
        example = served.folder / ("example.json" if served.tabular else "example.npy")
        command = [
            *(str(_BIN / "mlkraken"), "pack", str(served.file), "-o", str(bundle)),
            *("--example", str(example), "--name", "served", *self.options),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())

    def command(self, served: Served, port: int) -> Command:
        times = served.folder / f"times of {self.name}"
        shutil.rmtree(times, ignore_errors=True)
        argv = [
            *(sys.executable, "-m", "mlkraken_serving", str(served.folder / self.bundle)),
            *("--model", "served", "--port", str(port), "--token-env", "SERVED_TOKEN"),
            *(("--times", str(times)) if self.records else ()),
        ]
        return Command(argv, {"SERVED_TOKEN": _TOKEN})

    def query(self, served: Served, rows: Sequence[Row], encoding: str) -> Query:
        asked = {"json": self._json, "arrow": _arrow, "oip": _oip}[encoding](rows)
        return Query(asked.path, asked.body, {**asked.headers, "Authorization": f"Bearer {_TOKEN}"})

    def answers(self, body: bytes, headers: Mapping[str, str]) -> list[Any]:
        length = headers.get("inference-header-content-length")
        if length is not None:
            return _oip_answers(body, int(length))
        if headers.get("content-type", "").startswith(_ARROW):
            return _arrow_answers(body)
        return list(json.loads(body)["result"])

    def _json(self, rows: Sequence[Row]) -> Query:
        return json_query("/predict", {"modelData": rows, "metaData": {"modelId": "served"}})


class WithoutRecords(Kraken):
    """The same without a record a query."""

    name = "mlkraken without records"
    records = False


class Compiled(Kraken):
    """The same model as a verified compiled form."""

    name = "mlkraken compiled"
    bundle = "compiled"
    options = ("--compile",)


class KrakenServe(Kraken):
    """``mlkraken serve``, as a person starts it in a terminal."""

    name = "mlkraken serve"

    def command(self, served: Served, port: int) -> Command:
        argv = [
            *(str(_BIN / "mlkraken"), "serve", str(served.folder / self.bundle)),
            *("--port", str(port), "--name", "served", "--token", _TOKEN),
        ]
        return Command(argv)


def _arrow(rows: Sequence[Row]) -> Query:
    """Return a matrix as a stream of columns."""
    import nanoarrow as na
    import numpy as np
    from nanoarrow import ipc

    columns = [na.c_array(np.array(column)) for column in zip(*rows, strict=True)]
    schema = na.struct({f"x{number}": na.float64() for number in range(len(columns))})
    table = na.c_array_from_buffers(schema, len(rows), [None], children=columns)
    sink = io.BytesIO()
    with ipc.StreamWriter.from_writable(sink) as stream:
        stream.write_stream(table)
    return Query("/predict", sink.getvalue(), {"Content-Type": _ARROW, "Accept": _ARROW})


def _oip(rows: Sequence[Row]) -> Query:
    """Return a matrix as one binary tensor of the Open Inference Protocol."""
    width = len(rows[0])
    tensor = struct.pack(f"<{len(rows) * width}d", *(value for row in rows for value in row))
    told = {
        "inputs": [
            {
                "name": "x",
                "datatype": "FP64",
                "shape": [len(rows), width],
                "parameters": {"binary_data_size": len(tensor)},
            }
        ],
        "parameters": {"binary_data_output": True},
    }
    head = json.dumps(told).encode()
    headers = {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(head)),
    }
    return Query("/v2/models/served/infer", head + tensor, headers)


def _arrow_answers(body: bytes) -> list[Any]:
    import nanoarrow as na
    from nanoarrow import ipc

    with ipc.InputStream.from_readable(io.BytesIO(body)) as stream:
        return list(na.Array(stream).child(0).to_pylist())


def _oip_answers(body: bytes, length: int) -> list[Any]:
    told = json.loads(body[:length])["outputs"][0]
    letter = {"INT64": "q", "INT32": "i", "FP64": "d", "FP32": "f"}[told["datatype"]]
    size = told["parameters"]["binary_data_size"]
    return list(struct.unpack(f"<{told['shape'][0]}{letter}", body[length : length + size]))
