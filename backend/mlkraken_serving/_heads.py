"""Heads that were parsed before: the same bytes mean the same when they come again.

A client sends the very same request line and headers with every query of one length. Where a
whole query has come in one piece, between two requests, a look into a dictionary takes the place
of the parser and of its eight callbacks.
"""

from __future__ import annotations

import msgspec

from mlkraken_serving._door import Request

__all__ = ["Heads"]

_MOST = 256
_MOST_BYTES = 2048
_NEVER_THE_SAME = (b"x-request-id", b"x-request-start")
_END = b"\r\n\r\n"


class _Head(msgspec.Struct, frozen=True):
    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    length: int


class Heads:
    """The heads of the last plain queries: POST, HTTP/1.1, kept alive, with a Content-Length."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Head] = {}

    def known(self, data: bytes, near: bool) -> Request | None:
        """Return the request that ``data`` is, None where a parser has to tell."""
        end = data.find(_END) + len(_END)
        head = self._known.get(data[:end])
        if head is None or len(data) != end + head.length:
            return None
        return Request(head.method, head.target, head.headers, near, data[end:])

    def remember(self, data: bytes, request: Request) -> None:
        """Keep the head of a parsed ``request`` if it is plain and all that was in ``data``."""
        headers, length = request.headers, len(request.body)
        end = len(data) - length
        if (
            request.method != b"POST"
            or end > _MOST_BYTES
            or data.find(_END) != end - len(_END)
            or headers.get(b"content-length") != b"%d" % length
            or any(name in headers for name in _NEVER_THE_SAME)
        ):
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[data[:end]] = _Head(request.method, request.target, headers, length)
