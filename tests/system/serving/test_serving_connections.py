"""Connections as careless, slow and hostile callers use them: the service stays up and says why."""

from __future__ import annotations

import gzip
import json
import re
import resource
import socket
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.serving._server import BOUND_S, Server
from tests.system.serving.conftest import Start
from tests.system.serving.test_serving_batching import busy, row, until

BODY = json.dumps({"modelData": {"a": [1.5, "x"]}, "metaData": {}}).encode()


@pytest.fixture
def server(shared: Callable[[str], Server]) -> Server:
    return shared("echo")


def request(body: bytes = BODY, *lines: bytes) -> bytes:
    head = [b"POST / HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def closing(server: Server, text: bytes) -> tuple[int, dict[str, str]]:
    """Send bytes; return status and error of the only answer, after which the server closes."""
    told = server.raw(text)
    head, _, body = told.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    assert len(re.findall(rb"HTTP/1.1 \d", told)) == 1
    return int(head.split()[1]), json.loads(body)["error"]


# -- compression ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("GZIP", gzip.compress),
    ],
)
def test_a_compressed_body_is_read(
    server: Server, name: str, pack: Callable[[bytes], bytes]
) -> None:
    answer = server.send("POST", "/", pack(BODY), {"Content-Encoding": name})
    assert answer.result == {"a": [1.5, "x"]}


@pytest.mark.parametrize(
    ("accept", "used"),
    [
        ("gzip", "gzip"),
        ("deflate, br", "deflate"),
        ("br;q=1, *;q=0.1", "gzip"),
        ("gzip;q=0, deflate", "deflate"),
        ("identity", None),
        ("gzip;q=0", None),
        ("gzip;q=x", None),
        ("", None),
    ],
)
def test_an_answer_is_compressed_as_its_caller_accepts(
    server: Server, accept: str, used: str | None
) -> None:
    text = "long " * 2000
    answer = server.ask(text, headers={"Accept-Encoding": accept})
    assert answer.headers.get("content-encoding") == used
    unpack = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(used or "", bytes)
    assert json.loads(unpack(answer.body))["result"] == text


def test_a_short_answer_is_not_worth_compressing(server: Server) -> None:
    answer = server.ask(1, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert answer.result == 1


@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        (b"not packed", "gzip", 400, "body_not_compressed"),
        (gzip.compress(BODY)[:-9], "gzip", 400, "body_not_compressed"),
        (gzip.compress(BODY) + gzip.compress(b" "), "gzip", 400, "body_not_compressed"),
        (zlib.compress(BODY) + b"more", "deflate", 400, "body_not_compressed"),
        (BODY, "br", 415, "encoding_unknown"),
        (gzip.compress(gzip.compress(BODY)), "gzip, zstd", 415, "encoding_unknown"),
    ],
)
def test_a_body_that_is_not_packed_as_it_says_is_refused(
    server: Server, body: bytes, encoding: str, status: int, code: str
) -> None:
    answer = server.send("POST", "/", body, {"Content-Encoding": encoding})
    assert (answer.status, answer.error["code"]) == (status, code)


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(start: Start) -> None:
    server = start("echo", "--most-mib=0.1")
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    answer = server.send("POST", "/", bomb, {"Content-Encoding": "gzip"})
    assert (answer.status, answer.error["code"]) == (413, "body_too_large")


# -- what HTTP forbids ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5 5\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;\nabcde\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\n folded: yes\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n\x00",
        b"POST / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_two_servers_could_read_differently_is_refused(server: Server, text: bytes) -> None:
    smuggled = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    told = server.raw(text + smuggled, end=True)
    assert told.startswith((b"HTTP/1.1 400", b"HTTP/1.1 405")), told
    assert told.count(b"HTTP/1.1 200") <= (1 if told.startswith(b"HTTP/1.1 405") else 0)
    assert server.ask(1).result == 1


