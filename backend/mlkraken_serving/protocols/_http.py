"""What all protocols share: the status table, reading a body, who sent it and when."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["STATUS", "Caller", "caller_of", "read_body", "status_of"]

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


def caller_of(request: Request) -> Caller:
    """Read the request's id and the moment it was sent.

    The moment is taken from ``X-Request-Start: t=<seconds>`` when the caller is on this machine
    and so has this clock; otherwise it is now, when the head of the request has arrived.
    """
    given = request.headers.get("x-request-id", "")
    request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
    now = time.time()
    started = request.headers.get("x-request-start", "")
    if started.startswith("t=") and request.client and request.client.host.startswith(_LOCAL):
        try:
            sent_at = float(started[2:])
        except ValueError:
            sent_at = now
        if now - 3600 < sent_at <= now:
            return Caller(request_id, sent_at)
    return Caller(request_id, now)


async def read_body(request: Request, most_bytes: int) -> bytes:
    """Return the whole body.

    Raises
    ------
    BodyTooLarge
        ``body_too_large``, before the rest has been read.
    """
    if int(request.headers.get("content-length") or 0) > most_bytes:
        raise _too_large(most_bytes)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise _too_large(most_bytes)
    return bytes(body)


def _too_large(most_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(
        "body_too_large",
        f"The body is longer than {most_bytes / 2**20:g} MiB, the most this service takes.",
        "Send fewer rows at a time.",
    )
