"""Everything that can go wrong in the control plane.

::

    BackendError
    |-- Invalid             the request asks for something that cannot be
    |   `-- TooLarge            more than is taken at once
    |-- NotFound            there is no such model, version, alias, service or token
    |-- Conflict            it contradicts what is there
    |   |-- RevisionConflict    somebody else changed it since it was read
    |   `-- NotServing          the model is there but does not answer now
    |-- Unauthenticated     no credential, or one that does not hold
    |-- Forbidden           a good credential, but not for this
    |-- StorageError        the disk refused
    |   |-- StorageFull
    |   `-- StorageCorrupt      what was written is not what is there now
    |-- StartFailed         a replica could not even be started
    |-- Upstream            the replica did not answer properly
    `-- AlreadyRunning      another backend owns this home
"""

from __future__ import annotations

__all__ = [
    "AlreadyRunning",
    "BackendError",
    "Conflict",
    "Forbidden",
    "Invalid",
    "NotFound",
    "NotServing",
    "RevisionConflict",
    "StartFailed",
    "StorageCorrupt",
    "StorageError",
    "StorageFull",
    "TooLarge",
    "Unauthenticated",
    "Upstream",
]


class BackendError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    code
        Stable name of the failure, for programs.
    message
        What happened, naming the thing it happened to.
    hint
        The way out, or an empty string where there is none.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class Invalid(BackendError):
    """The request asks for something that cannot be."""


class TooLarge(Invalid):
    """The request is more than is taken at once."""


class NotFound(BackendError):
    """There is no such model, version, alias, service or token."""


class Conflict(BackendError):
    """The request contradicts what is there."""


class RevisionConflict(Conflict):
    """Somebody else changed it since it was read."""


class NotServing(Conflict):
    """The model is there but does not answer now."""


class Unauthenticated(BackendError):
    """No credential, or one that does not hold."""


class Forbidden(BackendError):
    """A good credential, but not for this."""


class StorageError(BackendError):
    """The disk refused."""


class StorageFull(StorageError):
    """There is no room left."""


class StorageCorrupt(StorageError):
    """What was written is not what is there now."""


class StartFailed(BackendError):
    """A replica could not even be started."""


class Upstream(BackendError):
    """The replica did not answer properly."""


class AlreadyRunning(BackendError):
    """Another backend owns this home."""
