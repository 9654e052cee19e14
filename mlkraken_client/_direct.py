"""Small requests over plain HTTP: one write, one parse in C, a socket kept for the next.

A lone query is mostly waiting for the model, but beside a model that answers in a millisecond a
general client's own work shows: `benchmarks/query.py` is 0.5 ms worse without this. The parser is
httptools', as in the server; encrypted and proxied requests stay with urllib3.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlkraken_client._connecting import (
    CONNECT_S,
    connection_lost,
    timed_out,
    unreachable,
)

if TYPE_CHECKING:
    import httptools

__all__ = ["DirectPool", "Reply"]

_CHUNK = 1 << 18
_KEPT = 64


class Reply:
    """An answer: its status, its headers by lower-case name, and its body.

    Also what httptools calls while it parses one.
    """

    __slots__ = ("_again", "_parser", "_parts", "_whole", "headers", "status")
    _parser: httptools.HttpResponseParser

    def __init__(
        self, status: int = 0, headers: dict[str, str] | None = None, data: bytes = b""
    ) -> None:
        self.status = status
        self.headers = headers or {}
        self._parts = [data]
        self._whole = self._again = False

    @property
    def data(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        self._whole = True
        # Only now: the parser forgets it when the message ends.
        self._again = bool(self._parser.should_keep_alive())
        self.status = self._parser.get_status_code()

    def read(self, connection: socket.socket, deadline: float) -> bool:
        """Read all of the answer; return whether the connection can be used again."""
        import httptools

        self._parser = httptools.HttpResponseParser(self)
        while not self._whole:
            part = connection.recv(_CHUNK)
            if not part:
                raise ConnectionError("it was closed before the answer was there")
            _feed(self._parser, part)
            if not self._whole:
                _set_patience(connection, deadline - time.monotonic())
        del self._parser  # it refers to this object, and a cycle would wait for the collector
        return self._again


def _feed(parser: httptools.HttpResponseParser, part: bytes) -> None:
    import httptools

    try:
        parser.feed_data(part)
    except httptools.HttpParserError as error:
        raise ConnectionError(f"what came is not HTTP ({error})") from error


class DirectPool:
    """Connections of this process by address, shared by its threads and dropped after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[str, list[socket.socket]] = {}
        self._pid = os.getpid()

    def post(
        self, netloc: str, path: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Reply:
        """Send one POST and return the answer, whatever its status.

        Raises
        ------
        BackendUnavailable
            ``unreachable``: no connection; ``connection_lost``: it broke before the answer.
        WaitTimeout
            ``timeout``.
        """
        head = [f"POST {path} HTTP/1.1", f"Host: {netloc}", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        request = "\r\n".join([*head, "\r\n"]).encode("latin-1") + body
        deadline = time.monotonic() + timeout_s
        connection = self._take(netloc)
        try:
            _set_patience(connection, timeout_s)
            connection.sendall(request)
            reply = Reply()
            again = reply.read(connection, deadline)
        except (TimeoutError, BlockingIOError) as error:
            connection.close()
            raise timed_out(f"http://{netloc}", timeout_s) from error
        except OSError as error:
            connection.close()
            raise connection_lost(f"http://{netloc}", error) from error
        except BaseException:  # an interrupt: what is on its way belongs to nobody any more
            connection.close()
            raise
        self._keep(netloc, connection) if again else connection.close()
        return reply

    def _take(self, netloc: str) -> socket.socket:
        while True:
            with self._lock:
                if os.getpid() != self._pid:  # forked: the sockets belong to the parent
                    self._idle, self._pid = {}, os.getpid()
                idle = self._idle.get(netloc)
                connection = idle.pop() if idle else None
            if connection is None:
                return _connect(netloc)
            if _quiet(connection):
                return connection
            connection.close()

    def _keep(self, netloc: str, connection: socket.socket) -> None:
        with self._lock:
            idle = self._idle.setdefault(netloc, [])
            if len(idle) < _KEPT:
                idle.append(connection)
                return
        connection.close()


def _connect(netloc: str) -> socket.socket:
    parts = urlsplit(f"//{netloc}")
    try:
        address = (parts.hostname or "", parts.port or 80)
        connection = socket.create_connection(address, timeout=CONNECT_S)
    except OSError as error:
        raise unreachable(f"http://{netloc}") from error
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _set_patience(connection: socket.socket, seconds: float) -> None:
    """Let the kernel keep the time: Python's own timeouts cost a poll for every read and write."""
    if seconds <= 0:
        raise TimeoutError
    whole = int(seconds)
    value = struct.pack("@ll", whole, max(1, int((seconds - whole) * 1e6)))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)


def _quiet(connection: socket.socket) -> bool:
    """Whether nothing has come on an idle connection: neither its end nor what nobody asked for."""
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
