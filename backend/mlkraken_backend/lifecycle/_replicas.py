"""Small questions about, and changes to, a service's replicas."""

from __future__ import annotations

import msgspec

from mlkraken_backend.lifecycle._policy import Policy
from mlkraken_backend.values import Replica, Service, ServiceBrief

__all__ = ["brief", "leaving", "ready", "replaced", "without"]


def ready(service: Service) -> int:
    """Return how many replicas answer."""
    return sum(replica.state == "running" for replica in service.replicas)


def leaving(replica: Replica, now: float, policy: Policy) -> Replica:
    """Return ``replica`` on its way out; one that is already keeps its deadline."""
    if replica.state == "stopping":
        return replica
    return msgspec.structs.replace(replica, state="stopping", deadline_at=now + policy.stop_grace_s)


def without(service: Service, replica: Replica) -> Service:
    """Return ``service`` without ``replica``."""
    kept = [other for other in service.replicas if other.id != replica.id]
    return msgspec.structs.replace(service, replicas=kept)


def replaced(service: Service, replica: Replica) -> Service:
    """Return ``service`` with ``replica`` in place of the one with its id."""
    replicas = [replica if other.id == replica.id else other for other in service.replicas]
    return msgspec.structs.replace(service, replicas=replicas)


def brief(service: Service) -> ServiceBrief:
    """Return what a list of models shows of ``service``."""
    running = [replica for replica in service.replicas if replica.state == "running"]
    first = running[0] if running else None
    return ServiceBrief(
        state=service.state,
        desired=service.desired,
        reason=service.reason,
        cpu=service.size.cpu,
        memory=service.size.memory,
        replicas=service.size.replicas,
        ready=len(running),
        host=first.host if first else "",
        port=first.port if first else 0,
        restarts=service.restarts,
        parity=service.parity.verdict,
        engine=service.engine,
        updated_at=service.updated_at,
    )
