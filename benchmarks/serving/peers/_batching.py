"""LitServe, BentoML and Ray Serve: programs of ours with the batching of theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from serving._models import Served
from serving.peers._peer import Program

__all__ = ["BentoMl", "LitServe", "RayServe"]


class LitServe(Program):
    """One API server process and one worker process, as it has them at the least."""

    name = "litserve"

    def argv(self, port: int) -> list[str]:
        return [str(self.bin / "python"), "litserve_app.py", str(port)]


class BentoMl(Program):
    """``bentoml serve`` with a batchable API."""

    name = "bentoml"

    def environment(self, served: Served) -> dict[str, str]:
        return {
            **super().environment(served),
            "BENTOML_DO_NOT_TRACK": "True",
            "BENTOML_HOME": str(served.folder / "bentoml"),
        }

    def argv(self, port: int) -> list[str]:
        where = ("--host", "127.0.0.1", "--port", str(port))
        return [str(self.bin / "bentoml"), "serve", "bentoml_app:Rowwise", *where]

    def answers(self, body: bytes, headers: Mapping[str, str]) -> list[Any]:
        return list(json.loads(body))


class RayServe(Program):
    """One replica behind Ray's proxy."""

    name = "ray"

    def environment(self, served: Served) -> dict[str, str]:
        quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_SERVE_LOG_TO_STDERR": "0"}
        return {**super().environment(served), **quiet}

    def argv(self, port: int) -> list[str]:
        return [str(self.bin / "python"), "ray_app.py", str(port)]
