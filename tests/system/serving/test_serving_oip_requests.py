"""Requests as other clients, people and accidents send them; what today's servers fail at."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlkraken_client._pack import pack
from tests.system.serving import _tabular
from tests.system.serving._server import Answer, Server

INFER = "/v2/models/m/infer"
X = _tabular.FEATURES[:2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server of a model that doubles a column ``x`` and refuses negative numbers."""
    folder = tmp_path_factory.mktemp("requests")
    rows = pd.DataFrame({"x": [1.0, 2.0]})
    running = Server(
        pack(_tabular.refusing, "m", folder / "m", example=rows).folder, folder / "log"
    )
    yield running
    running.end()


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("classes")
    running = Server(
        pack(_tabular.classifier(), "m", folder / "m", example=X).folder, folder / "log"
    )
    yield running
    running.end()


def tensor(data: Any, name: str = "x", **more: Any) -> dict[str, Any]:
    shape = list(np.shape(data)) or [1]
    return {"name": name, "shape": shape, "datatype": "FP64", "data": data, **more}


def infer(server: Server, message: Any, headers: dict[str, str] | None = None) -> Answer:
    return server.send("POST", INFER, json.dumps(message).encode(), headers)


def with_bytes(server: Server, inputs: list[dict[str, Any]], tail: bytes, **headers: str) -> Answer:
    head = json.dumps({"inputs": inputs}).encode()
    sent = {"Inference-Header-Content-Length": str(len(head)), **headers}
    return server.send("POST", INFER, head + tail, sent)


