"""A library's estimator, whose short calls need no hand-over to a thread of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mlkraken_client._answers import decode
from mlkraken_client._codec import encode
from tests.system.serving._server import Server
from tests.system.serving.conftest import WARM, Start


@pytest.fixture
def server(start: Start, pipeline: Path) -> Server:
    return start(pipeline)


def test_a_pipeline_answers_what_the_notebook_has_with_missing_values(
    server: Server, penguins: tuple[Any, Any], pipeline: Path
) -> None:
    model, X = penguins
    data, meta = encode(X, {"kind": "dataframe", "fields": []})
    answer = server.ask(data, meta).json
    got = decode(answer["result"], answer["metaData"]["resultType"], X)
    wanted = model.predict(X)
    assert (got.dtype, got.tolist()) == (wanted.dtype, wanted.tolist())
    assert answer["metaData"]["rows"] == len(X)
    assert server.get("/health").json["parity"]["verdict"] in ("equal", "close")


def test_answers_and_errors_stay_right_when_calls_are_known_to_be_short(
    server: Server, penguins: tuple[Any, Any]
) -> None:
    model, X = penguins
    rows = X.dropna().iloc[:WARM].to_dict("records")
    wanted = model.predict(X.dropna().iloc[:WARM]).tolist()
    for row, species in zip(rows, wanted, strict=True):
        assert server.ask(row).result == [species]
    failed = server.ask({**rows[0], "island": "Atlantis"})
    assert (failed.status, failed.error["code"]) == (500, "predict_failed")
    assert "Atlantis" in failed.error["message"]
    assert server.ask({**rows[0], "island": 5}).error["code"] == "value_mistyped"
    assert server.ask(rows[0]).result == wanted[:1]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda row: server.ask(row).result[0], rows * 3))
    assert together == wanted * 3
