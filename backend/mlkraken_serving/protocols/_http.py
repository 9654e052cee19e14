"""What all protocols share: the status table, who asked and when."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Mapping

from mlkraken_serving._errors import (
    BodyError,
    BodyTooLarge,
    DeadlineExceeded,
    Forbidden,
    InputError,
    ModelError,
    NoRoute,
    RequestRefused,
    ServingError,
    Unauthenticated,
    Unavailable,
    UnknownModel,
)

__all__ = ["STATUS", "request_id_of", "sent_at_of", "status_of"]

STATUS: dict[type[ServingError], int] = {
    BodyError: 400,
    BodyTooLarge: 413,
    InputError: 422,
    ModelError: 500,
    Unauthenticated: 401,
    Forbidden: 403,
    UnknownModel: 404,
    NoRoute: 404,
    Unavailable: 503,
    DeadlineExceeded: 504,
}
"""HTTP status of every error a query can end with, most specific class first."""

_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_OLDEST_S = 3600.0
_BEGINNING = secrets.token_hex(10)
_numbers = itertools.count()


def status_of(error: ServingError) -> int:
    """Return the HTTP status for ``error``."""
    if isinstance(error, RequestRefused):
        return error.status
    if isinstance(error, NoRoute) and error.allowed:
        return 405
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def request_id_of(headers: Mapping[bytes, bytes]) -> str:
    """Return the caller's own ``X-Request-Id`` where it is a good one, or a new one.

    New ones are 32 hex digits: 80 random bits of this process, then a number; a random one for
    every query would cost as much as packing its record.
    """
    given = headers.get(b"x-request-id")
    if given and _ID.fullmatch(given):
        return given.decode("ascii")
    return f"{_BEGINNING}{next(_numbers):012x}"


def sent_at_of(headers: Mapping[bytes, bytes], now: float, near: bool) -> float:
    """Return the moment a query was sent, in seconds since 1970.

    It is taken from ``X-Request-Start: t=<seconds>`` when the caller is on this machine (``near``)
    and so has this clock; otherwise it is ``now``, when the head of the request has arrived.
    """
    started = headers.get(b"x-request-start")
    if near and started and started.startswith(b"t="):
        try:
            sent_at = float(started[2:])
        except ValueError:
            return now
        if now - _OLDEST_S < sent_at <= now:
            return sent_at
    return now
