"""Everything that can go wrong in the client.

::

    KrakenError
    |-- ConfigurationError    what was configured or asked for cannot be
    |-- BackendUnavailable    no backend answers, and none could be started
    |-- NotAuthorized         the credential is missing, wrong, or not for this
    |-- NotFound              there is no such model, version, alias or token
    |-- Conflict              it contradicts what is there
    |-- InvalidRequest        the backend does not accept what was asked
    |-- PackError             the model cannot be made into a bundle
    |-- DeployFailed          the new version did not get ready; the old one still serves
    |-- ServiceNotRunning     the model is there but does not answer now
    |-- QueryError            the query was not answered
    |   |-- InputRefused          the data does not fit the model's signature
    |   `-- ModelFailed           the model's own code failed
    |-- BackendError          the backend failed by itself
    `-- WaitTimeout           it took longer than the given timeout
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "BackendError",
    "BackendUnavailable",
    "ConfigurationError",
    "Conflict",
    "DeployFailed",
    "InputRefused",
    "InvalidRequest",
    "KrakenError",
    "ModelFailed",
    "NotAuthorized",
    "NotFound",
    "PackError",
    "QueryError",
    "ServiceNotRunning",
    "WaitTimeout",
]


class KrakenError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    code
        Stable name of the failure, for programs.
    message
        What happened, naming the thing it happened to.
    hint
        The way out.
    reason
        Where a service failed: why, in the backend's words.
    logs
        Where a service failed: its last log lines.
    request_id
        Id of the request, as the backend's log has it.
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        *,
        reason: str = "",
        logs: Sequence[str] = (),
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.reason = reason
        self.logs = list(logs)
        self.request_id = request_id

    def __str__(self) -> str:
        parts = [self.message]
        if self.hint:
            parts.append(self.hint)
        if self.logs:
            parts += ["Last log lines:", *(f"  {line}" for line in self.logs[-20:])]
        return "\n".join(parts)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the error travel between processes; keyword arguments do not by themselves."""
        state = {"reason": self.reason, "logs": self.logs, "request_id": self.request_id}
        return type(self), (self.code, self.message, self.hint), state


class ConfigurationError(KrakenError):
    """What was configured or asked for cannot be."""


class BackendUnavailable(KrakenError):
    """No backend answers, and none could be started."""


class NotAuthorized(KrakenError):
    """The credential is missing, wrong, or not for this."""


class NotFound(KrakenError, LookupError):
    """There is no such model, version, alias or token."""


class Conflict(KrakenError):
    """It contradicts what is there."""


class InvalidRequest(KrakenError, ValueError):
    """The backend does not accept what was asked."""


class PackError(KrakenError):
    """The model cannot be made into a bundle."""


class DeployFailed(KrakenError):
    """The new version did not get ready; what served before still does."""


class ServiceNotRunning(KrakenError):
    """The model is there but does not answer now."""


class QueryError(KrakenError):
    """The query was not answered."""


class InputRefused(QueryError, ValueError):
    """The data does not fit the model's signature."""


class ModelFailed(QueryError):
    """The model's own code failed."""


class BackendError(KrakenError):
    """The backend failed by itself."""


class WaitTimeout(KrakenError, TimeoutError):
    """It took longer than the given timeout."""
