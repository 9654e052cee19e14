"""Whatever is sent to MLflow's, SageMaker's and vetiver's routes, the caller is told why."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlkraken_serving.protocols._mlflow_json import FORMS
from mlkraken_serving.protocols._port import Service
from mlkraken_serving.protocols._sagemaker import InvocationsProtocol
from mlkraken_serving.protocols._vetiver import VetiverProtocol
from tests.unit.serving._asking import ask, query, service_of

EXAMPLES: dict[str, Any] = {
    "frame": pd.DataFrame(
        {"x": [1.5], "n": [1], "t": pd.to_datetime(["2026-01-01"]), "tags": [["a"]]}
    ),
    "nested": pd.DataFrame({"tags": pd.Series([["a"], {"b": 1}], dtype=object)}),
    "series": pd.Series([1.5], name="x"),
    "array": np.array([[1.0, 2.0]]),
    "tensor": np.zeros((1, 2, 2), dtype="int8"),
    "list": [1, 2],
    "records": [{"x": 1}],
    "dict": {"x": 1},
    "scalar": 1.5,
    "any": None,
}
CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
NAMES = st.sampled_from(["x", "n", "t", "tags", "columns", "data", "index", "method", "é"])
JSON = st.recursive(
    CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from([*FORMS, "params", "messages", "input"])
TYPES = st.sampled_from(
    [
        "",
        "application/json",
        "text/csv",
        "text/csv; header=absent",
        "application/x-npy",
        "application/jsonlines",
        "application/x-npz",
        "application/vnd.apache.parquet",
        ";",
        "a/b;c",
    ]
)
ACCEPTS = st.sampled_from(["", "text/csv", "application/x-npy", "application/jsonlines", ",;q=,"])
QUIETLY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def echo(rows: Any) -> Any:
    return rows


@pytest.fixture(scope="module", params=list(EXAMPLES))
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Service:
    given_example = EXAMPLES[request.param]
    options = {} if given_example is None else {"example": given_example}
    return service_of(echo, tmp_path_factory.mktemp("fuzz"), **options)


def told(reply: Any) -> None:
    assert reply.status in (200, 400, 415, 422)
    if reply.status != 200:
        assert any(json.loads(reply.body).get(key) for key in ("message", "detail"))
    elif reply.content_type == b"application/json":
        json.loads(reply.body, parse_constant=pytest.fail)


@given(body=st.dictionaries(KEYS, JSON, max_size=3) | JSON, accept=ACCEPTS)
@example(body={"dataframe_split": {"columns": [], "data": [[], []]}}, accept="text/csv")
@example(body={"inputs": {}}, accept="")
@example(body={"instances": [{}]}, accept="")
@example(body={"dataframe_records": [{}, {"x": 1}]}, accept="")
@QUIETLY
def test_no_json_brings_a_scoring_route_down(service: Service, body: Any, accept: str) -> None:
    told(ask(InvocationsProtocol(service), service, query(body, {"Accept": accept})))


@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode), kind=TYPES)
@example(body=b"", kind="text/csv")
@example(body=b"", kind="application/jsonlines")
@example(body=b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f8'}", kind="")
@example(body=b"\x93NUMPY\x01\x00\x02\x00((", kind="")
@QUIETLY
def test_no_bytes_bring_a_scoring_route_down(service: Service, body: bytes, kind: str) -> None:
    told(ask(InvocationsProtocol(service), service, query(body, {"Content-Type": kind})))


@given(body=st.lists(st.dictionaries(NAMES, JSON, max_size=4), max_size=3) | JSON)
@example(body=[{"t": 10**17}])
@QUIETLY
def test_no_rows_bring_vetiver_s_route_down(service: Service, body: Any) -> None:
    told(ask(VetiverProtocol(service), service, query(body)))
