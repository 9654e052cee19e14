"""Remove what is deleted, refused, or was left lying: records, bundles, logs and times."""

from __future__ import annotations

from functools import partial

import msgspec

from mlkraken_backend.ports import Remove, Save
from mlkraken_backend.usecases._outside import Outside, drop_records, persist
from mlkraken_backend.values import Event, Model, Version

__all__ = ["Cleanup"]

_UPLOAD_KEPT_S = 3600.0
_REFUSED_KEPT_S = 86400.0
_EVENTS_KEPT = 20_000
_ANSWERS_KEPT_S = 86400.0


class Cleanup:
    """Endings; every step may be repeated after a crash.

    Parameters
    ----------
    outside
        The ports.
    """

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def purge(self, model: Model) -> None:
        """Remove what is being deleted of a model, as far as nothing of it runs any more."""
        services = {item.version: item for item in self._outside.store.services(model.name)}
        if model.deleting:
            if not any(service.replicas for service in services.values()):
                persist(partial(self._purge_model, model.name))
            return
        for number in model.leaving:
            service = services.get(number)
            if service is None or not service.replicas:
                persist(partial(self._purge_version, model.name, number))

    def release(self, version: Version) -> None:
        """Remove a bundle that no version uses any more."""
        with self._outside.bundles:
            if not self._outside.store.versions_with(version.digest):
                self._outside.artifacts.remove(version.digest)

    def sweep(self) -> None:
        """Drop what nobody waits for any more: old uploads, refused versions, old events."""
        outside, now = self._outside, self._outside.clock.now()
        for upload in outside.store.uploads():
            if now - upload.created_at > _UPLOAD_KEPT_S:
                outside.artifacts.discard(upload.id)
                outside.store.commit([Remove(upload)])
        for version in outside.store.refused_before(now - _REFUSED_KEPT_S):
            drop_records(outside, version)
        outside.store.trim(events_kept=_EVENTS_KEPT, answers_before=now - _ANSWERS_KEPT_S)
        with outside.bundles:
            for digest in outside.artifacts.digests():
                if not outside.store.versions_with(digest):
                    outside.artifacts.remove(digest)

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
            self.release(version)

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
        keep = Save(left) if left.kept else Remove(model)
        gone = [Remove(item) for item in (version, service) if item is not None]
        event = Event("version.deleted", name, now, number, f"version {number} deleted")
        store.commit([keep, *gone], [event])
        if version is not None:
            self.release(version)
