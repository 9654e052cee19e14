"""What users ask of a service; `advance` brings it about."""

from __future__ import annotations

import msgspec

from mlkraken_backend.lifecycle._policy import Policy
from mlkraken_backend.lifecycle._replicas import leaving, ready
from mlkraken_backend.values import Service, Size

__all__ = ["want_restart", "want_running", "want_stopped"]


def want_running(service: Service, size: Size, now: float) -> Service:
    """Ask for a service to run; also gives one that had been given up a new chance."""
    return msgspec.structs.replace(
        service,
        desired="running",
        size=size,
        gave_up=False,
        failures=0,
        retry_at=None,
        failure=None,
        reason="",
        state="running" if ready(service) else "pending",
        updated_at=now,
    )


def want_stopped(service: Service, now: float, reason: str = "") -> Service:
    """Ask for a service to stop; it keeps its size for the next start.

    It is "stopping" even where nothing runs, so that the reconciler looks at it once more and
    whoever waits for it hears of its end.
    """
    return msgspec.structs.replace(
        service,
        desired="stopped",
        gave_up=False,
        failures=0,
        retry_at=None,
        failure=None,
        reason=reason,
        state="stopping",
        updated_at=now,
    )


def want_restart(service: Service, now: float, policy: Policy) -> Service:
    """Ask for fresh replicas; each slot starts anew as soon as its old replica is gone."""
    old = [leaving(replica, now, policy) for replica in service.replicas]
    fresh = want_running(service, service.size, now)
    return msgspec.structs.replace(fresh, replicas=old, state="pending", restarts=0)
