"""What HTTP allows callers to do, and what careless or hostile ones do anyway."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable

import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mlkraken_client._answers import decode
from mlkraken_client._codec import encode
from tests.system.serving._server import BOUND_S, Server, read
from tests.system.serving.conftest import Start

BODY = json.dumps({"modelData": {"a": 1}, "metaData": {}}).encode()


@pytest.fixture
def server(shared: Callable[[str], Server]) -> Server:
    return shared("echo")


@pytest.mark.parametrize("path", ["/", "/predict"])
def test_the_seed_contract_answers_on_both_paths_and_echoes_and_fills_meta_data(
    server: Server, path: str
) -> None:
    answer = server.ask([1, "x"], {"modelId": "echo", "mine": {"kept": [1]}}, path)
    assert answer.result == [1, "x"]
    assert answer.headers["content-type"] == "application/json"
    meta = answer.json["metaData"]
    assert meta["mine"] == {"kept": [1]}
    assert (meta["modelId"], meta["version"], meta["engine"]) == ("echo", 1, "python")
    assert meta["requestId"] == answer.headers["x-request-id"]
    assert meta["modelTimeMs"] >= 0
    assert (meta["rows"], meta["batchRows"]) == (1, 1)
    assert meta["resultType"] == {"kind": "json"}


def test_a_model_without_a_signature_sees_and_answers_its_callers_own_table(
    server: Server,
) -> None:
    table = pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "c": pd.Categorical(["a", "b"])})
    data, meta = encode(table, {"kind": "any", "fields": []})
    answer = server.ask(data, meta)
    assert answer.result == [{"n": 1, "c": "a"}, {"n": None, "c": "b"}]
    got = decode(answer.result, answer.json["metaData"]["resultType"], table)
    pd.testing.assert_frame_equal(got, table)


@pytest.mark.parametrize("wanted", ["echo", "echo@1", "echo@live", None])
def test_a_service_answers_to_its_own_name(server: Server, wanted: str | None) -> None:
    assert server.ask(1, {"modelId": wanted}).result == 1


@pytest.mark.parametrize("wanted", ["other", "echo@2", 5, "", "Echo"])
def test_a_query_for_another_model_is_sent_elsewhere(server: Server, wanted: object) -> None:
    answer = server.ask(1, {"modelId": wanted})
    assert (answer.status, answer.error["code"]) == (404, "model_not_here")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "body_not_json"),
        (b"{", "body_not_json"),
        (b"\xff\xfe\x00", "body_not_json"),
        (b"[" * 100_000, "body_not_json"),
        (b'{"modelData": 1} trailing', "body_not_json"),
        (b"null", "model_data_missing"),
        (b"[]", "model_data_missing"),
        (b"{}", "model_data_missing"),
        (b'{"modeldata": 1}', "model_data_missing"),
        (b'{"modelData": 1, "metaData": 5}', "meta_data_form"),
        (b'{"modelData": 1, "metaData": [1]}', "meta_data_form"),
        (b'{"modelData": 1, "metaData": {"signature": 5}}', "signature_form"),
        (b'{"modelData": 1, "metaData": {"signature": {"kind": "series"}}}', "signature_form"),
        (
            b'{"modelData": [1], "metaData": {"signature": {"kind": "ndarray", "fields": '
            b'[{"name": "value", "dtype": "nothing"}]}}}',
            "signature_form",
        ),
        (
            b'{"modelData": [1], "metaData": {"signature": {"kind": "ndarray", "fields": '
            b'[{"name": "value", "dtype": "int64", "storage": "category"}]}}}',
            "signature_form",
        ),
        (
            b'{"modelData": {"a": [1]}, "metaData": {"signature": {"kind": "dataframe", "fields":'
            b'[{"name": "a", "dtype": "int64", "storage": "no such"}]}}}',
            "signature_form",
        ),
        (
            b'{"modelData": {"a": [1]}, "metaData": {"signature": {"kind": "dataframe", "fields":'
            b'[{"name": "a", "dtype": "int64", "storage": "int64", "label": "int"}]}}}',
            "signature_form",
        ),
    ],
)
def test_a_body_that_is_not_the_contract_is_refused(server: Server, body: bytes, code: str) -> None:
    answer = server.send("POST", "/", body)
    assert (answer.status, answer.error["code"]) == (400, code)
    assert server.ask(1).result == 1


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/predict"), ("PUT", "/predict"), ("DELETE", "/predict")]
)
def test_another_method_is_refused_with_those_allowed(
    server: Server, method: str, path: str
) -> None:
    answer = server.send(method, path)
    assert (answer.status, answer.error["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    assert "POST" in answer.error["hint"]


def test_head_is_refused_without_a_body(server: Server) -> None:
    answer = server.send("HEAD", "/predict")
    assert (answer.status, answer.headers["allow"], answer.body) == (405, "POST", b"")


@pytest.mark.parametrize("path", ["/nothing", "/predict/", "//", "/../etc/passwd", "/%00", "/v3"])
def test_an_unknown_path_is_told_what_there_is(server: Server, path: str) -> None:
    for method in ("GET", "POST"):
        answer = server.send(method, path)
        assert (answer.status, answer.error["code"]) == (404, "not_found")
        assert "/predict" in answer.error["hint"]


def test_health_says_what_is_served(server: Server) -> None:
    health = server.get("/health").json
    assert health["status"] == "ready"
    assert health["live"] is health["ready"] is True
    assert (health["model"], health["version"], health["engine"]) == ("echo", 1, "python")
    assert health["pid"] == server.process.pid
    assert health["parity"]["verdict"] == "none"


def test_a_request_id_comes_back_and_a_bad_one_is_replaced(server: Server) -> None:
    answer = server.ask(1, headers={"X-Request-Id": "mine-1"})
    assert answer.headers["x-request-id"] == answer.json["metaData"]["requestId"] == "mine-1"
    ids = set()
    for bad in ("has space", "x" * 129, "", "ż".encode().decode("latin-1")):
        given = server.ask(1, headers={"X-Request-Id": bad}).headers["x-request-id"]
        assert given != bad
        assert len(given) == 32
        ids.add(given)
    assert len(ids) == 4
    refused = server.send("POST", "/", b"", {"X-Request-Id": "mine-2"})
    assert refused.error["request_id"] == "mine-2"
    assert server.send("GET", "/no", None, {"X-Request-Id": "mine-3"}).error["request_id"] == (
        "mine-3"
    )


def test_a_chunked_body_and_one_in_small_pieces_are_read(server: Server) -> None:
    pieces = [BODY[:5], BODY[5:6], BODY[6:]]
    connection = server.connect()
    connection.request(
        "POST",
        "/",
        body=iter(pieces),
        encode_chunked=True,
        headers={"Transfer-Encoding": "chunked"},
    )
    assert read(connection).result == {"a": 1}
    connection.close()


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    bodies = [json.dumps({"modelData": number}).encode() for number in range(20)]
    request = b"".join(
        b"POST / HTTP/1.1\r\nHost: x\r\nX-Request-Id: r%d\r\nContent-Length: %d\r\n%s\r\n%s"
        % (number, len(body), b"Connection: close\r\n" if number == 19 else b"", body)
        for number, body in enumerate(bodies)
    )
    answers = server.raw(request).split(b"HTTP/1.1 200 OK")[1:]
    assert [b"x-request-id: r%d\r" % number in part for number, part in enumerate(answers)] == (
        [True] * 20
    )


def test_a_connection_is_kept_after_answers_and_errors(server: Server) -> None:
    connection = server.connect()
    connection.connect()
    line = connection.sock
    for body, status in ((BODY, 200), (b"{", 400), (BODY, 200)):
        connection.request("POST", "/", body=body)
        assert read(connection).status == status
        assert connection.sock is line
    connection.close()


def test_a_caller_that_asks_before_it_sends_its_body_is_told_to(server: Server) -> None:
    head = (
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=BOUND_S) as line:
        line.sendall(head)
        assert line.recv(4096).startswith(b"HTTP/1.1 100 Continue")
        line.sendall(BODY)
        answer = b""
        while part := line.recv(4096):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /health HTTP/1.1\r\nno colon here\r\n\r\n",
        bytes(range(256)) * 40,
    ],
)
def test_garbage_ends_its_own_connection_only(server: Server, garbage: bytes) -> None:
    assert b"200 OK" not in server.raw(garbage, end=True)
    assert server.ask(1).result == 1


def test_an_oversized_header_ends_or_is_answered_but_hurts_nobody(server: Server) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Long: %s\r\n\r\n"
    with contextlib.suppress(ConnectionError):
        server.raw(request % (b"x" * 2_000_000))
    assert server.ask(1).result == 1


def test_an_upload_that_is_given_up_does_not_hurt_the_next(server: Server) -> None:
    before = len(server.log)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port), timeout=BOUND_S) as line:
            line.sendall(head + BODY[:10])
    assert server.ask(1).result == 1
    assert "Traceback" not in server.log[before:]


def test_metrics_are_what_prometheus_reads(server: Server) -> None:
    server.ask(1)
    server.send("POST", "/", b"{")
    answer = server.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = {
        family.name: family for family in text_string_to_metric_families(answer.body.decode())
    }
    counted = {
        sample.labels["status"]: sample.value
        for sample in families["mlkraken_requests"].samples
        if sample.name.endswith("_total")
    }
    assert counted["200"] >= 1
    assert counted["400"] >= 1
    for name in ("response_seconds", "model_seconds", "batch_rows", "queue_length"):
        assert f"mlkraken_{name}" in families
    (in_flight,) = families["mlkraken_requests_in_flight"].samples
    assert in_flight.value == 0


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit_is_refused_by_its_size(start: Start, chunked: bool) -> None:
    server = start("echo", "--most-mib=0.01")
    body = json.dumps({"modelData": "x" * 20_000}).encode()
    connection = server.connect()
    if chunked:
        connection.request(
            "POST",
            "/",
            body=iter([body[:9000], body[9000:]]),
            encode_chunked=True,
            headers={"Transfer-Encoding": "chunked"},
        )
    else:
        connection.request("POST", "/", body=body)
    answer = read(connection)
    connection.close()
    assert (answer.status, answer.error["code"]) == (413, "body_too_large")
    assert "0.01 MiB" in answer.error["message"]
    assert server.ask("small").result == "small"


def test_a_body_announced_too_large_is_refused_before_it_is_sent(start: Start) -> None:
    server = start("echo", "--most-mib=0.01")
    with socket.create_connection(("127.0.0.1", server.port), timeout=BOUND_S) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
        assert line.recv(4096).startswith(b"HTTP/1.1 413")
