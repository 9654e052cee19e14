"""The Open Inference Protocol's documents say what its answers are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlkraken_client._pack import pack
from mlkraken_serving._core import Prediction
from mlkraken_serving._manifest import read_bundle
from mlkraken_serving.engines._python import PythonEngine
from mlkraken_serving.protocols._oip import open_inference
from mlkraken_serving.protocols._port import Identity, Query, Reply, Served, Service

_ANSWERS: dict[str, Any] = {
    "array": lambda frame: frame["x"].to_numpy(),
    "matrix": lambda frame: np.ones((len(frame), 3), dtype="float32"),
    "table": lambda frame: pd.DataFrame({"a": frame["x"], "b": ["x"] * len(frame)}),
    "series": lambda frame: frame["x"].rename("y"),
    "no name": lambda frame: frame["x"].rename(None),
    "list": lambda frame: ["x"] * len(frame),
    "objects": lambda frame: [{"a": 1, "b": 0.5}] * len(frame),
    "object": lambda frame: {"total": 1.5},
    "number": lambda frame: 1,
}


def service_of(folder: Path, model: Any, example: Any, *, ready: bool = True) -> Service:
    bundle = read_bundle(pack(model, "m", folder, example=example).folder)
    engine = PythonEngine(bundle)
    engine.load()
    health = {"live": True, "ready": ready, "status": "loading"}
    counts = dict.fromkeys(
        ("requests", "errors", "rows", "batches", "response_seconds", "model_seconds"), 0.0
    )
    identity = Identity("m", 1, "")
    return Service(identity, bundle.manifest, engine, lambda: health, lambda: counts)


def page(served: Served, path: str, method: str = "GET", body: bytes = b"", **parts: str) -> Reply:
    (found,) = [one for one in served.pages if one.path == path]
    assert method in found.methods
    return found.answer(Query(method, path, {}, body, "id", parts=parts))


@pytest.mark.parametrize("kind", sorted(_ANSWERS))
def test_outputs_are_described_as_they_are_answered(tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0]})
    service = service_of(tmp_path / "m", _ANSWERS[kind], frame)
    served = open_inference(service)
    told = json.loads(page(served, "/v2/models/{model}", model="m").body)["outputs"]
    protocol = served.endpoints[0].protocol
    tensor = {"name": "x", "shape": [2], "datatype": "FP64", "data": [1.0, 2.0]}
    query = Query("POST", "", {}, json.dumps({"inputs": [tensor]}).encode(), "id")
    ask = protocol.read(query)
    value = service.engine.predict(ask.data, ask.calls)
    answer = json.loads(protocol.write(ask, Prediction(value, 2, 1.0, 2), query).body)["outputs"]
    assert [(one["name"], one["datatype"]) for one in told] == [
        (one["name"], one["datatype"]) for one in answer
    ]
    for described, one in zip(told, answer, strict=True):
        assert len(described["shape"]) == len(one["shape"])
        pairs = zip(described["shape"], one["shape"], strict=True)
        assert all(size in (-1, got) for size, got in pairs)


def test_outputs_that_are_not_known_are_not_guessed(tmp_path: Path) -> None:
    def model(frame: Any) -> Any:
        return {"vectors": np.ones((len(frame), 2), dtype="float32"), "text": ["a"] * len(frame)}

    served = open_inference(service_of(tmp_path / "m", model, pd.DataFrame({"x": [1.0, 2.0]})))
    assert json.loads(page(served, "/v2/models/{model}", model="m").body)["outputs"] == []


def test_inputs_of_every_type_are_described(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "narrow": np.array([1], dtype="float32"),
            "nullable": pd.array([None], dtype="UInt8"),
            "truth": [True],
            "levels": pd.Categorical(["a"]),
            "numbers": pd.Categorical([1]),
            "time": pd.to_datetime(["2026-01-31"]),
            "raw": [b"x"],
        }
    )
    served = open_inference(service_of(tmp_path / "m", _ANSWERS["number"], frame))
    told = json.loads(page(served, "/v2/models/{model}", model="m").body)["inputs"]
    assert {one["name"]: one["datatype"] for one in told} == {
        "narrow": "FP32",
        "nullable": "UINT8",
        "truth": "BOOL",
        "levels": "BYTES",
        "numbers": "INT64",
        "time": "BYTES",
        "raw": "BYTES",
    }
    assert all(one["shape"] == [-1, 1] for one in told)


def test_a_service_that_is_not_ready_says_so_everywhere(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1.0]})
    served = open_inference(service_of(tmp_path / "m", _ANSWERS["array"], frame, ready=False))
    assert page(served, "/v2/health/live").status == 200
    ready = page(served, "/v2/health/ready")
    assert (ready.status, json.loads(ready.body)) == (503, {"live": True, "ready": False})
    model = page(served, "/v2/models/{model}/ready", model="m")
    assert (model.status, json.loads(model.body)) == (503, {"name": "m", "ready": False})
    path = "/v2/repository/index"
    (only,) = json.loads(page(served, path, "POST").body)
    assert (only["state"], only["reason"]) == ("UNAVAILABLE", "loading")
    assert json.loads(page(served, path, "POST", b'{"ready": true}').body) == []