def test_a_request_without_host_is_refused(server: Server) -> None:
    status, error = closing(server, b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
    assert (status, error["code"]) == (400, "host_missing")


def test_an_old_client_without_host_is_answered_and_closed(server: Server) -> None:
    told = server.raw(b"POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY))
    assert told.startswith(b"HTTP/1.1 200 OK")


def test_a_head_that_is_too_long_is_told_so(server: Server) -> None:
    text = b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: %b\r\n\r\n" % (b"x" * 70_000)
    status, error = closing(server, text)
    assert (status, error["code"]) == (431, "head_too_large")
    assert "64 KiB" in error["message"]


def test_many_small_headers_are_a_long_head_too(server: Server) -> None:
    lines = b"".join(b"X-%d: y\r\n" % number for number in range(9000))
    status, error = closing(server, b"GET /health HTTP/1.1\r\nHost: x\r\n%b\r\n" % lines)
    assert (status, error["code"]) == (431, "head_too_large")


def test_an_offer_of_another_protocol_is_answered_as_a_plain_request(server: Server) -> None:
    text = request(BODY, b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c")
    with socket.create_connection(("127.0.0.1", server.port), timeout=BOUND_S) as line:
        for cut in (len(text), len(text) - 5, len(text) - len(BODY), 30):
            line.sendall(text[:cut])
            line.sendall(text[cut:])
            told = b""
            while b"resultType" not in told:
                told += line.recv(65536)
            assert told.startswith(b"HTTP/1.1 200 OK")


def test_a_refused_caller_need_not_send_its_body(start: Start) -> None:
    server = start("echo", "--token-env=SECRET", SECRET="s3cret")
    head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n"
    assert closing(server, head)[0] == 401
    large = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n"
    assert closing(server, large)[0] == 401


def test_head_is_answered_as_get_without_its_body(server: Server) -> None:
    answer = server.send("HEAD", "/health")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_hundreds_of_pipelined_requests_are_answered_in_order(server: Server) -> None:
    bodies = [json.dumps({"modelData": number}).encode() for number in range(500)]
    requests = [request(body) for body in bodies[:-1]]
    requests.append(request(bodies[-1], b"Connection: close"))
    told = server.raw(b"".join(requests))
    answers = [json.loads(part.rpartition(b"\r\n\r\n")[2]) for part in told.split(b"HTTP/1.1")[1:]]
    assert [answer["result"] for answer in answers] == list(range(500))


def test_answers_keep_their_order_when_a_later_request_is_refused_at_once(
    start: Start, tmp_path: Path
) -> None:
    server = start("doubled")
    with busy(server, tmp_path) as first:
        with socket.create_connection(("127.0.0.1", server.port), timeout=BOUND_S) as line:
            slow = json.dumps({"modelData": row(3.0)}).encode()
            line.sendall(request(slow) + request(b"{") + request(slow, b"Connection: close"))
            until(lambda: b"mlkraken_queue_length 2" in server.get("/metrics").body)
            (tmp_path / "gate").touch()
            told = b""
            while part := line.recv(65536):
                told += part
        assert first.result(BOUND_S).result == [2.0]
    statuses = [int(part.split()[0]) for part in told.split(b"HTTP/1.1")[1:]]
    assert statuses == [200, 400, 200]


def test_the_same_head_over_and_over_brings_its_own_body_each_time(start: Start) -> None:
    server = start("echo", "--token-env=SECRET", SECRET="s3cret")
    bearer = b"Authorization: Bearer s3cret"

    def asked(value: str, *lines: bytes) -> bytes:
        return request(json.dumps({"modelData": value}).encode(), *lines)

    with socket.create_connection(("127.0.0.1", server.port), timeout=BOUND_S) as line:

        def told(count: int = 1) -> list[bytes]:
            got = b""
            while got.count(b"HTTP/1.1 ") < count or not got.endswith(b"}"):
                got += line.recv(65536)
            return [got.split(b"HTTP/1.1 ")[number + 1] for number in range(count)]

        for value in ("one", "two", "six", "ten"):
            line.sendall(asked(value, bearer))
            assert f'"result":"{value}"'.encode() in told()[0]
        text = asked("cut", bearer)
        for cut in (1, 20, len(text) - 20, len(text) - 1):
            line.sendall(text[:cut])
            line.sendall(text[cut:])
            assert b'"result":"cut"' in told()[0]
        line.sendall(asked("abc", bearer) + asked("def", bearer) + asked("longer", bearer))
        first, second, third = told(3)
        assert b"abc" in first
        assert b"def" in second
        assert b"longer" in third
        line.sendall(asked("abc", b"Authorization: Bearer s3creT"))
        assert told()[0].startswith(b"401")
        line.sendall(text + b"\r\n")  # an empty line between requests means nothing
        assert b'"result":"cut"' in told()[0]
        line.sendall(text)
        assert b'"result":"cut"' in told()[0]


# -- slow and many --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "sent"),
    [
        ("--head-s=0.3", b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow"),
        ("--body-s=0.3", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"),
    ],
)
def test_a_request_that_stops_is_told_and_closed(start: Start, option: str, sent: bytes) -> None:
    status, error = closing(start("echo", option), sent)
    assert (status, error["code"]) == (408, "request_slow")


def test_a_head_that_drips_is_not_waited_for(start: Start) -> None:
    server = start("echo", "--head-s=0.5")
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.1) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
        told = b""
        for _ in range(int(BOUND_S * 10)):
            try:
                told += line.recv(4096)
                break
            except TimeoutError:
                line.sendall(b"X-More: y\r\n")
    assert told.startswith(b"HTTP/1.1 408")


def test_an_idle_connection_ends_and_one_in_use_does_not(start: Start, tmp_path: Path) -> None:
    server = start("doubled", "--idle-s=0.3")
    with busy(server, tmp_path) as first:
        assert server.raw(b"") == b""  # closed without a word
    assert first.result(BOUND_S).status == 200


def test_a_caller_that_does_not_take_its_answer_is_let_go(start: Start) -> None:
    server = start("echo", "--answer-s=0.5")
    body = json.dumps({"modelData": "x" * 2_000_000}).encode()
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(BOUND_S)
        line.connect(("127.0.0.1", server.port))
        line.sendall(request(body) * 3)
        until(lambda: _connections(server) == 0)
    assert server.ask(1).result == 1


def _connections(server: Server) -> int:
    """Established connections of the server, by what the system knows of its sockets."""
    folder = Path(f"/proc/{server.process.pid}/fd")
    links = [str(link.readlink()) for link in folder.iterdir() if link.is_symlink()]
    return sum(link.startswith("socket:") for link in links) - 1 - _OWN


_OWN = 2
"""Sockets of the event loop itself: the pair by which signals wake it."""


def test_ten_thousand_idle_connections_leave_room_for_queries(start: Start) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = min(10_000, hard - 1000)
    assert many == 10_000, "the system allows too few open files for this test"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = start("echo")
    lines: list[socket.socket] = []
    try:
        server.ask(1)
        for _ in range(many):
            lines.append(socket.create_connection(("127.0.0.1", server.port), timeout=BOUND_S))
        assert server.ask("still there").result == "still there"
        lines[0].sendall(request())
        assert lines[0].recv(4096).startswith(b"HTTP/1.1 200 OK")
    finally:
        for line in lines:
            line.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert server.ask(1).result == 1


# -- more than it can do ---------------------------------------------------------------------------


def test_more_queries_than_may_wait_are_told_to_come_again(start: Start, tmp_path: Path) -> None:
    server = start("doubled", "--queue=2")
    with busy(server, tmp_path) as first:
        lines = [
            socket.create_connection(("127.0.0.1", server.port), timeout=BOUND_S) for _ in range(2)
        ]
        for line in lines:
            line.sendall(request(json.dumps({"modelData": row(3.0)}).encode()))
        until(lambda: b"mlkraken_queue_length 2" in server.get("/metrics").body)
        refused = server.ask(row(4.0))
        assert (refused.status, refused.error["code"]) == (503, "queue_full")
        assert refused.headers["retry-after"] == "1"
        assert "2 queries" in refused.error["message"]
    assert first.result(BOUND_S).status == 200
    for line in lines:
        assert line.recv(4096).startswith(b"HTTP/1.1 200 OK")
        line.close()


def test_a_call_is_capped_in_rows(start: Start, tmp_path: Path) -> None:
    from tests.system.serving.test_serving_batching import ask_together

    server = start("doubled", "--batch-rows=3")
    answers = ask_together(server, tmp_path, [[row(1.0), row(2.0)], row(3.0), row(4.0)])
    assert [answer.json["metaData"]["batchRows"] for answer in answers] == [3, 3, 1]


def test_a_call_that_never_returns_is_ended_and_the_service_goes_on(
    start: Start, tmp_path: Path
) -> None:
    server = start("misbehave", "--deadline=0.5", f"--times={tmp_path / 'times'}")
    gate = tmp_path / "never"
    stuck = server.ask({"do": "wait", "gate": str(gate)})
    assert (stuck.status, stuck.error["code"]) == (504, "deadline_exceeded")
    until(lambda: server.log.count("ready http://") == 2)
    assert server.ask({"do": "pid"}).result == server.process.pid
    assert "has not returned" in server.log
    assert not gate.exists()


def test_a_service_that_starts_anew_keeps_its_token_to_itself(start: Start, tmp_path: Path) -> None:
    server = start("misbehave", "--deadline=0.5", "--token-env=SECRET", SECRET="s3cret")
    bearer = {"Authorization": "Bearer s3cret"}
    server.ask({"do": "wait", "gate": str(tmp_path / "never")}, headers=bearer)
    until(lambda: server.log.count("ready http://") == 2)
    assert server.ask({"do": "pid"}).status == 401
    told = server.ask({"do": "environment"}, headers=bearer).result
    assert "SECRET" not in told
    assert "s3cret" not in server.log
