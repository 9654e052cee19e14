"""List, make, change and delete models."""

from __future__ import annotations

import msgspec

from mlkraken_backend._errors import Conflict
from mlkraken_backend.checks import check_model_name
from mlkraken_backend.lifecycle import want_stopped
from mlkraken_backend.ports import ModelQuery, Page, Save
from mlkraken_backend.usecases._outside import Outside, find_model, persist, saved
from mlkraken_backend.values import Event, Model

__all__ = ["Models"]


class Models:
    """Use cases about whole models."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def page(self, query: ModelQuery) -> Page:
        """Return one page of models."""
        return self._outside.store.models(query)

    def get(self, name: str) -> Model:
        """Return one model; raises `NotFound` (``model_not_found``)."""
        return find_model(self._outside, name)

    def create(self, name: str, owner: str, description: str, tags: dict[str, str]) -> Model:
        """Make a model without versions.

        Raises
        ------
        Invalid
            ``model_name_invalid``.
        Conflict
            ``model_exists``.
        """
        store, now = self._outside.store, self._outside.clock.now()
        check_model_name(name)

        def attempt() -> Model:
            there = store.model(name)
            if there is not None and there.visible:
                raise Conflict(
                    "model_exists",
                    f"The model {name!r} exists already; it belongs to {there.owner}.",
                    "Deploy to it to add a version, or choose another name.",
                )
            fresh = there or Model(name=name, owner=owner, created_at=now, updated_at=now)
            model = msgspec.structs.replace(
                fresh, explicit=True, description=description, tags=tags, updated_at=now
            )
            store.commit([Save(model)], [Event("model.created", name, now, message="made")])
            return saved(model)

        return persist(attempt)

    def change(self, name: str, description: str | None, tags: dict[str, str] | None) -> Model:
        """Change what a model says of itself; None leaves it. Raises `NotFound`."""
        store, now = self._outside.store, self._outside.clock.now()

        def attempt() -> Model:
            model = find_model(self._outside, name)
            changed = msgspec.structs.replace(
                model,
                description=model.description if description is None else description,
                tags=model.tags if tags is None else tags,
                updated_at=now,
            )
            store.commit([Save(changed)], [Event("model.changed", name, now, message="changed")])
            return saved(changed)

        return persist(attempt)

    def delete(self, name: str) -> None:
        """Stop all services of a model and remove everything that belongs to it.

        Works in every state and returns at once; the model is gone when `get` says so.
        Raises `NotFound`.
        """
        store, now = self._outside.store, self._outside.clock.now()

        def attempt() -> None:
            model = find_model(self._outside, name)
            if model.deleting:
                return
            stopped = [
                Save(want_stopped(service, now, "the model is being deleted"))
                for service in store.services(name)
            ]
            leaving = msgspec.structs.replace(model, deleting=True, updated_at=now)
            store.commit(
                [Save(leaving), *stopped], [Event("model.deleting", name, now, message="deleting")]
            )

        persist(attempt)
        self._outside.wake()
