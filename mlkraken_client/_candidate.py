"""Waiting until a candidate is a version, or is known not to become one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlkraken_client._connection import Connection
from mlkraken_client._errors import DeployFailed, KrakenError, WaitTimeout
from mlkraken_client._patience import Patience
from mlkraken_client._service import Service

__all__ = ["await_version"]

_SPARE_S = 15.0
"""The backend gives up first, and has the reason."""


def await_version(connection: Connection, service: Service, digest: str, timeout_s: float) -> None:
    """Return when the candidate is a version: its first replica has answered.

    Raises
    ------
    DeployFailed
        It did not get ready, or was deleted; with reason and last log lines.
    WaitTimeout
        ``deploy_pending``: it is still starting.
    """
    path = f"/models/{service.model}/versions/{service.version}"
    patience = Patience(timeout_s + _SPARE_S)
    while True:
        version = connection.call("GET", path)
        if version["digest"] != digest:
            raise _refused(service, None)
        if version["status"] == "refused":
            raise _refused(service, version["failure"])
        if version["status"] == "ready":
            break
        if patience.over:
            raise WaitTimeout(
                "deploy_pending",
                f"{service.model}@{service.version} is not ready after {timeout_s:g} s.",
                "It goes on starting; service.wait() waits longer, service.logs() tells more.",
                logs=service.logs(limit=20),
            )
        patience.pause()


def _refused(service: Service, failure: Mapping[str, Any] | None) -> KrakenError:
    told = failure or {
        "code": "superseded",
        "message": "It was deleted while it started.",
        "hint": "Deploy it again.",
        "logs": [],
    }
    return DeployFailed(
        told["code"],
        f"{service.model}@{service.version} was not deployed: {told['message']}",
        told["hint"],
        reason=told["message"],
        logs=told["logs"],
    )
