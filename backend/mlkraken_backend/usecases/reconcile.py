"""The reconciler: makes what is wanted and what is there the same, again and again.

Every round reads the store and the runtime, asks the pure lifecycle what follows, saves that,
and only then acts. A crash between any two steps is mended by the next round, because every
command may be given twice.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec

from mlkraken_backend._errors import BackendError, StartFailed, StorageCorrupt
from mlkraken_backend.lifecycle import (
    Command,
    Kill,
    Settled,
    Sighting,
    Start,
    Stop,
    advance,
    settle,
    want_stopped,
)
from mlkraken_backend.ports import Remove, ReplicaSpec, Save
from mlkraken_backend.usecases._outside import Outside, persist
from mlkraken_backend.usecases.cleanup import Cleanup
from mlkraken_backend.values import Failure, Model, Service, Version

__all__ = ["Reconciler"]

LOG_TAIL = 40
"""Log lines kept with a failure."""

_LONGEST_PAUSE_S = 30.0
_AFTER_TROUBLE_S = 1.0
log = logging.getLogger("mlkraken.backend")


class Reconciler:
    """Runs rounds; the mains decide when.

    Parameters
    ----------
    outside
        The ports.
    """

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._cleanup = Cleanup(outside)
        self._failed_starts: dict[str, Sighting] = {}

    def round(self) -> float:
        """Do what there is to do now.

        Returns
        -------
        float
            Seconds until a round is due even if nothing happens.
        """
        outside = self._outside
        seen = {**outside.runtime.seen(), **self._failed_starts}
        self._failed_starts.clear()
        due = _LONGEST_PAUSE_S
        for service in outside.store.active_services():
            due = min(due, self._round_of(service, seen))
        for model in outside.store.unsettled_models():
            self._cleanup.purge(model)
        self._forget_strays(seen)
        return due

    def sweep(self) -> None:
        """Drop what nobody waits for any more; see `Cleanup.sweep`."""
        self._cleanup.sweep()

    # -- one service --------------------------------------------------------------------------

    def _round_of(self, service: Service, seen: Mapping[str, Sighting]) -> float:
        """Bring one service forward; its trouble is not the trouble of the others."""
        try:
            return self._due(self._advance(service, seen))
        except BackendError as error:
            log.error(
                "%s@%d: %s %s",
                service.model,
                service.version,
                error.message,
                error.hint,
                exc_info=error,
            )
            return _AFTER_TROUBLE_S

    def _advance(self, service: Service, seen: Mapping[str, Sighting]) -> Service:
        def attempt() -> tuple[Service, list[Command]]:
            current = self._outside.store.service(service.model, service.version)
            return self._step(current, seen) if current is not None else (service, [])

        after, commands = persist(attempt)
        for command in commands:
            self._do(after, command)
        return after

    def _step(
        self, service: Service, seen: Mapping[str, Sighting]
    ) -> tuple[Service, list[Command]]:
        outside, store, now = self._outside, self._outside.store, self._outside.clock.now()
        model = store.model(service.model)
        version = store.version(service.model, service.version)
        if model is None or version is None:
            return self._ownerless(service)
        step = advance(service, seen, now, lambda: outside.ids.new("r"), outside.policy)
        after = self._with_logs(service, step.service)
        settled = settle(model, version, after, now)
        changes: dict[int, Service] = {}
        for number, reason in settled.stop.items():
            other = after if number == service.version else store.service(service.model, number)
            if other is not None:
                changes[number] = want_stopped(other, now, reason)
        if settled.stop:
            outside.wake()  # the next round stops them
        after = changes.setdefault(service.version, after)
        if after == service:
            del changes[service.version]
        self._save(model, version, settled, changes)
        return after, step.commands

    def _save(
        self, model: Model, version: Version, settled: Settled, services: Mapping[int, Service]
    ) -> None:
        changes: list[Save | Remove] = [Save(service) for service in services.values()]
        if settled.version != version:
            changes.append(Save(settled.version))
        refused = settled.version.status == "refused"
        if refused and not settled.model.kept:
            changes.append(Remove(model))
        elif settled.model != model:
            changes.append(Save(settled.model))
        if changes or settled.events:
            self._outside.store.commit(changes, settled.events)
        if refused:
            self._cleanup.release(settled.version)

    def _with_logs(self, before: Service, after: Service) -> Service:
        """Give a new failure the last log lines, which are gone from sight later."""
        failure = after.failure
        if failure is None or failure == before.failure or failure.logs:
            return after
        page = self._outside.runtime.logs(after.model, after.version, "tail", LOG_TAIL)
        lines = [line.text for line in page.lines]
        return msgspec.structs.replace(after, failure=msgspec.structs.replace(failure, logs=lines))

    def _ownerless(self, service: Service) -> tuple[Service, list[Command]]:
        """A service whose model is gone has nobody to run for."""
        self._outside.store.commit([Remove(service)])
        return service, [Kill(replica) for replica in service.replicas]

    # -- commands -----------------------------------------------------------------------------

    def _do(self, service: Service, command: Command) -> None:
        runtime = self._outside.runtime
        if isinstance(command, Stop):
            runtime.stop(command.replica.id, command.grace_s)
        elif isinstance(command, Kill):
            runtime.kill(command.replica.id)
        else:
            self._start(service, command)

    def _start(self, service: Service, command: Start) -> None:
        try:
            self._outside.runtime.start(self._spec(service, command))
        except BackendError as error:
            # A full disk or table of processes may have room later; a damaged bundle stays so.
            final = isinstance(error, StorageCorrupt)
            failure = Failure(error.code, error.message, error.hint, final=final)
            self._failed_starts[command.replica.id] = Sighting("ended", failure=failure)
            self._outside.wake()

    def _spec(self, service: Service, command: Start) -> ReplicaSpec:
        version = self._outside.store.version(service.model, service.version)
        if version is None:
            raise StartFailed(
                "version_gone",
                f"Version {service.version} of {service.model!r} was deleted while it started.",
                "Deploy it again if it is still needed.",
            )
        provenance = version.manifest.get("provenance", {})
        return ReplicaSpec(
            replica=command.replica.id,
            model=service.model,
            version=service.version,
            digest=version.digest,
            location=self._outside.artifacts.locate(version.digest),
            runtime=version.manifest["runtime"],
            interpreter=str(provenance.get("interpreter", "")),
            size=service.size,
            port=command.port,
            deadline_s=service.deadline_s,
        )

    # -- all of them --------------------------------------------------------------------------

    def _forget_strays(self, seen: Mapping[str, Sighting]) -> None:
        """End replicas that no record owns, and forget ended ones that were dealt with."""
        owned = {
            replica.id
            for service in self._outside.store.active_services()
            for replica in service.replicas
        }
        for replica_id, sighting in seen.items():
            if replica_id in owned:
                continue
            if sighting.status == "ended":
                self._outside.runtime.forget_replica(replica_id)
            else:
                self._outside.runtime.kill(replica_id)

    def _due(self, service: Service) -> float:
        """Return the seconds until the first of a service's deadlines."""
        moments = [
            replica.deadline_at for replica in service.replicas if replica.state != "running"
        ]
        if service.retry_at is not None:
            moments.append(service.retry_at)
        now = self._outside.clock.now()
        return min((max(0.02, moment - now) for moment in moments), default=_LONGEST_PAUSE_S)
