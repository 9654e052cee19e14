"""The reconciler: makes what is wanted and what is there the same, again and again.

Every round reads the store and the runtime, asks the pure lifecycle what follows, saves that,
and only then acts. A crash between any two steps is mended by the next round, because every
command may be given twice.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial

import msgspec

from mlkraken_backend._errors import BackendError, StartFailed, StorageCorrupt
from mlkraken_backend.lifecycle import (
    Command,
    Kill,
    Sighting,
    Start,
    Stop,
    advance,
    settle,
    want_stopped,
)
from mlkraken_backend.ports import Remove, ReplicaSpec, Save
from mlkraken_backend.usecases._outside import Outside, persist
from mlkraken_backend.values import Event, Failure, Model, Service, Version

__all__ = ["Reconciler"]

LOG_TAIL = 40
"""Log lines kept with a failure."""

_UPLOAD_KEPT_S = 3600.0
_REFUSED_KEPT_S = 86400.0
_EVENTS_KEPT = 20_000
_ANSWERS_KEPT_S = 86400.0
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
        services = [self._advance(service, seen) for service in outside.store.active_services()]
        for model in outside.store.unsettled_models():
            self._purge(model)
        self._forget_strays(seen)
        return self._next_due(services)

    def sweep(self) -> None:
        """Drop what nobody waits for any more: old uploads, refused versions, old events."""
        outside, now = self._outside, self._outside.clock.now()
        for upload in outside.store.uploads():
            if now - upload.created_at > _UPLOAD_KEPT_S:
                outside.artifacts.discard(upload.id)
                outside.store.commit([Remove(upload)])
        for version in outside.store.refused_before(now - _REFUSED_KEPT_S):
            outside.runtime.forget(version.model, version.number)
            service = outside.store.service(version.model, version.number)
            outside.store.commit([Remove(item) for item in (version, service) if item is not None])
        outside.store.trim(events_kept=_EVENTS_KEPT, answers_before=now - _ANSWERS_KEPT_S)
        with outside.bundles:
            for digest in outside.artifacts.digests():
                if not outside.store.versions_with(digest):
                    outside.artifacts.remove(digest)

    # -- one service --------------------------------------------------------------------------

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
        self._save(model, version, settled.model, settled.version, changes, settled.events)
        return after, step.commands

    def _save(
        self,
        model: Model,
        version: Version,
        new_model: Model,
        new_version: Version,
        services: Mapping[int, Service],
        events: list[Event],
    ) -> None:
        changes: list[Save | Remove] = [Save(service) for service in services.values()]
        if new_version != version:
            changes.append(Save(new_version))
        if new_version.status == "refused" and not _worth_keeping(new_model):
            changes.append(Remove(model))
        elif new_model != model:
            changes.append(Save(new_model))
        if changes or events:
            self._outside.store.commit(changes, events)
        if new_version.status == "refused":
            self._release(new_version)

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
            final = isinstance(error, StorageCorrupt) or not isinstance(error, StartFailed)
            failure = Failure(error.code, error.message, error.hint, final=final)
            self._failed_starts[command.replica.id] = Sighting("ended", failure=failure)
            self._outside.wake()

    def _spec(self, service: Service, command: Start) -> ReplicaSpec:
        version = self._outside.store.version(service.model, service.version)
        if version is None:
            raise StartFailed("version_gone", "The version was deleted while it started.")
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

    # -- endings ------------------------------------------------------------------------------

    def _purge(self, model: Model) -> None:
        services = {item.version: item for item in self._outside.store.services(model.name)}
        if model.deleting:
            if not any(service.replicas for service in services.values()):
                persist(partial(self._purge_model, model.name))
            return
        for number in model.leaving:
            service = services.get(number)
            if service is None or not service.replicas:
                persist(partial(self._purge_version, model.name, number))

    def _purge_model(self, name: str) -> None:
        outside, store = self._outside, self._outside.store
        model = store.model(name)
        if model is None:
            return
        versions, services = store.versions(name), store.services(name)
        for version in versions:
            outside.runtime.forget(name, version.number)
        outside.querylog.forget(name, None)
        removed = [Remove(item) for item in versions]
        removed += [Remove(item) for item in services]
        removed.append(Remove(model))
        event = Event("model.deleted", name, outside.clock.now(), message="deleted")
        store.commit(removed, [event])
        for version in versions:
            self._release(version)

    def _purge_version(self, name: str, number: int) -> None:
        outside, store, now = self._outside, self._outside.store, self._outside.clock.now()
        model, version = store.model(name), store.version(name, number)
        if model is None:
            return
        outside.runtime.forget(name, number)
        outside.querylog.forget(name, number)
        service = store.service(name, number)
        left = msgspec.structs.replace(
            model,
            leaving=[other for other in model.leaving if other != number],
            services={key: kept for key, kept in model.services.items() if key != number},
            updated_at=now,
        )
        keep = Save(left) if _worth_keeping(left) or left.leaving else Remove(model)
        gone = [Remove(item) for item in (version, service) if item is not None]
        event = Event("version.deleted", name, now, number, f"version {number} deleted")
        store.commit([keep, *gone], [event])
        if version is not None:
            self._release(version)

    def _release(self, version: Version) -> None:
        """Remove a bundle that no version uses any more."""
        with self._outside.bundles:
            if not self._outside.store.versions_with(version.digest):
                self._outside.artifacts.remove(version.digest)

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

    def _next_due(self, services: list[Service]) -> float:
        now, due = self._outside.clock.now(), 30.0
        for service in services:
            moments = [replica.deadline_at for replica in service.replicas if not replica.ready_at]
            moments += [
                replica.deadline_at for replica in service.replicas if replica.state == "stopping"
            ]
            if service.retry_at is not None:
                moments.append(service.retry_at)
            due = min([due, *(max(0.02, moment - now) for moment in moments)])
        return due


def _worth_keeping(model: Model) -> bool:
    return bool(model.versions or model.services or model.explicit)
