"""Requests damaged anywhere and cut anywhere: answered or closed, and the service goes on."""

from __future__ import annotations

import itertools
import json
import re
import socket
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.system.serving._server import BOUND_S, Server

BODY = json.dumps({"modelData": {"a": [1.5, "żółw"]}}).encode()
SETTINGS = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@pytest.fixture(scope="module")
def server(shared: Callable[[str], Server]) -> Iterator[Server]:
    running = shared("echo")
    pid = running.process.pid
    yield running
    assert running.ask("at last").result == "at last"
    assert running.process.pid == pid
    assert "unexpected failure" not in running.log
    assert "Traceback" not in running.log


def posted(*lines: bytes, body: bytes = BODY, target: bytes = b"/") -> bytes:
    head = [b"POST " + target + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*head, *lines]) + b"\r\n\r\n" + body


CHUNKED = (
    b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n%x;x=y\r\n%b\r\n0\r\nX-Late: 1\r\n\r\n"
) % (9, BODY[:9], len(BODY) - 9, BODY[9:])
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
GOOD = [
    posted(),
    posted(b"Expect: 100-continue"),
    posted(b"Accept-Encoding: gzip", target=b"/predict"),
    posted(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"),
    CHUNKED,
    GET,
    b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n",
]


def told(server: Server, pieces: list[bytes], *, end: bool = False) -> bytes:
    """Send pieces one by one, return all that is answered until the server closes, which it must.

    ``end`` says that nothing more comes, which is how a caller that has gone looks, too.
    """
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=BOUND_S) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                line.sendall(piece)
            if end:
                line.shutdown(socket.SHUT_WR)
            while part := line.recv(65536):
                answer += part
        except TimeoutError:
            raise
        except OSError:  # it refused what came first and closed before the rest
            pass
    return answer


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in _STATUS.findall(answer)]


def cut(text: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@given(
    chosen=st.lists(st.sampled_from(GOOD), min_size=1, max_size=5),
    places=st.lists(st.integers(0, 3000), max_size=12),
)
@SETTINGS
def test_good_requests_cut_anywhere_are_answered_in_order(
    server: Server, chosen: list[bytes], places: list[int]
) -> None:
    answer = told(server, cut(b"".join(chosen) + LAST, places))
    assert [status for status in statuses(answer) if status != 100] == [200] * (len(chosen) + 1)


def test_a_request_sent_byte_by_byte_is_answered(server: Server) -> None:
    text = CHUNKED + LAST
    pieces = [text[place : place + 1] for place in range(len(text))]
    assert statuses(told(server, pieces)) == [200, 200]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    text = bytearray(b"".join(draw(st.lists(st.sampled_from(GOOD), min_size=1, max_size=3))))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        length = draw(st.sampled_from([0, 0, 1, 2, 30]))
        text[place : place + length] = draw(
            st.binary(max_size=3)
            | st.sampled_from(
                [b"\r\n", b"\n", b"\0", b" ", b":", b"\r\n\r\n", b"Content-Length: 9"]
            )
            | st.sampled_from([b"-1", b"1e3", b"99999999999999999999", b"chunked", b"Host: y\r\n"])
        )
    return bytes(text)


@given(text=damaged(), places=st.lists(st.integers(0, 3000), max_size=4))
@SETTINGS
def test_damaged_requests_are_answered_or_closed(
    server: Server, text: bytes, places: list[int]
) -> None:
    answer = told(server, cut(text, places), end=True)
    assert all(status < 500 for status in statuses(answer)), answer


METHODS = [
    *("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"),
    *("PURGE", "M-SEARCH", "SOURCE", "PRI", "get", "G E T", ""),
]
TARGETS = st.sampled_from(
    [
        *(
            "*",
            "/",
            "//",
            "///health",
            "http://h/health",
            "http://h",
            "http://",
            "h:80",
            "https://[",
        ),
        *("/?", "?", "#", "/#", "/health?a=%ff", "/health?" + "a" * 60_000, "/%", "/%zz", "/%00"),
        *("/" + "a" * 60_000, "/" + "a" * 70_000, "/health/", "/%2e%2e/health", "/./health", "/ż"),
        *(
            "/v2/models//infer",
            "/v2/models/%2f/infer",
            "/v2/models/\udcff",
            "/v2/models/" + "%41" * 9000,
        ),
        *("/v1/models/x:predict", "/v1/models/:predict", "/v2/models/m/versions/" + "9" * 5000),
        *("/v2/models/m/versions/²", "/v2/repository/models/x/load", "/predict;a", "/predict%20"),
    ]
) | st.text(st.characters(codec="latin-1", exclude_characters=" \r\n"), max_size=30)


@given(method=st.sampled_from(METHODS), target=TARGETS, body=st.sampled_from([b"", BODY, b"{"]))
@example(method="CONNECT", target="h:80", body=b"")
@example(method="POST", target="/v2/models/m/versions/²/infer", body=b"{}")
@settings(parent=SETTINGS, max_examples=300)
def test_any_method_at_any_target_is_answered_in_json(
    server: Server, method: str, target: str, body: bytes
) -> None:
    line = f"{method} {target} HTTP/1.1".encode("utf-8", "surrogateescape")
    head = line + b"\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = told(server, [head + body])
    assert len(statuses(answer)) == 1, answer
    (status,) = statuses(answer)
    assert status < 500 or status == 501
    head, _, rest = answer.partition(b"\r\n\r\n")
    if status >= 400 and rest:
        assert b"content-type: application/json\r\n" in head
        assert isinstance(json.loads(rest), dict)


def test_what_follows_a_refused_tunnel_is_not_read_as_requests(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=BOUND_S) as line:
        line.sendall(b"CONNECT h:80 HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while part := line.recv(65536):  # the server closes, though the caller keeps it open
            answer += part
    assert statuses(answer) == [405]
