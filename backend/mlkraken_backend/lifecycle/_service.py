"""One service's state machine: ``(service, sightings, now) -> (service, commands)``.

The service value holds what is wanted and what was last known; sightings say what the runtime
sees now. Commands are safe to give again: starting a replica that runs and stopping one that is
gone both do nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import msgspec

from mlkraken_backend.lifecycle._policy import Policy
from mlkraken_backend.lifecycle._replicas import leaving, ready, replaced, without
from mlkraken_backend.lifecycle._steps import Command, Kill, Sighting, Start, Step, Stop
from mlkraken_backend.values import Failure, Replica, Service, State

__all__ = ["advance"]

_UNSEEN = Failure(
    "replica_gone",
    "The process ended while no backend was watching.",
    "Its last log lines may tell why.",
)


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
    after = _on_time(service, now, policy)
    for replica in after.replicas:
        after = _look(after, replica, seen.get(replica.id), now, policy, commands)
    after = _fill(after, now, new_id, policy, commands)
    state, reason = _state(after)
    changed = msgspec.structs.replace(after, state=state, reason=reason)
    if changed != service:
        changed = msgspec.structs.replace(changed, updated_at=now)
    return Step(changed, commands)


def _on_time(service: Service, now: float, policy: Policy) -> Service:
    """Bring moments near again that a clock set back has put out of reach."""
    patience = {"pending": service.start_timeout_s, "stopping": policy.stop_grace_s}
    replicas = [
        msgspec.structs.replace(
            replica,
            deadline_at=min(replica.deadline_at, now + patience.get(replica.state, math.inf)),
            ready_at=None if replica.ready_at is None else min(replica.ready_at, now),
        )
        for replica in service.replicas
    ]
    retry_at = service.retry_at
    if retry_at is not None:
        retry_at = min(retry_at, now + policy.most_backoff_s)
    return msgspec.structs.replace(service, replicas=replicas, retry_at=retry_at)


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
            return without(service, replica)
        return _ended(service, replica, sighting.failure, now, policy)
    if sighting.status == "ready" and replica.state == "pending":
        # Before the deadline is looked at: nobody may have watched while it became ready in time.
        return _got_ready(service, replica, sighting, now)
    if now > replica.deadline_at and replica.state != "running":
        return _late(service, replica, now, policy, commands)
    if replica.state == "stopping":
        # Given again every round: the one before may have been lost with the process that gave it.
        commands.append(Stop(replica, max(0.0, replica.deadline_at - now)))
    return service


def _unknown(service: Service, replica: Replica, now: float, commands: list[Command]) -> Service:
    """A replica the runtime knows nothing of: not started yet, or gone with the machine."""
    if replica.state == "pending" and now <= replica.deadline_at:
        commands.append(Start(replica, service.ports.get(replica.slot, 0)))
        return service
    return without(service, replica)


def _got_ready(service: Service, replica: Replica, sighting: Sighting, now: float) -> Service:
    answering = msgspec.structs.replace(
        replica,
        state="running",
        ready_at=now,
        host=sighting.host,
        port=sighting.port,
        pid=sighting.pid,
    )
    return msgspec.structs.replace(
        replaced(service, answering),
        proven=True,
        ports={**service.ports, replica.slot: sighting.port},
        parity=sighting.parity,
        engine=sighting.engine,
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
    )
    return _ended(service, replica, failure, now, policy)


def _ended(
    service: Service, replica: Replica, failure: Failure | None, now: float, policy: Policy
) -> Service:
    """A replica that ended although it should not have."""
    left = without(service, replica)
    if failure is None:
        return msgspec.structs.replace(left, failure=_UNSEEN, restarts=service.restarts + 1)
    quiet = replica.ready_at is not None and now - replica.ready_at >= policy.quiet_s
    failures = 1 if quiet else service.failures + 1
    # One accident may take all replicas of a service at once, and is still one accident.
    times = math.ceil(failures / service.size.replicas)
    hopeless = failure.final or not service.proven or times >= policy.most_failures
    return msgspec.structs.replace(
        left,
        failures=failures,
        failure=failure,
        gave_up=hopeless,
        restarts=service.restarts + (0 if hopeless else 1),
        retry_at=None if hopeless else now + policy.backoff_s(times),
    )


# -- bringing the number of replicas where it should be -------------------------------------------


def _fill(
    service: Service,
    now: float,
    new_id: Callable[[], str],
    policy: Policy,
    commands: list[Command],
) -> Service:
    wanted = service.size.replicas if service.desired == "running" and not service.gave_up else 0
    for replica in service.replicas:
        if replica.slot >= wanted and replica.state != "stopping":
            old = leaving(replica, now, policy)
            service = replaced(service, old)
            # One that was about to be started, as its first start got lost, is not needed now.
            commands[:] = [item for item in commands if item.replica.id != old.id]
            commands.append(Stop(old, policy.stop_grace_s))
    if service.retry_at is not None and now < service.retry_at:
        return service
    taken = {replica.slot for replica in service.replicas}
    fresh = [
        Replica(
            id=new_id(),
            slot=slot,
            state="pending",
            deadline_at=now + service.start_timeout_s,
        )
        for slot in range(wanted)
        if slot not in taken
    ]
    commands += [Start(replica, service.ports.get(replica.slot, 0)) for replica in fresh]
    return msgspec.structs.replace(service, replicas=[*service.replicas, *fresh], retry_at=None)


# -- saying how it is -----------------------------------------------------------------------------


def _state(service: Service) -> tuple[State, str]:
    """Return the service's state and the sentence that explains it."""
    answering, why = ready(service), service.failure.message if service.failure else ""
    if service.desired == "stopped":
        return ("stopping" if service.replicas else "stopped"), service.reason
    if service.gave_up:
        tried = f" (gave up after {service.failures} tries)" if service.failures > 1 else ""
        return "failed", why + tried
    again = f"restarted {service.restarts} x; last time: {why}" if service.restarts else ""
    if answering:
        missing = service.size.replicas - answering
        few = f"{answering} of {service.size.replicas} replicas ready" if missing > 0 else ""
        return "running", "; ".join(part for part in (few, again) if part)
    return "pending", again
