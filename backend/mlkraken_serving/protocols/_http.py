"""What all protocols share: the status table, reading a body, who sent it and when.

Queries are read from and written to ASGI's own messages: a request object for every query would
cost as much as parsing its JSON.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from mlkraken_serving._errors import (
    BodyError,
    BodyTooLarge,
    DeadlineExceeded,
    Draining,
    Forbidden,
    InputError,
    ModelError,
    ServingError,
    Unauthenticated,
    UnknownModel,
)

__all__ = [
    "STATUS",
    "Caller",
    "ClientGone",
    "caller_of",
    "headers_of",
    "json_headers",
    "read_body",
    "send_json",
    "status_of",
]

STATUS: dict[type[ServingError], int] = {
    BodyError: 400,
    BodyTooLarge: 413,
    InputError: 422,
    ModelError: 500,
    Unauthenticated: 401,
    Forbidden: 403,
    UnknownModel: 404,
    Draining: 503,
    DeadlineExceeded: 504,
}
"""HTTP status of every error a query can end with, most specific class first."""

_LOCAL = ("127.", "::1")
_ID = re.compile(r"[\x21-\x7e]{1,128}")
_OLDEST_S = 3600.0


class ClientGone(Exception):
    """The caller closed the connection before the body was there."""


def status_of(error: ServingError) -> int:
    """Return the HTTP status for ``error``."""
    return next(
        (status for kind, status in STATUS.items() if isinstance(error, kind)),
        500,
    )


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked and when, in seconds since 1970."""

    request_id: str
    sent_at: float


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """Return the request's headers by lower-case name; of repeated ones the last."""
    return dict(scope["headers"])


def caller_of(scope: Scope, headers: dict[bytes, bytes]) -> Caller:
    """Read the request's id and the moment it was sent.

    The moment is taken from ``X-Request-Start: t=<seconds>`` when the caller is on this machine
    and so has this clock; otherwise it is now, when the head of the request has arrived.
    """
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    request_id = given if given and _ID.fullmatch(given) else uuid.uuid4().hex
    return Caller(request_id, _sent_at(scope, headers.get(b"x-request-start", b"")))


def _sent_at(scope: Scope, started: bytes) -> float:
    now = time.time()
    client = scope.get("client")
    if started.startswith(b"t=") and client and client[0].startswith(_LOCAL):
        try:
            sent_at = float(started[2:])
        except ValueError:
            return now
        if now - _OLDEST_S < sent_at <= now:
            return sent_at
    return now


async def read_body(headers: dict[bytes, bytes], receive: Receive, most_bytes: int) -> bytes:
    """Return the whole body.

    Raises
    ------
    BodyTooLarge
        ``body_too_large``, before the rest has been read.
    ClientGone
        The caller went away.
    """
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > most_bytes:
        raise _too_large(most_bytes)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > most_bytes:
            raise _too_large(most_bytes)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def json_headers(status: int, body: bytes, caller: Caller) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer with a JSON body."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", caller.request_id.encode("latin-1")),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers


async def send_json(send: Send, status: int, body: bytes, caller: Caller) -> None:
    """Answer with a JSON body."""
    headers = json_headers(status, body, caller)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _too_large(most_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(
        "body_too_large",
        f"The body is longer than {round(most_bytes / 2**20, 2):g} MiB, the most this service "
        "takes.",
        "Send fewer rows at a time.",
    )