def error(answer: Answer, status: int) -> str:
    """Return the text of an error, after a look at the form that clients compare with."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {"error"}
    text = answer.json["error"]
    assert isinstance(text, str)
    assert "Traceback" not in text
    return text


def outputs(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    return {one["name"]: one["data"] for one in answer.json["outputs"]}


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "application/octet-stream", "text/plain", "?"]
)
def test_no_content_type_decides_what_a_body_is(server: Server, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert outputs(infer(server, {"inputs": [tensor([1.0])]}, headers)) == {"predict": [2.0]}
    described = {"name": "x", "shape": [2], "datatype": "FP64"}
    described["parameters"] = {"binary_data_size": 16}
    answer = with_bytes(server, [described], np.array([1.0, 2.0]).tobytes(), **headers)
    assert outputs(answer) == {"predict": [2.0, 4.0]}
    assert answer.headers["content-type"] == "application/json"


def test_literals_are_taken_and_null_is_sent(server: Server) -> None:
    body = b'{"inputs":[{"name":"x","shape":[4],"datatype":"FP64","data":[NaN,Infinity,null,1]}]}'
    answer = server.send("POST", INFER, body)
    assert outputs(answer) == {"predict": [None, None, None, 2.0]}
    json.loads(answer.body, parse_constant=pytest.fail)


@pytest.mark.parametrize("shape", [[2], [2, 1]])
@pytest.mark.parametrize("data", [[1.0, 2.0], [[1.0], [2.0]]])
def test_data_may_be_flat_or_nested(server: Server, shape: list[int], data: Any) -> None:
    answer = infer(server, {"inputs": [{**tensor([0.0]), "shape": shape, "data": data}]})
    if np.shape(data) == tuple(shape) or np.ndim(data) == 1:
        assert outputs(answer) == {"predict": [2.0, 4.0]}
    else:
        assert "tensor_shape" in error(answer, 400)


@pytest.mark.parametrize(("name", "pack_"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_bodies_are_compressed_both_ways(server: Server, name: str, pack_: Any) -> None:
    many = [float(number) for number in range(500)]
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "x",
                    "shape": [500],
                    "datatype": "FP64",
                    "parameters": {"binary_data_size": 4000},
                }
            ],
            "parameters": {"binary_data_output": True},
        }
    ).encode()
    answer = server.send(
        "POST",
        INFER,
        pack_(head + np.array(many).tobytes()),
        {
            "Content-Encoding": name,
            "Accept-Encoding": name,
            "Inference-Header-Content-Length": str(len(head)),
        },
    )
    assert (answer.status, answer.headers["content-encoding"]) == (200, name)
    assert answer.headers["content-type"] == "application/octet-stream"
    body = gzip.decompress(answer.body) if name == "gzip" else zlib.decompress(answer.body)
    size = int(answer.headers["inference-header-content-length"])
    assert json.loads(body[:size])["outputs"][0]["parameters"] == {"binary_data_size": 4000}
    assert np.frombuffer(body[size:]).tolist() == [2 * number for number in many]


def test_a_tensor_of_bytes_may_stand_beside_one_of_json(tmp_path: Any) -> None:
    frame = pd.DataFrame({"a": [1.0], "b": ["x"], "c": [1]})
    folder = pack(_tabular.seen, "m", tmp_path / "m", example=frame).folder
    server = Server(folder, tmp_path / "log")
    try:
        c = np.array([7, 8]).tobytes()
        answer = with_bytes(
            server,
            [
                {"name": "b", "shape": [2, 1], "datatype": "BYTES", "data": ["ż", None]},
                {
                    "name": "c",
                    "shape": [2, 1],
                    "datatype": "INT64",
                    "parameters": {"binary_data_size": 16},
                },
                {"name": "a", "shape": [2], "datatype": "FP32", "data": [0.5, None]},
            ],
            c,
        )
        assert outputs(answer) == {"a": [0.5, None], "b": ["ż", None], "c": [7, 8]}
    finally:
        server.end()


def test_raw_bytes_alone_are_the_only_input(server: Server, classes: Server) -> None:
    alone = {"Inference-Header-Content-Length": "0"}
    answer = server.send("POST", INFER, np.array([1.0, 2.0]).tobytes(), alone)
    assert outputs(answer) == {"predict": [2.0, 4.0]}
    answer = classes.send("POST", INFER, X.tobytes(), alone)
    assert outputs(answer)["label"] == _tabular.classifier().predict(X).tolist()
    assert "not whole rows" in error(classes.send("POST", INFER, X.tobytes()[:-8], alone), 400)


def test_ids_and_parameters_come_back(server: Server) -> None:
    message = {
        "id": "mine",
        "parameters": {"content_type": "pd", "mark": 3, "binary_data_output": False},
        "inputs": [tensor([1.0])],
        "outputs": [{"name": "predict", "parameters": {"binary_data": False}}],
    }
    answer = infer(server, message).json
    assert answer["id"] == "mine"
    assert answer["parameters"] == {"content_type": "pd", "mark": 3}
    assert (answer["model_name"], answer["model_version"]) == ("m", "1")
    assert "id" not in infer(server, {"inputs": [tensor([1.0])]}).json


def test_an_output_overrides_the_request(classes: Server) -> None:
    answer = infer(
        classes,
        {
            "inputs": [tensor(X.tolist(), "any name")],
            "parameters": {"binary_data_output": True},
            "outputs": [
                {"name": "label", "parameters": {"binary_data": False}},
                {"name": "probabilities"},
            ],
        },
    )
    size = int(answer.headers["inference-header-content-length"])
    label, probabilities = json.loads(answer.body[:size])["outputs"]
    assert label["data"] == _tabular.classifier().predict(X).tolist()
    assert "data" not in probabilities
    assert answer.body[size:] == _tabular.classifier().predict_proba(X).tobytes()


@pytest.mark.parametrize("version", ["", "/versions/1", "/versions/live"])
def test_a_version_or_alias_may_stand_in_the_path(server: Server, version: str) -> None:
    base = f"/v2/models/m{version}"
    body = json.dumps({"inputs": [tensor([1.0])]}).encode()
    assert server.send("POST", f"{base}/infer", body).json["model_version"] == "1"
    assert server.get(base).json["versions"] == ["1"]
    assert server.get(f"{base}/ready").json == {"name": "m", "ready": True}
    assert server.get(f"{base}/config").json["name"] == "m"
    assert server.get(f"{base}/stats").json["model_stats"][0]["version"] == "1"


def test_health_satisfies_clients_that_look_at_either_key(server: Server) -> None:
    for path in ("/v2/health/live", "/v2/health/ready"):
        answer = server.get(path)
        assert (answer.status, answer.json) == (200, {"live": True, "ready": True})
        assert answer.headers["content-type"] == "application/json"
        assert server.send("HEAD", path).status == 200


@pytest.mark.parametrize("body", [b"", b"{}", b'{"ready": true}'])
def test_the_index_takes_an_empty_body(server: Server, body: bytes) -> None:
    (only,) = server.send("POST", "/v2/repository/index", body).json
    assert only == {"name": "m", "version": "1", "state": "READY", "reason": ""}
    assert server.get("/v2/models").json == {"models": ["m"]}


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (1, "request_form"),
        ({}, "request_form"),
        ({"inputs": []}, "request_form"),
        ({"inputs": {}}, "request_form"),
        ({"inputs": [1]}, "request_form"),
        ({"inputs": [{}]}, "tensor_form: An input has no name"),
        ({"inputs": [{"name": "x"}]}, "tensor_form"),
        ({"inputs": [{**tensor([1.0]), "shape": [-1]}]}, "tensor_form"),
        ({"inputs": [{**tensor([1.0]), "shape": [2]}]}, "tensor_shape"),
        ({"inputs": [{**tensor([1.0]), "datatype": "FP65"}]}, "tensor_datatype"),
        ({"inputs": [{**tensor([1.0]), "datatype": "BF16"}]}, "tensor_datatype"),
        ({"inputs": [{"name": "x", "shape": [1], "datatype": "FP64"}]}, "tensor_form"),
        ({"inputs": [tensor([1.0]), tensor([1.0])]}, "request_form: Two inputs"),
        ({"inputs": [tensor([1.0])], "outputs": 1}, "request_form"),
        ({"inputs": [tensor([1.0])], "outputs": [{}]}, "request_form"),
        ({"inputs": [tensor([1.0])], "parameters": []}, "request_form"),
        ({"inputs": [tensor([1.0])], "outputs": [{"name": "y"}]}, "output_unknown"),
        ({"inputs": [tensor([1.0], parameters={"shared_memory_region": "r"})]}, "shared_memory"),
        ({"inputs": [tensor([1.0], parameters={"binary_data_size": 8})]}, "tensor_bytes"),
        ({"inputs": [tensor([1.0])], "parameters": {"method": "fit"}}, "method_unknown"),
        ({"inputs": [tensor([[1.0, 2.0]])]}, "shape_mismatch"),
        ({"inputs": [tensor([1.0]), tensor([1.0], "y")]}, "columns_unexpected"),
    ],
    ids=str,
)
def test_a_request_that_is_none_is_refused_by_name(server: Server, message: Any, says: str) -> None:
    assert says in error(infer(server, message), 400)


def test_bodies_that_are_none_are_refused_by_name(server: Server) -> None:
    assert "body_not_json" in error(server.send("POST", INFER, b"\x00\xff"), 400)
    for length in ("-1", "x", "1e3", "1000", "9" * 20, "9" * 5000):
        headers = {"Inference-Header-Content-Length": length}
        assert "header_length" in error(server.send("POST", INFER, b"{}", headers), 400)
    described = {"name": "x", "shape": [1], "datatype": "FP64"}
    for size in (7, 9, -1, True, "8", None):
        wrong = {**described, "parameters": {"binary_data_size": size}}
        assert "tensor_bytes" in error(with_bytes(server, [wrong], b"\0" * 8), 400)
    right = {**described, "parameters": {"binary_data_size": 8}}
    assert "belong to no input" in error(with_bytes(server, [right], b"\0" * 9), 400)


def test_a_failing_model_is_told_in_one_line(server: Server) -> None:
    text = error(infer(server, {"inputs": [tensor([-1.0])]}), 500)
    assert "predict_failed" in text
    assert "a negative number" in text


def test_every_failure_below_v2_is_in_its_dialect(server: Server) -> None:
    refused = server.get(INFER)
    assert "method_not_allowed" in error(refused, 405)
    assert refused.headers["allow"] == "POST"
    assert "not_found" in error(server.get("/v2/nothing"), 404)
    assert "model_not_here" in error(server.get("/v2/models/other"), 404)
    assert "model_not_here" in error(server.get("/v2/models/m/versions/2/ready"), 404)
    assert "model_not_here" in error(server.get(f"/v2/models/m/versions/{'9' * 5000}"), 404)
    body = json.dumps({"inputs": [tensor([1.0])]}).encode()
    assert "model_not_here" in error(server.send("POST", "/v2/models/other/infer", body), 404)
    wrong = server.send("POST", INFER, body, {"Content-Encoding": "br"})
    assert "encoding_unknown" in error(wrong, 415)
    unload = server.send("POST", "/v2/repository/models/m/unload", b"")
    assert "unload_unsupported" in error(unload, 501)


def test_a_credential_is_wanted_but_for_health(tmp_path: Any) -> None:
    folder = pack(_tabular.refusing, "m", tmp_path / "m", example=pd.DataFrame({"x": [1.0]})).folder
    server = Server(folder, tmp_path / "log", "--token-env=THE_TOKEN", THE_TOKEN="secret")
    try:
        assert server.get("/v2/health/ready").status == 200
        assert "token" in error(server.get("/v2/models/m"), 401)
        body = json.dumps({"inputs": [tensor([1.0])]}).encode()
        error(server.send("POST", INFER, body), 401)
        held = {"Authorization": "Bearer secret"}
        assert outputs(server.send("POST", INFER, body, held)) == {"predict": [2.0]}
    finally:
        server.end()
