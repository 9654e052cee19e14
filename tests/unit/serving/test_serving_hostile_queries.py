"""Queries of any JSON by any protocol: answered, or refused in words, and the words can be sent."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlkraken_serving.protocols._port import Endpoint, Query, Service
from mlkraken_serving.protocols._table import served
from tests.unit.serving._asking import ask, service_of

EXAMPLES: dict[str, Any] = {
    "frame": pd.DataFrame({"x": [1.5], "n": [1], "s": ["a"], "t": pd.to_datetime(["2026-01-01"])}),
    "array": np.array([[1.0, 2.0]]),
    "records": [{"x": 1}],
    "nothing": None,
}
HALF = "\ud800"
LEAVES = st.sampled_from(
    [
        None,
        True,
        -1,
        1.5,
        2**70,
        2**40,
        float("nan"),
        float("inf"),
        1e308,
        "",
        "x",
        "predict",
        HALF,
        "pd",
        "np",
        "base64",
        "FP64",
        "BYTES",
        "datetime64[ns]",
        "2026-01-01",
        "category",
    ]
)
KEYS = st.sampled_from(
    [
        "modelData",
        "metaData",
        "method",
        "signature",
        "modelId",
        "instances",
        "inputs",
        "outputs",
        "parameters",
        "name",
        "shape",
        "datatype",
        "data",
        "id",
        "x",
        "n",
        "s",
        "kind",
        "fields",
        "dtype",
        "dataframe_split",
        "dataframe_records",
        "columns",
        "params",
        "content_type",
        HALF,
    ]
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
TENSORS = st.fixed_dictionaries(
    {"name": LEAVES, "shape": st.lists(LEAVES, max_size=2), "datatype": LEAVES, "data": JSON}
)
BODIES = JSON | st.fixed_dictionaries(
    {},
    optional={
        "modelData": JSON,
        "metaData": st.dictionaries(KEYS, JSON, max_size=4),
        "inputs": st.lists(TENSORS, max_size=2),
        "instances": JSON,
        "parameters": st.dictionaries(KEYS, LEAVES, max_size=3),
        "dataframe_split": st.dictionaries(KEYS, JSON, max_size=3),
    },
)
ACCEPTS = st.sampled_from([b"", b"application/vnd.apache.arrow.stream", b"application/x-npy"])
ARGUMENTS = st.sampled_from([b"", b"method=predict", b"method=x", b"method=%ff", b"%ff"])


def echo(value: Any) -> Any:
    return value


@pytest.fixture(scope="module", params=list(EXAMPLES))
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Service:
    given_example = EXAMPLES[request.param]
    options = {} if given_example is None else {"example": given_example}
    return service_of(echo, tmp_path_factory.mktemp("hostile"), **options)


def endpoints(service: Service) -> tuple[Endpoint, ...]:
    return served(service, lambda: (b"", "text/plain")).endpoints


@given(body=BODIES, accept=ACCEPTS, arguments=ARGUMENTS)
@example(body={"modelData": {HALF: 1}}, accept=b"", arguments=b"")
@example(body={"modelData": 1, "metaData": {"signature": HALF}}, accept=b"", arguments=b"")
@example(body={"modelData": 1, "metaData": {"method": HALF}}, accept=b"", arguments=b"")
@example(body={"instances": [[1, []]]}, accept=b"application/x-npy", arguments=b"")
@example(body=[{HALF: 1}], accept=b"", arguments=b"")
@example(
    body={
        "inputs": [{"name": HALF, "shape": [1], "datatype": "FP64", "data": [1]}],
        "parameters": {"content_type": "pd"},
    },
    accept=b"",
    arguments=b"",
)
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
def test_every_protocol_answers_or_refuses_any_json(
    service: Service, body: Any, accept: bytes, arguments: bytes
) -> None:
    raw = json.dumps(body).encode()
    for endpoint in endpoints(service):
        parts = {"model": "asked", "version": "3"}
        query = Query("POST", endpoint.path, {b"accept": accept}, raw, "q", arguments, parts)
        reply = ask(endpoint.protocol, service, query)
        if reply.content_type == b"application/json":
            json.loads(reply.body)
        if reply.status >= 500:  # the echo of a query may be an answer without a form
            assert b"result_unserialisable" in reply.body, reply
