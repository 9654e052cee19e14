"""The short way of a query: real sockets, and everything that can happen to them."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlkraken_client import BackendUnavailable, WaitTimeout
from mlkraken_client._direct import DirectPool

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: r1\r\n\r\nhi"


class Server:
    """Answers every connection by a script: what to send for each request, None to hang up."""

    def __init__(self, script: list[bytes | None], host: str = "127.0.0.1") -> None:
        self._script = iter(script)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.socket(family)
        self._listener.bind((host, 0))
        self._listener.listen()
        port = self._listener.getsockname()[1]
        self.netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.connections = 0
        self.requests: list[bytes] = []
        self.hung_up = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while True:
                request = connection.recv(1 << 20)
                if not request:
                    return
                self.requests.append(request)
                answer = next(self._script)
                if answer is None:
                    break
                connection.sendall(answer)
        self.hung_up.set()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(*script: bytes | None, **options: Any) -> Server:
        servers.append(Server(list(script), **options))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def post(pool: DirectPool, server: Server, body: bytes = b"{}", timeout_s: float = 10.0) -> Any:
    return pool.post(server.netloc, "/", body, {"Authorization": "Bearer t"}, timeout_s)


def test_a_connection_serves_many_queries(serve: Callable[..., Server]) -> None:
    server, pool = serve(OK, OK, OK), DirectPool()
    for _ in range(3):
        reply = post(pool, server)
        assert (reply.status, reply.data, reply.headers["x-request-id"]) == (200, b"hi", "r1")
    assert server.connections == 1
    assert server.requests[0].startswith(b"POST / HTTP/1.1\r\nHost: 127.0.0.1:")
    assert server.requests[0].endswith(b"Authorization: Bearer t\r\n\r\n{}")


def test_an_answer_may_come_in_pieces_and_chunks(serve: Callable[..., Server]) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = serve(head + b"3\r\nabc\r\n" + b"2\r\nde\r\n0\r\n\r\n")
    assert post(DirectPool(), server).data == b"abcde"


def test_a_large_body_goes_out_whole(serve: Callable[..., Server]) -> None:
    class Big(Server):
        def _serve(self, connection: socket.socket) -> None:
            got = 0
            while got < 5_000_000:
                got += len(connection.recv(1 << 16))
            connection.sendall(OK)

    server = Big([])
    assert post(DirectPool(), server, b"x" * 5_000_000).data == b"hi"
    server.close()


def test_a_server_that_wants_to_close_is_not_asked_again(serve: Callable[..., Server]) -> None:
    last = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    server, pool = serve(last, OK), DirectPool()
    assert post(pool, server).status == 503
    assert post(pool, server).status == 200
    assert server.connections == 2


def test_a_connection_that_ended_meanwhile_is_not_used(serve: Callable[..., Server]) -> None:
    server, pool = serve(OK, None), DirectPool()
    post(pool, server)
    other = socket.create_connection(server.netloc.split(":"))  # ends the script
    other.sendall(b"x")
    assert server.hung_up.wait(10)
    other.close()
    (kept,) = pool._idle[server.netloc]
    kept.shutdown(socket.SHUT_RD)
    server._script = iter([OK])
    assert post(pool, server).status == 200


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (None, "connection_lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "timeout"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "connection_lost"),
    ],
)
def test_a_broken_answer_is_told(
    serve: Callable[..., Server], answer: bytes | None, code: str
) -> None:
    server, pool = serve(answer), DirectPool()
    with pytest.raises((BackendUnavailable, WaitTimeout)) as caught:
        post(pool, server, timeout_s=0.5)
    assert caught.value.code == code
    assert server.netloc in caught.value.message
    assert not pool._idle.get(server.netloc)


def test_nobody_at_the_address_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        netloc = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(BackendUnavailable, match=netloc) as caught:
            DirectPool().post(netloc, "/", b"", {}, 5.0)
    assert caught.value.code == "unreachable"


def test_addresses_of_ipv6_are_understood(serve: Callable[..., Server]) -> None:
    assert post(DirectPool(), serve(OK, host="::1")).data == b"hi"


def test_threads_do_not_share_a_connection(serve: Callable[..., Server]) -> None:
    server, pool = serve(*[OK] * 80), DirectPool()
    answers: list[bytes] = []

    def ask() -> None:
        answers.extend(post(pool, server).data for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [b"hi"] * 80
    assert server.connections <= 8


def test_a_forked_process_makes_connections_of_its_own(serve: Callable[..., Server]) -> None:
    server, pool = serve(OK, OK), DirectPool()
    post(pool, server)
    child = os.fork()
    if child == 0:
        os._exit(0 if post(pool, server).data == b"hi" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert server.connections == 2
