"""A lone caller's queries take a shorter way, and nobody can tell but by the time."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mlkraken_serving._records import RECORD
from tests.system.serving._server import BOUND_S, Server, read
from tests.system.serving.conftest import WARM, Start


@pytest.fixture
def server(start: Start, pipeline: Path, tmp_path: Path) -> Server:
    return start(pipeline, f"--times={tmp_path / 'times'}", "--replica=r-1")


@pytest.fixture
def rows(penguins: tuple[Any, Any]) -> list[dict[str, Any]]:
    _, X = penguins
    return X.dropna().iloc[:WARM].to_dict("records")  # type: ignore[no-any-return]


@pytest.fixture
def alone(server: Server, rows: list[dict[str, Any]]) -> Iterator[http.client.HTTPConnection]:
    """The only connection, after so many queries that the model is known to be short."""
    connection = server.connect()
    for row in rows:
        assert ask(connection, row).status == 200
    yield connection
    connection.close()


def ask(connection: http.client.HTTPConnection, row: Any, **headers: str) -> Any:
    connection.request("POST", "/", body_of(row), headers)
    return read(connection)


def body_of(data: Any) -> bytes:
    return json.dumps({"modelData": data, "metaData": {"note": "back"}}).encode()


def request_of(body: bytes, head: bytes = b"") -> bytes:
    length = str(len(body)).encode()
    return b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: %b\r\n%b\r\n%b" % (
        length,
        head,
        body,
    )


def answers(line: socket.socket, count: int) -> list[Any]:
    """The bodies of that many answers on one connection, in their order."""
    with line.makefile("rb") as stream:
        found = []
        for _ in range(count):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += stream.readline()
            (length,) = [
                int(field.split(b":")[1])
                for field in head.lower().splitlines()
                if field.startswith(b"content-length")
            ]
            found.append(json.loads(stream.read(length)))
        return found


def test_answers_are_the_same_as_on_the_long_way(
    server: Server, alone: http.client.HTTPConnection, rows: list[dict[str, Any]]
) -> None:
    short = ask(alone, rows[0], **{"X-Request-Id": "my-1"})
    assert short.headers["x-request-id"] == "my-1"
    assert short.headers["date"]
    other = server.connect()  # now there are two, and both go the long way
    long = ask(other, rows[0], **{"X-Request-Id": "my-1"})
    other.close()
    assert set(short.headers) == set(long.headers)
    first, second = short.json, long.json
    for answer in (first, second):
        assert answer["metaData"].pop("modelTimeMs") > 0
    assert first == second


def test_errors_are_told_and_the_connection_goes_on(
    alone: http.client.HTTPConnection, rows: list[dict[str, Any]]
) -> None:
    alone.request("POST", "/", b"{not json")
    assert read(alone).error["code"] == "body_not_json"
    assert ask(alone, {**rows[0], "island": 5}).error["code"] == "value_mistyped"
    assert ask(alone, {**rows[0], "island": "Atlantis"}).error["code"] == "predict_failed"
    assert ask(alone, rows[0]).status == 200


def test_more_rows_than_ever_take_the_long_way(
    alone: http.client.HTTPConnection, rows: list[dict[str, Any]]
) -> None:
    assert len(ask(alone, rows).result) == WARM
    many = rows * 30  # a body too long to be held back
    assert len(ask(alone, many).result) == len(many)
    assert ask(alone, rows[0]).status == 200


def test_requests_may_come_in_pieces_and_on_each_others_heels(
    server: Server, rows: list[dict[str, Any]]
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=BOUND_S) as line:
        for row in rows:
            line.sendall(request_of(body_of(row)))
            answers(line, 1)
        whole = request_of(body_of(rows[0]))
        for cut in (10, len(whole) - 20, len(whole) - 1):
            line.sendall(whole[:cut])
            line.sendall(whole[cut:])
            (answer,) = answers(line, 1)
            assert answer["metaData"]["note"] == "back"
        line.sendall(request_of(body_of(rows[0])) + request_of(b"{}") + request_of(body_of(rows)))
        first, second, third = answers(line, 3)
        assert len(first["result"]) == 1
        assert second["error"]["code"] == "model_data_missing"
        assert len(third["result"]) == len(rows)
        line.sendall(request_of(body_of(rows[0]), b"Expect: 100-continue\r\n"))
        assert b"100 Continue" in line.recv(65536)


def test_a_caller_who_wants_to_close_is_closed(
    server: Server, alone: http.client.HTTPConnection, rows: list[dict[str, Any]]
) -> None:
    alone.close()
    told = server.raw(request_of(body_of(rows[0]), b"Connection: close\r\n"))
    assert told.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in told.lower()


def test_every_query_is_recorded_and_counted(
    server: Server,
    alone: http.client.HTTPConnection,
    rows: list[dict[str, Any]],
    tmp_path: Path,
) -> None:
    ask(alone, {**rows[0], "island": 5}, **{"X-Request-Id": "last"})
    alone.request("GET", "/metrics")
    families = text_string_to_metric_families(read(alone).body.decode())
    samples = [sample for family in families for sample in family.samples]
    in_flight = [sample.value for sample in samples if sample.name.endswith("in_flight")]
    assert in_flight == [0.0]
    alone.close()
    server.stop()
    (segment,) = (tmp_path / "times").glob("*.rec")
    records = list(RECORD.iter_unpack(segment.read_bytes()))
    assert [record[5] for record in records] == [200] * WARM + [422]
    assert all(record[1] >= record[2] for record in records)
    assert records[-1][7].rstrip(b"\0") == b"last"


def test_the_gate_is_on_the_short_way_too(
    start: Start, pipeline: Path, rows: list[dict[str, Any]]
) -> None:
    server = start(pipeline, "--token-env=SECRET", SECRET="s3cret")
    connection = server.connect()
    for row in rows:
        assert ask(connection, row, Authorization="Bearer s3cret").status == 200
    refused = ask(connection, rows[0], Authorization="Bearer other")
    assert refused.status == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert ask(connection, rows[0]).status == 401
    assert ask(connection, rows[0], Authorization="Bearer s3cret").status == 200
    connection.close()
