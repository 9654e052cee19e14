"""Columns pass the gateway as they pass a service: Arrow in, Arrow out, Parquet and CSV in."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import urllib3

from mlkraken_client import Kraken
from tests.system._backend import api_of

ARROW = "application/vnd.apache.arrow.stream"
FRAME = pd.DataFrame({"x": [1.5, float("nan")], "whole": [2**60 + 1, 0], "text": ["🦀", None]})


@pytest.fixture(scope="module")
def gateway(shared_kraken: Kraken) -> Any:
    """Return what posts a body through the gateway."""

    def mirrored(frame: pd.DataFrame) -> pd.DataFrame:
        return frame

    shared_kraken.deploy(mirrored, "columns", example=FRAME)
    api = api_of(shared_kraken.connection.target.home)
    pool = urllib3.PoolManager(retries=False)

    def post(kind: str, body: bytes) -> pa.Table:
        headers = {"Authorization": f"Bearer {api.token}", "Content-Type": kind, "Accept": ARROW}
        url = f"{api.url}/m/columns/predict"
        answer = pool.request("POST", url, body=body, headers=headers, timeout=20)
        assert answer.status == 200, answer.data
        assert answer.headers["content-type"] == ARROW
        return pa.ipc.open_stream(answer.data).read_all()

    return post


def stream(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def test_a_table_comes_back_by_every_encoding(gateway: Any) -> None:
    bodies = {
        ARROW: stream(pa.Table.from_pandas(FRAME)),
        "application/vnd.apache.parquet": FRAME.to_parquet(),
        "text/csv": FRAME.to_csv(index=False).encode(),
    }
    for kind, body in bodies.items():
        table = gateway(kind, body)
        assert table.column("whole").to_pylist() == [2**60 + 1, 0]
        assert table.column("text").to_pylist() == ["🦀", None]
        assert repr(table.column("x").to_pylist()) == "[1.5, nan]"
