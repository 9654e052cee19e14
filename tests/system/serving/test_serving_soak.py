"""Thousands of queries, errors and callers who go away: what they took is given back."""

from __future__ import annotations

import gzip
import json
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from mlkraken_client._pack import pack
from tests.system.serving import _tabular
from tests.system.serving._server import BOUND_S, Server
from tests.system.serving.conftest import Start
from tests.system.serving.test_serving_batching import busy, queued, until
from tests.unit.serving._encodings import arrow_body, arrow_table

FRAME = pd.DataFrame({"x": [1.0, 2.0]})
ARROW = "application/vnd.apache.arrow.stream"
MEBIBYTE = 1 << 20
RESET = struct.pack("ii", 1, 0)
"""What lets a socket be closed by a reset (SO_LINGER)."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model that doubles a column ``x`` and refuses negative numbers."""
    folder = tmp_path_factory.mktemp("soaked")
    return pack(_tabular.refusing, "m", folder, example=FRAME).folder


def posted(path: str, body: Any, kind: str = "application/json", **headers: str) -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Host": "x", "Content-Type": kind, "Content-Length": str(len(raw)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + raw


def tensor(*values: float) -> dict[str, Any]:
    data = {"name": "x", "shape": [len(values)], "datatype": "FP64", "data": values}
    return {"inputs": [data]}


MIX = [
    (200, posted("/", {"modelData": {"x": 1.0}})),
    (200, posted("/predict", [{"x": 1.0}, {"x": 3.0}])),
    (200, posted("/", gzip.compress(b'{"modelData": [[1]]}'), **{"Content-Encoding": "gzip"})),
    (200, posted("/", arrow_body(arrow_table(FRAME)), ARROW)),
    (200, posted("/v2/models/m/infer", tensor(1, 2))),
    (200, posted("/invocations", {"dataframe_records": [{"x": 2}]})),
    (200, posted("/invocations", b"x\n1.5\n", "text/csv")),
    (200, posted("/v1/models/m:predict", {"instances": [[1]]})),
    (200, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"),
    (200, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
    (500, posted("/", {"modelData": {"x": -1.0}})),
    (500, posted("/v2/models/m/infer", tensor(-1))),
    (422, posted("/", {"modelData": {"y": 1.0}})),
    (400, posted("/", b"{")),
    (404, posted("/v2/models/other/infer", tensor(1))),
    (404, b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"),
    (405, b"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n"),
    (415, posted("/invocations", b"x", "text/html")),
]
"""Requests with the status of their answers."""

LOST = [
    posted("/", {"modelData": {"x": 1.0}}),
    posted("/", {"modelData": {"x": 1.0}})[:-3],
    posted("/v2/models/m/infer", tensor(*range(1000))),
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    b"GET /hea",
    b"\0\0\0",
    b"",
]
"""What callers send before they go away."""


def answered(line: socket.socket, wanted: int, request: bytes) -> None:
    line.sendall(request)
    head, body = b"", b""
    while b"\r\n\r\n" not in head:
        part = line.recv(65536)
        assert part, f"closed instead of {wanted} to {request[:80]!r}"
        head += part
    head, _, body = head.partition(b"\r\n\r\n")
    length = next(
        int(named.partition(b":")[2])
        for named in head.split(b"\r\n")
        if named.startswith(b"content-length:")
    )
    while len(body) < length:
        body += line.recv(65536)
    assert int(head.split()[1]) == wanted, (request[:200], head, body)


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=BOUND_S)


def lose(server: Server, number: int) -> None:
    """Send something and go away, politely or by a reset."""
    with connect(server) as line:
        if number % 2:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        line.sendall(LOST[number % len(LOST)])


def rounds(server: Server, count: int) -> None:
    """Ask ``count`` queries by four callers at once; one in twenty is given up on."""

    def caller(number: int) -> None:
        with connect(server) as line:
            for turn in range(number, count, 4):
                if turn % 20 == 19:
                    lose(server, turn // 20)
                else:
                    answered(line, *MIX[turn % len(MIX)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(caller, range(4)))


def held(server: Server) -> tuple[int, int, int]:
    """Return open files, threads and resident bytes, when nobody is connected any more."""
    process = psutil.Process(server.process.pid)
    until(lambda: not [one for one in process.net_connections() if one.status == "ESTABLISHED"])
    return process.num_fds(), process.num_threads(), process.memory_info().rss


def in_flight(server: Server) -> float:
    (line,) = (
        line
        for line in server.get("/metrics").body.splitlines()
        if line.startswith(b"mlkraken_requests_in_flight ")
    )
    return float(line.split()[1])


@pytest.mark.parametrize(("workers", "more"), [(1, 18_000), (2, 6000)])
def test_thousands_of_queries_leave_nothing_behind(
    start: Start, bundle: Path, workers: int, more: int
) -> None:
    server = start(bundle, f"--workers={workers}")
    rounds(server, 2000)
    files, threads, resident = held(server)
    rounds(server, more)
    assert held(server)[:2] == (files, threads)
    assert held(server)[2] < resident + 32 * MEBIBYTE
    assert in_flight(server) == 0
    assert "unexpected failure" not in server.log


def test_a_thousand_callers_who_go_away_leave_nothing_behind(start: Start, tmp_path: Path) -> None:
    server = start("echo", "--most-mib=1")
    server.ask(1)
    before = held(server)[:2]
    whole = posted("/", {"modelData": "x" * 500_000})  # its answer is more than a socket holds
    for number in range(1000):
        with connect(server) as line:
            if number % 4 == 0:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            sent = whole if number % 10 == 0 else whole[: 200 + 13 * number]
            line.sendall(sent)
            if number % 20 == 0:
                assert line.recv(10) == b"HTTP/1.1 2"
    assert held(server)[:2] == before
    until(lambda: in_flight(server) == 0)
    assert server.ask(1).result == 1
    assert "Traceback" not in server.log


def test_callers_who_go_away_while_they_wait_are_not_waited_for(
    start: Start, tmp_path: Path
) -> None:
    server = start("doubled")
    lines: list[socket.socket] = []
    with busy(server, tmp_path) as first:
        files = psutil.Process(server.process.pid).num_fds()
        try:
            for _ in range(1000):
                lines.append(connect(server))
                lines[-1].sendall(posted("/", {"modelData": {"x": 1.0, "gate": ""}}))
            until(lambda: queued(server) == 1000)
        finally:
            for line in lines:
                line.close()
        until(lambda: queued(server) == 0)
        assert in_flight(server) == 1
        until(lambda: psutil.Process(server.process.pid).num_fds() == files)
    assert first.result(BOUND_S).result == [2.0]
    assert in_flight(server) == 0
