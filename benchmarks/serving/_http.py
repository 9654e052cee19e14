"""Raw requests, and a client that asks them: the harness trusts no library with its bytes."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any

__all__ = ["Query", "ask", "ask_together", "json_query", "raw"]

_LONGEST_S = 60.0


@dataclass(frozen=True)
class Query:
    """One POST: where, what, and the headers beside length and host."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def json_query(path: str, value: Any) -> Query:
    """Return the POST of a JSON value."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Query(path, body, {"Content-Type": "application/json"})


def raw(query: Query) -> bytes:
    """Return the bytes that go over the wire."""
    lines = [
        f"POST {query.path} HTTP/1.1",
        "Host: 127.0.0.1",
        *(f"{name}: {value}" for name, value in query.headers.items()),
        f"Content-Length: {len(query.body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + query.body


def ask(port: int, request: bytes) -> tuple[int, bytes, Mapping[str, str]]:
    """Return status, body and headers, named in lower case, of the answer to one raw request."""
    with socket.create_connection(("127.0.0.1", port), timeout=_LONGEST_S) as connection:
        connection.sendall(request)
        answer = HTTPResponse(connection, method="POST")
        answer.begin()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, answer.read(), headers


def ask_together(
    port: int, requests: Sequence[bytes], at_once: int
) -> list[tuple[int, bytes, Mapping[str, str]]]:
    """Ask all requests, so many at once; answers in their order."""
    with ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(lambda request: ask(port, request), requests))
