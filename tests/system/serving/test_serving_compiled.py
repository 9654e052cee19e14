"""Compiled models in a server of their own: same answers, same types, nothing loaded in vain."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlkraken_client._answers import decode
from mlkraken_client._codec import encode
from mlkraken_client._pack import pack, told_of_compiling
from mlkraken_client._pack._bundle import Bundle
from tests.system.serving._server import Server
from tests.system.serving.conftest import Start


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, penguins: tuple[Any, Any]) -> Bundle:
    model, X = penguins
    folder = tmp_path_factory.mktemp("compiled")
    return pack(model, "penguins", folder, example=X.dropna().head(), compile=True)


def _answer(server: Server, X: pd.DataFrame, **meta: Any) -> tuple[Any, dict[str, Any]]:
    data, told = encode(X, {"kind": "dataframe", "fields": []})
    answer = server.ask(data, {**told, **meta}).json
    return decode(answer["result"], answer["metaData"]["resultType"], X), answer["metaData"]


def _libraries(server: Server) -> set[str]:
    """Return which of the heavy libraries the server's process has in memory."""
    mapped = Path(f"/proc/{server.process.pid}/maps").read_text()
    return {name for name in ("pandas", "sklearn", "onnxruntime") if f"/{name}/" in mapped}


def test_a_compiled_pipeline_answers_as_the_original_without_its_libraries(
    start: Start, compiled: Bundle, penguins: tuple[Any, Any]
) -> None:
    model, X = penguins
    rows = X.dropna()
    server = start(compiled.folder)
    got, meta = _answer(server, rows)
    wanted = model.predict(rows)
    assert meta["engine"] == "onnx-compiled"
    assert (got.dtype, got.tolist()) == (wanted.dtype, wanted.tolist())
    shares, _ = _answer(server, rows, method="predict_proba")
    np.testing.assert_allclose(shares, model.predict_proba(rows), rtol=1e-9, atol=1e-12)
    assert _libraries(server) == {"onnxruntime"}
    health = server.get("/health").json
    assert (health["engine"], health["parity"]["verdict"]) == ("onnx-compiled", "equal")
    assert "the compiled model serves" in server.log


def test_what_was_not_proven_is_answered_by_the_original(
    start: Start, compiled: Bundle, penguins: tuple[Any, Any]
) -> None:
    model, X = penguins
    server = start(compiled.folder)
    row = X.dropna().iloc[0].to_dict()
    unseen = server.ask({**row, "island": "Atlantis"})
    assert (unseen.status, unseen.error["code"]) == (500, "predict_failed")
    scores, _ = _answer(server, X.dropna(), method="decision_function")
    assert np.array_equal(scores, model.decision_function(X.dropna()))
    assert "loading the original model" in server.log
    assert server.ask(row).result == model.predict(X.dropna()[:1]).tolist()


def test_a_compiled_form_that_answers_differently_here_does_not_serve(
    start: Start, compiled: Bundle, tmp_path: Path, penguins: tuple[Any, Any]
) -> None:
    _, X = penguins
    other = pack(
        penguins[0],
        "penguins",
        tmp_path / "b",
        example=X.dropna().head(),
        compile=True,
    )
    manifest = json.loads((other.folder / "kraken.json").read_bytes())
    manifest["compiled"]["methods"]["predict"]["dtype"] = "<U2"  # cuts every label short
    (other.folder / "kraken.json").write_text(json.dumps(manifest))
    server = start(other.folder)
    assert server.get("/health").json["engine"] == "python"
    assert "the compiled one differs: answer 0" in server.log


def test_a_refused_compile_says_why_and_the_original_serves(start: Start, tmp_path: Path) -> None:
    from sklearn.svm import SVR

    X = np.arange(20.0).reshape(10, 2)
    model = SVR().fit(X, X[:, 0])
    bundle = pack(model, "svr", tmp_path / "b", example=X, compile=True)
    assert re.match(r"not compiled, the original serves: .+", told_of_compiling(bundle.manifest))
    server = start(bundle.folder)
    assert server.ask([[1.0, 2.0]]).result == model.predict([[1.0, 2.0]]).tolist()
    assert server.get("/health").json["engine"] == "python"
    assert "it was not compiled:" in server.log


def test_a_matrix_of_single_precision_is_answered_to_the_bit(start: Start, tmp_path: Path) -> None:
    from sklearn.ensemble import RandomForestRegressor

    random = np.random.default_rng(0)
    X = random.normal(size=(200, 4)).astype("float32")
    model = RandomForestRegressor(20).fit(X, X[:, 0] * X[:, 1])
    bundle = pack(model, "forest", tmp_path / "b", example=X[:50], compile=True)
    server = start(bundle.folder)
    answer = server.ask(X.tolist())
    assert answer.json["metaData"]["engine"] == "onnx-compiled"
    np.testing.assert_allclose(answer.result, model.predict(X), rtol=1e-12)
    refused = server.ask([[float("nan"), 0.0, 0.0, 0.0]])
    assert refused.json.get("result") == model.predict([[np.nan, 0, 0, 0]]).tolist()
