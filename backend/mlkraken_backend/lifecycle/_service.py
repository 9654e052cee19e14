"""One service's state machine: ``(service, sightings, now) -> (service, commands)``.

The service value holds what is wanted and what was last known; sightings say what the runtime
sees now. Commands are safe to give again: starting a replica that runs and stopping one that is
gone both do nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import msgspec

from mlkraken_backend.lifecycle._policy import Policy
from mlkraken_backend.values import (
    Failure,
    Parity,
    Replica,
    Service,
    ServiceBrief,
    Size,
    State,
)

__all__ = [
    "Command",
    "Kill",
    "Sighting",
    "Start",
    "Step",
    "Stop",
    "advance",
    "brief",
    "want_restart",
    "want_running",
    "want_stopped",
]


class Sighting(msgspec.Struct, frozen=True):
    """What the runtime sees of one replica."""

    status: Literal["starting", "ready", "ended"]
    host: str = ""
    port: int = 0
    pid: int = 0
    failure: Failure | None = None
    parity: Parity = Parity()
    engine: str = ""


class Start(msgspec.Struct, frozen=True):
    replica: Replica
    port: int


class Stop(msgspec.Struct, frozen=True):
    replica: Replica
    grace_s: float


class Kill(msgspec.Struct, frozen=True):
    replica: Replica


Command: TypeAlias = Start | Stop | Kill


class Step(msgspec.Struct, frozen=True):
    """The service as it is now, and what to do about it."""

    service: Service
    commands: list[Command]


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
        state="running" if _ready(service) else "pending",
        updated_at=now,
    )


def want_stopped(service: Service, now: float, reason: str = "") -> Service:
    """Ask for a service to stop; it keeps its size for the next start."""
    return msgspec.structs.replace(
        service,
        desired="stopped",
        gave_up=False,
        failures=0,
        retry_at=None,
        failure=None,
        reason=reason,
        state="stopping" if service.replicas else "stopped",
        updated_at=now,
    )


def want_restart(service: Service, now: float, policy: Policy) -> Service:
    """Ask for fresh replicas; each slot starts anew as soon as its old replica is gone."""
    leaving = [_leaving(replica, now, policy) for replica in service.replicas]
    fresh = want_running(service, service.size, now)
    return msgspec.structs.replace(fresh, replicas=leaving, state="pending", restarts=0)


def advance(
    service: Service,
    seen: Mapping[str, Sighting],
    now: float,
    new_id: Callable[[], str],
    policy: Policy,
) -> Step:
    """Return the service after what was seen, and the commands that bring it where it should be.

    Parameters
    ----------
    service
        As stored.
    seen
        Sightings by replica id; a replica that is not in it is unknown to the runtime.
    now
        Seconds since 1970.
    new_id
        Gives ids for new replicas.
    policy
        Grace, back-off and limits.
    """
    commands: list[Command] = []
    after = service
    for replica in service.replicas:
        after = _look(after, replica, seen.get(replica.id), now, policy, commands)
    after = _fill(after, now, new_id, policy, commands)
    state, reason = _state(after)
    changed = msgspec.structs.replace(after, state=state, reason=reason)
    if changed != service:
        changed = msgspec.structs.replace(changed, updated_at=now)
    return Step(changed, commands)


def brief(service: Service) -> ServiceBrief:
    """Return what a list of models shows of ``service``."""
    ready = [replica for replica in service.replicas if replica.state == "running"]
    first = ready[0] if ready else None
    return ServiceBrief(
        state=service.state,
        desired=service.desired,
        reason=service.reason,
        cpu=service.size.cpu,
        memory=service.size.memory,
        replicas=service.size.replicas,
        ready=len(ready),
        host=first.host if first else "",
        port=first.port if first else 0,
        restarts=service.restarts,
        parity=service.parity.verdict,
        engine=service.engine,
        updated_at=service.updated_at,
    )


# -- looking at one replica -----------------------------------------------------------------------


def _look(
    service: Service,
    replica: Replica,
    sighting: Sighting | None,
    now: float,
    policy: Policy,
    commands: list[Command],
) -> Service:
    if sighting is None:
        return _unknown(service, replica, now, commands)
    if sighting.status == "ended":
        if replica.state == "stopping":
            return _without(service, replica)
        return _ended(service, replica, sighting.failure, now, policy)
    if now > replica.deadline_at and replica.state != "running":
        return _late(service, replica, now, policy, commands)
    if replica.state == "stopping":
        # Given again every round: the one before may have been lost with the process that gave it.
        commands.append(Stop(replica, max(0.0, replica.deadline_at - now)))
        return service
    if sighting.status == "ready" and replica.state == "pending":
        return _got_ready(service, replica, sighting, now)
    return service


def _unknown(service: Service, replica: Replica, now: float, commands: list[Command]) -> Service:
    """A replica the runtime knows nothing of: not started yet, or gone with the machine."""
    if replica.state == "pending" and now <= replica.deadline_at:
        commands.append(Start(replica, service.ports.get(replica.slot, 0)))
        return service
    return _without(service, replica)


def _got_ready(service: Service, replica: Replica, sighting: Sighting, now: float) -> Service:
    ready = msgspec.structs.replace(
        replica,
        state="running",
        ready_at=now,
        host=sighting.host,
        port=sighting.port,
        pid=sighting.pid,
    )
    return msgspec.structs.replace(
        _replaced(service, ready),
        proven=True,
        ports={**service.ports, replica.slot: sighting.port},
        parity=sighting.parity,
        engine=sighting.engine,
        retry_at=None,
    )


def _late(
    service: Service, replica: Replica, now: float, policy: Policy, commands: list[Command]
) -> Service:
    commands.append(Kill(replica))
    if replica.state == "stopping":
        return service
    waited = f"{service.start_timeout_s:g} s"
    failure = Failure(
        "start_timeout",
        f"The model was not ready within {waited}.",
        "The last log lines may tell what it was doing; deploy with a longer timeout=.",
        final=True,
    )
    return _ended(service, replica, failure, now, policy)


def _ended(
    service: Service, replica: Replica, failure: Failure | None, now: float, policy: Policy
) -> Service:
    """A replica that ended although it should not have."""
    why = failure or Failure("replica_gone", "The process is gone, and nothing tells why.")
    quiet = replica.ready_at is not None and now - replica.ready_at >= policy.quiet_s
    failures = 1 if quiet else service.failures + 1
    hopeless = why.final or not service.proven or failures >= policy.most_failures
    return msgspec.structs.replace(
        _without(service, replica),
        failures=failures,
        failure=why,
        gave_up=hopeless,
        restarts=service.restarts + (0 if hopeless else 1),
        retry_at=None if hopeless else now + policy.backoff_s(failures),
    )


# -- bringing the number of replicas where it should be -------------------------------------------


def _fill(
    service: Service,
    now: float,
    new_id: Callable[[], str],
    policy: Policy,
    commands: list[Command],
) -> Service:
    staying = [replica for replica in service.replicas if replica.state != "stopping"]
    wanted = service.size.replicas if service.desired == "running" and not service.gave_up else 0
    for replica in staying[wanted:]:
        leaving = _leaving(replica, now, policy)
        service = _replaced(service, leaving)
        commands.append(Stop(leaving, policy.stop_grace_s))
    if service.retry_at is not None and now < service.retry_at:
        return service
    taken = {replica.slot for replica in service.replicas}
    for slot in range(wanted):
        if slot not in taken:
            fresh = Replica(
                id=new_id(),
                slot=slot,
                state="pending",
                asked_at=now,
                deadline_at=now + service.start_timeout_s,
            )
            service = msgspec.structs.replace(
                service, replicas=[*service.replicas, fresh], retry_at=None
            )
            commands.append(Start(fresh, service.ports.get(slot, 0)))
    return service


def _leaving(replica: Replica, now: float, policy: Policy) -> Replica:
    if replica.state == "stopping":
        return replica
    return msgspec.structs.replace(replica, state="stopping", deadline_at=now + policy.stop_grace_s)


def _state(service: Service) -> tuple[State, str]:
    """Return the service's state and the sentence that explains it."""
    ready, why = _ready(service), service.failure.message if service.failure else ""
    if service.desired == "stopped":
        return ("stopping" if service.replicas else "stopped"), service.reason
    if service.gave_up:
        tried = f" (gave up after {service.failures} tries)" if service.failures > 1 else ""
        return "failed", why + tried
    again = f"restarted {service.restarts} x; last time: {why}" if service.restarts else ""
    if ready:
        missing = service.size.replicas - ready
        few = f"{ready} of {service.size.replicas} replicas ready" if missing > 0 else ""
        return "running", "; ".join(part for part in (few, again) if part)
    return "pending", again


def _ready(service: Service) -> int:
    return sum(replica.state == "running" for replica in service.replicas)


def _without(service: Service, replica: Replica) -> Service:
    kept = [other for other in service.replicas if other.id != replica.id]
    return msgspec.structs.replace(service, replicas=kept)


def _replaced(service: Service, replica: Replica) -> Service:
    replicas = [replica if other.id == replica.id else other for other in service.replicas]
    return msgspec.structs.replace(service, replicas=replicas)
