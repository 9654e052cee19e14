"""A reply as the bytes of an HTTP/1.1 response."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from mlkraken_serving._door import Request
from mlkraken_serving.protocols._coding import accepted, encoded
from mlkraken_serving.protocols._port import JSON, Reply

__all__ = ["ResponseWriter"]

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_RETRY_AFTER_S = 1


class ResponseWriter:
    """Writes responses; `tick` is to be called once a second, for the header Date."""

    def __init__(self) -> None:
        self.tick()

    def tick(self) -> None:
        self._date = b"date: " + formatdate(usegmt=True).encode() + b"\r\n"
        self._usual = _STATUS_LINES[200] + self._date + b"content-type: application/json\r\n"

    def write(self, reply: Reply, request: Request, request_id: str, *, close: bool) -> bytes:
        """Return the response: head and body in one piece."""
        headers = request.headers
        if (
            reply.status == 200
            and not (close or reply.headers or b"accept-encoding" in headers)
            and reply.content_type is JSON
            and request.method != b"HEAD"
        ):
            return b"%bcontent-length: %d\r\nx-request-id: %b\r\n\r\n%b" % (
                self._usual,
                len(reply.body),
                request_id.encode(),
                reply.body,
            )
        return self._at_length(reply, request, request_id, close)

    def _at_length(self, reply: Reply, request: Request, request_id: str, close: bool) -> bytes:
        encoding = accepted(request.headers.get(b"accept-encoding", b""))
        body, used = encoded(reply.body, encoding)
        lines = [
            _STATUS_LINES.get(reply.status) or b"HTTP/1.1 %d \r\n" % reply.status,
            self._date,
            b"content-type: %b\r\n" % reply.content_type,
            b"content-length: %d\r\n" % len(body),
            b"x-request-id: %b\r\n" % request_id.encode(),
        ]
        lines += [b"%b: %b\r\n" % pair for pair in reply.headers]
        if encoding:
            lines.append(b"vary: accept-encoding\r\n")
        if used:
            lines.append(b"content-encoding: %b\r\n" % used)
        if reply.status == 401:
            lines.append(b"www-authenticate: Bearer\r\n")
        if reply.status == 503:
            lines.append(b"retry-after: %d\r\n" % _RETRY_AFTER_S)
        if close:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        if request.method != b"HEAD":
            lines.append(body)
        return b"".join(lines)
