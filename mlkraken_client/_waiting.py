"""Waiting until a service is as it was asked to be."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from mlkraken_client._connection import Connection
from mlkraken_client._errors import ServiceNotRunning, WaitTimeout
from mlkraken_client._logs import read_logs
from mlkraken_client._patience import Patience
from mlkraken_client._queries import Queries

__all__ = ["await_state"]

_LOG_LINES = 20


def await_state(
    connection: Connection,
    queries: Queries,
    states: tuple[str, ...],
    timeout_s: float,
    unlike: Set[str] = frozenset(),
) -> None:
    """Return when the service is in one of ``states``, and answers where that is ``running``.

    Parameters
    ----------
    connection
        The control plane.
    queries
        The way to the service.
    states
        What to wait for.
    timeout_s
        How long.
    unlike
        Ids of replicas that must be gone.

    Raises
    ------
    ServiceNotRunning
        It failed or was stopped; with reason and last log lines.
    WaitTimeout
        It is still on its way.
    """
    path = f"{queries.path}/service"
    patience = Patience(timeout_s)
    while True:
        told = connection.call("GET", path)
        fresh = not unlike & {item["replica"] for item in told["endpoints"]}
        if told["state"] in states and fresh and queries.answered(told["endpoints"]):
            queries.forget()
            return
        if told["state"] == "failed" or (told["state"] == "stopped" and "running" in states):
            raise _failed(told)
        if patience.over:
            raise WaitTimeout(
                f"service_{told['state']}",
                f"{_name(told)} is still {told['state']} after {timeout_s:g} s.",
                "service.logs() tells what it is doing; service.wait() waits longer.",
                reason=told["reason"],
                logs=read_logs(connection, path, _LOG_LINES),
            )
        patience.pause()


def _failed(told: dict[str, Any]) -> ServiceNotRunning:
    failure = told["failure"] or {}
    return ServiceNotRunning(
        f"service_{told['state']}",
        f"{_name(told)} is {told['state']}: {told['reason'] or 'not wanted'}",
        failure.get("hint", ""),
        reason=told["reason"],
        logs=failure.get("logs", []),
    )


def _name(told: dict[str, Any]) -> str:
    return f"{told['model']}@{told['version']}"
