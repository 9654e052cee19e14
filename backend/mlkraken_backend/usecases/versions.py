"""What becomes of versions once their bundle is in."""

from __future__ import annotations

import msgspec

from mlkraken_backend._errors import Conflict
from mlkraken_backend.lifecycle import want_stopped
from mlkraken_backend.ports import Save
from mlkraken_backend.usecases._outside import (
    Outside,
    drop_records,
    find_model,
    find_version,
    persist,
)
from mlkraken_backend.values import Event, Model, Version

__all__ = ["Versions"]


class Versions:
    """Use cases about versions; see `Uploads` for how they come to be."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def every(self, name: str) -> list[Version]:
        """Return the versions of a model by number; refused and coming ones are left out."""
        model = find_model(self._outside, name)
        shown = set(model.versions) - set(model.leaving)
        return [item for item in self._outside.store.versions(name) if item.number in shown]

    def get(self, name: str, number: int) -> Version:
        """Return one version, in any status; raises `NotFound`."""
        return find_version(self._outside, name, number)

    def file(self, name: str, number: int, path: str) -> str:
        """Return where a file of a version's bundle can be read; see `Artifacts.source`."""
        version = find_version(self._outside, name, number)
        return self._outside.artifacts.source(version.digest, path)

    def delete(self, name: str, number: int) -> None:
        """Stop a version's service and remove all that belongs to it; returns at once.

        Raises
        ------
        NotFound
            ``version_not_found``.
        Conflict
            ``version_in_use`` when an alias points to it.
        """

        def attempt() -> None:
            store, now = self._outside.store, self._outside.clock.now()
            version, model = find_version(self._outside, name, number), store.model(name)
            if model is None:
                drop_records(self._outside, version)
                return
            if number in model.leaving:
                return
            _check_unused(model, number)
            service = store.service(name, number)
            stop = [Save(want_stopped(service, now, "deleted"))] if service else []
            leaving = msgspec.structs.replace(
                _without_target(model, number),
                versions=[other for other in model.versions if other != number],
                leaving=[*model.leaving, number],
                updated_at=now,
            )
            event = Event("version.deleting", name, now, number, "deleting", {})
            store.commit([Save(leaving), *stop], [event])

        persist(attempt)
        self._outside.wake()


def _check_unused(model: Model, number: int) -> None:
    used = [name for name, alias in model.aliases.items() if alias.version == number]
    if used:
        raise Conflict(
            "version_in_use",
            f"Version {number} of {model.name!r} is {' and '.join(used)}.",
            "Promote another version first, or delete the whole model.",
        )


def _without_target(model: Model, number: int) -> Model:
    aliases = {
        name: msgspec.structs.replace(alias, target=None) if alias.target == number else alias
        for name, alias in model.aliases.items()
    }
    return msgspec.structs.replace(model, aliases=aliases)
