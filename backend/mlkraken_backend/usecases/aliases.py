"""Move, go back, and remove aliases."""

from __future__ import annotations

import msgspec

from mlkraken_backend._errors import Conflict, Invalid, NotFound, RevisionConflict
from mlkraken_backend.checks import check_alias
from mlkraken_backend.lifecycle import ask_alias, release_alias, want_running
from mlkraken_backend.ports import Save
from mlkraken_backend.usecases._outside import Outside, find_model, find_version, persist, saved
from mlkraken_backend.values import LIVE, Event, Model, Service

__all__ = ["Aliases"]


class Aliases:
    """Use cases about aliases."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def put(
        self,
        name: str,
        alias: str,
        number: int,
        *,
        expected_revision: int | None = None,
        back: bool = False,
    ) -> Model:
        """Move an alias to a version. ``live`` moves once that version answers; repeatable.

        Raises
        ------
        NotFound
            ``model_not_found`` or ``version_not_found``.
        RevisionConflict
            ``revision_conflict`` when the model is not at ``expected_revision``.
        Invalid
            ``alias_name_invalid``.
        Conflict
            ``version_not_ready`` or ``model_deleting``.
        """
        check_alias(alias)

        def attempt() -> Model:
            model = self._model(name, expected_revision)
            self._check_ready(model, number)
            now = self._outside.clock.now()
            there = model.aliases.get(alias)
            if there and there.version == number and there.target is None and alias != LIVE:
                return model
            asked = ask_alias(model, alias, number, now, back=back)
            changes = [Save(asked)]
            if alias == LIVE:
                changes.append(Save(self._service(model, number, now)))
            message = f"{alias} moves to version {number}"
            event = Event("alias.asked", name, now, number, message, {"alias": alias})
            self._outside.store.commit(changes, [event])
            return saved(asked)

        model = persist(attempt)
        self._outside.wake()
        return model

    def rollback(self, name: str, *, expected_revision: int | None = None) -> Model:
        """Move ``live`` back to what was live before.

        Raises
        ------
        NotFound
            ``model_not_found``.
        RevisionConflict
            ``revision_conflict`` when the model is not at ``expected_revision``.
        Conflict
            ``nothing_before`` when no earlier version was ever live, or all are deleted.
        """
        model = find_model(self._outside, name)
        before = [number for number in model.live.history if number in model.versions]
        if not before:
            raise Conflict(
                "nothing_before",
                f"No version of {name!r} was live before version {model.live.version}.",
                "Name the version to go to: promote(VERSION).",
            )
        return self.put(name, LIVE, before[-1], expected_revision=expected_revision, back=True)

    def delete(self, name: str, alias: str, *, expected_revision: int | None = None) -> None:
        """Remove an alias.

        Raises
        ------
        NotFound
            ``model_not_found`` or ``alias_not_found``.
        Invalid
            ``alias_fixed`` for ``live``, which every model has.
        """
        if alias == LIVE:
            raise Invalid(
                "alias_fixed",
                "Every model has the alias 'live'; it cannot be removed.",
                "Promote another version, or stop the service.",
            )

        def attempt() -> None:
            model = self._model(name, expected_revision)
            now = self._outside.clock.now()
            event = Event("alias.removed", name, now, message=f"{alias} removed")
            self._outside.store.commit([Save(release_alias(model, alias, now))], [event])

        persist(attempt)

    def _model(self, name: str, expected_revision: int | None) -> Model:
        model = find_model(self._outside, name)
        if expected_revision is not None and model.revision != expected_revision:
            raise RevisionConflict(
                "revision_conflict",
                f"{name!r} is at revision {model.revision}, not {expected_revision}: "
                "somebody changed it meanwhile.",
                "Read it again and decide anew.",
            )
        if model.deleting:
            raise Conflict(
                "model_deleting", f"The model {name!r} is being deleted.", "Deploy it again."
            )
        return model

    def _check_ready(self, model: Model, number: int) -> None:
        version = find_version(self._outside, model.name, number)
        if number in model.leaving:
            raise NotFound(
                "version_not_found",
                f"Version {number} of {model.name!r} is being deleted.",
                f"Versions: {', '.join(map(str, model.versions)) or 'none'}.",
            )
        if version.status != "ready":
            raise Conflict(
                "version_not_ready",
                f"Version {number} of {model.name!r} is {version.status}.",
                "Only a version that was ready once can be named by an alias.",
            )

    def _service(self, model: Model, number: int, now: float) -> Service:
        """The service that ``live`` will need, sized like the one before unless it has a size."""
        store = self._outside.store
        service = store.service(model.name, number)
        if service is not None:
            if service.desired == "running" and not service.gave_up:
                return msgspec.structs.replace(service, updated_at=now)
            return want_running(service, service.size, now)
        live = model.live.version
        before = store.service(model.name, live) if live is not None else None
        fresh = Service(model=model.name, version=number, updated_at=now)
        return want_running(fresh, before.size if before else fresh.size, now)
