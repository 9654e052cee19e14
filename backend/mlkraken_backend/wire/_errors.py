"""Errors on the wire: one table, one body."""

from __future__ import annotations

import msgspec

from mlkraken_backend._errors import (
    AlreadyRunning,
    BackendError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotServing,
    RevisionConflict,
    StartFailed,
    StorageCorrupt,
    StorageError,
    StorageFull,
    TooLarge,
    Unauthenticated,
    Upstream,
)

__all__ = ["STATUS", "ErrorBody", "error_body", "status_of"]

STATUS: dict[type[BackendError], int] = {
    TooLarge: 413,
    Invalid: 422,
    NotFound: 404,
    RevisionConflict: 412,
    NotServing: 503,
    Conflict: 409,
    Unauthenticated: 401,
    Forbidden: 403,
    StorageFull: 507,
    StorageCorrupt: 500,
    StorageError: 503,
    StartFailed: 503,
    Upstream: 502,
    AlreadyRunning: 409,
}
"""HTTP status of every error, most specific class first."""


class ErrorDetail(msgspec.Struct, frozen=True):
    code: str
    message: str
    hint: str
    request_id: str


class ErrorBody(msgspec.Struct, frozen=True):
    """The one form in which errors leave."""

    error: ErrorDetail


def status_of(error: BackendError) -> int:
    """Return the HTTP status for ``error``."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def error_body(error: BackendError, request_id: str) -> bytes:
    """Return ``error`` as the JSON body that leaves."""
    return msgspec.json.encode(
        ErrorBody(ErrorDetail(error.code, error.message, error.hint, request_id))
    )
