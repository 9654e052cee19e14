"""Arrow, Parquet and CSV against real servers: the served answer is the model's own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from mlkraken_client._pack import pack
from tests.system.serving import _tabular
from tests.system.serving._server import Answer, Server

ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
X = _tabular.FEATURES[:5]
FRAME = pd.DataFrame(
    {
        "x": [1.5, float("nan"), -0.0],
        "single": np.float32([0.1, 1e-45, 3.4e38]),
        "whole": [2**53 + 1, -(2**63), 7],
        "maybe": pd.array([2**60 + 1, None, 0], dtype="Int64"),
        "truth": pd.array([True, None, False], dtype="boolean"),
        "size": pd.Categorical(["s", None, "l"], categories=["s", "m", "l"]),
        "at": pd.to_datetime(["2026-03-29T00:30Z", None, "2026-10-25T00:30Z"]).tz_convert(
            "Europe/Warsaw"
        ),
        "took": pd.to_timedelta(["1 days", None, "-1 ns"]),
        "text": ["żółw 🦀", "", None],
        "raw": pd.Series([b"\x00\xff", b"", None], dtype=object),
    }
)


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, pipeline: Path
) -> Iterator[dict[str, Server]]:
    folder = tmp_path_factory.mktemp("columnar")
    bundles = {
        "penguins": pipeline,
        "classes": pack(_tabular.classifier(), "classes", folder / "classes", example=X).folder,
        "seen": pack(_tabular.seen, "seen", folder / "seen", example=FRAME).folder,
    }
    started = {
        name: Server(bundle, folder / f"{name}.log", f"--model={name}")
        for name, bundle in bundles.items()
    }
    yield started
    for server in started.values():
        server.end()


def stream(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def file(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def post(server: Server, kind: str, body: bytes, path: str = "/predict", **headers: str) -> Answer:
    return server.send("POST", path, body, {"Content-Type": kind, **headers})


def table_of(answer: Answer) -> pa.Table:
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == ARROW
    return pa.ipc.open_stream(answer.body).read_all()


@pytest.mark.parametrize("path", ["/", "/predict"])
@pytest.mark.parametrize(("kind", "write"), [(ARROW, stream), (PARQUET, file)])
def test_a_table_comes_back_as_it_was_sent(
    servers: dict[str, Server], kind: str, write: Any, path: str
) -> None:
    table = table_of(post(servers["seen"], kind, write(pa.Table.from_pandas(FRAME)), path))
    wanted = pa.Table.from_pandas(FRAME).cast(table.schema)
    for name in FRAME:
        if name == "x":  # pyarrow makes NaN of pandas a null; we keep it
            assert repr(table.column(name).to_pylist()) == repr(FRAME[name].tolist())
        else:
            assert table.column(name).equals(wanted.column(name))


def test_the_schema_notes_what_meta_data_tells(servers: dict[str, Server]) -> None:
    answer = post(servers["seen"], ARROW, stream(pa.Table.from_pandas(FRAME)))
    note = json.loads(table_of(answer).schema.metadata[b"mlkraken"])
    assert note["modelId"] == "seen"
    assert note["requestId"] == answer.headers["x-request-id"]
    assert note["rows"] == len(FRAME)
    assert note["modelTimeMs"] >= 0


def test_a_pipeline_answers_its_own_labels_and_probabilities(
    servers: dict[str, Server], penguins: tuple[Any, Any]
) -> None:
    model, rows = penguins
    body = stream(pa.Table.from_pandas(rows, preserve_index=False))
    labels = table_of(post(servers["penguins"], ARROW, body)).column("label").to_pylist()
    assert labels == model.predict(rows).tolist()
    chances = table_of(post(servers["penguins"], ARROW, body, "/predict?method=predict_proba"))
    got = np.array(chances.column("probabilities").to_pylist())
    assert got.tobytes() == np.ascontiguousarray(model.predict_proba(rows)).tobytes()


@pytest.mark.parametrize("way", ["columns", "lists", "parquet", "csv"])
def test_an_arrays_model_takes_columns_or_lists(servers: dict[str, Server], way: str) -> None:
    columns = pa.table({f"c{place}": X[:, place] for place in range(X.shape[1])})
    lists = pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), X.shape[1])
    csv = "\n".join(",".join(map(repr, row)) for row in X.tolist()).encode()
    kind, body = {
        "columns": (ARROW, stream(columns)),
        "lists": (ARROW, stream(pa.table({"x": lists}))),
        "parquet": (PARQUET, file(columns)),
        "csv": ("text/csv", csv),
    }[way]
    answer = post(servers["classes"], kind, body, Accept=ARROW)
    wanted = _tabular.classifier().predict(X).tolist()
    assert table_of(answer).column("label").to_pylist() == wanted


def test_csv_is_answered_in_json_and_json_in_arrow_where_that_is_asked(
    servers: dict[str, Server],
) -> None:
    server = servers["seen"]
    example: Mapping[str, Any] = {name: FRAME[name].iloc[:1] for name in FRAME if name != "raw"}
    text = pd.DataFrame(example).assign(raw="AP8=").to_csv(index=False).encode()
    answer = post(server, "text/csv", text)
    assert answer.result[0]["whole"] == 2**53 + 1
    assert answer.result[0]["at"] == "2026-03-29T01:30:00+01:00"
    row = {**answer.result[0]}
    back = post(server, "application/json", json.dumps({"modelData": row}).encode(), Accept=ARROW)
    assert table_of(back).column("raw").to_pylist() == [b"\x00\xff"]


def test_an_arrow_body_is_answered_in_json_where_that_is_asked(
    servers: dict[str, Server],
) -> None:
    body = stream(pa.Table.from_pandas(FRAME))
    answer = post(servers["seen"], ARROW, body, Accept="application/json")
    assert answer.result[1]["whole"] == -(2**63)


def test_what_is_wrong_is_told_in_the_houses_form(servers: dict[str, Server]) -> None:
    server = servers["seen"]
    for kind in (ARROW, PARQUET, "text/csv"):
        error = post(server, kind, b"\xff\xfe nonsense").error
        assert error["code"].startswith("body_not_")
    assert post(server, ARROW, stream(pa.table({"x": [1.5]}))).error["code"] == "columns_missing"
    assert post(server, ARROW, b"", "/?method=fly").error["code"] == "method_unknown"
