"""Everything that can go wrong in the model server.

::

    ServingError
    |-- BundleError         the bundle cannot be read as what it says it is
    |-- EnvironmentMismatch the interpreter here is not the one the bundle asks for
    |-- LoadError           the model's own code failed while loading
    |-- InputError          the query does not fit the model's signature
    |   |-- BodyError       the body is not what the protocol says
    |   `-- BodyTooLarge    the body is longer than this service accepts
    |-- ModelError          the model's own code failed while predicting
    |-- Unauthenticated     no credential, or one that does not hold
    |-- Forbidden           a good credential, but for something else
    |-- UnknownModel        this service serves another model
    |-- NoRoute             nothing is served at this path, or not by this method
    |-- RequestRefused      the request is not HTTP as this server takes it
    |-- Unavailable         no answer now, but perhaps in a moment
    |   |-- Draining        the service is about to stop
    |   |-- QueueFull       more queries wait than the service lets wait
    |   `-- WorkerLost      the process that predicted was lost
    |-- DeadlineExceeded    the answer took longer than the service's deadline
    `-- InternalError       the server itself failed
"""

from __future__ import annotations

__all__ = [
    "BodyError",
    "BodyTooLarge",
    "BundleError",
    "DeadlineExceeded",
    "Draining",
    "EnvironmentMismatch",
    "Forbidden",
    "InputError",
    "InternalError",
    "LoadError",
    "ModelError",
    "NoRoute",
    "QueueFull",
    "RequestRefused",
    "ServingError",
    "Unauthenticated",
    "Unavailable",
    "UnknownModel",
    "WorkerLost",
]


class ServingError(Exception):
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


class BundleError(ServingError):
    """The bundle cannot be read as what it says it is."""


class EnvironmentMismatch(ServingError):
    """The interpreter here is not the one the bundle asks for."""


class LoadError(ServingError):
    """The model's own code failed while loading."""


class InputError(ServingError):
    """The query does not fit the model's signature."""


class BodyError(InputError):
    """The body is not what the protocol says."""


class BodyTooLarge(InputError):
    """The body is longer than this service accepts."""


class ModelError(ServingError):
    """The model's own code failed while predicting."""


class Unauthenticated(ServingError):
    """No credential, or one that does not hold."""


class Forbidden(ServingError):
    """A good credential, but for something else."""


class UnknownModel(ServingError):
    """This service serves another model."""


class NoRoute(ServingError):
    """Nothing is served at this path, or not by this method.

    ``allowed`` are the methods that are; empty where there is nothing at all.
    """

    def __init__(self, code: str, message: str, hint: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(code, message, hint)
        self.allowed = allowed


class RequestRefused(ServingError):
    """The request is not HTTP as this server takes it; ``status`` is what HTTP has for that."""

    def __init__(self, code: str, message: str, hint: str, status: int) -> None:
        super().__init__(code, message, hint)
        self.status = status


class Unavailable(ServingError):
    """There is no answer now, but there may be one in a moment."""


class Draining(Unavailable):
    """The service is about to stop and takes no new query."""


class QueueFull(Unavailable):
    """More queries wait for the model than the service lets wait."""


class WorkerLost(Unavailable):
    """The process that predicted ended, or was ended, before it had answered."""


class DeadlineExceeded(ServingError):
    """The answer took longer than the service's deadline."""


class InternalError(ServingError):
    """The server itself failed, in a way it does not know: ``internal_error``."""

    def __init__(self) -> None:
        super().__init__(
            "internal_error",
            "The model server failed in a way it does not know.",
            "The log has the whole traceback; service.logs() shows it.",
        )
