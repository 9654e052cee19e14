"""The ports as one bundle, and the loop that a conditional write needs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from mlkraken_backend._errors import NotFound, RevisionConflict
from mlkraken_backend.lifecycle import Policy
from mlkraken_backend.ports import Artifacts, Clock, Ids, QueryLog, Remove, Runtime, Store
from mlkraken_backend.values import Model, Service, Version

__all__ = ["Outside", "drop_records", "find_model", "find_version", "persist", "saved"]

T = TypeVar("T")
E = TypeVar("E", Model, Service)
_TRIES = 20


@dataclass(frozen=True)
class Outside:
    """Everything a use case may touch.

    Parameters
    ----------
    wake
        Tells the reconciler that there is something to do.
    bundles
        Held while a bundle gets its first or loses its last version.
    """

    store: Store
    artifacts: Artifacts
    runtime: Runtime
    querylog: QueryLog
    clock: Clock
    ids: Ids
    policy: Policy
    wake: Callable[[], None]
    bundles: threading.Lock = field(default_factory=threading.Lock)


def persist(attempt: Callable[[], T]) -> T:
    """Run ``attempt``, which reads, decides and commits, again while others are faster.

    Raises
    ------
    RevisionConflict
        After twenty tries, which no fair schedule reaches.
    """
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except RevisionConflict:
            continue
    return attempt()


def saved(entity: E) -> E:
    """Return ``entity`` as it is stored once a commit that saves it has returned."""
    return msgspec.structs.replace(entity, revision=entity.revision + 1)


def find_model(outside: Outside, name: str) -> Model:
    """Return a model.

    Raises
    ------
    NotFound
        ``model_not_found``.
    """
    model = outside.store.model(name)
    if model is None or not model.visible:
        raise NotFound(
            "model_not_found",
            f"There is no model {name!r} here.",
            "kraken.models() or `mlkraken models` lists what there is.",
        )
    return model


def find_version(outside: Outside, name: str, number: int) -> Version:
    """Return a version, also one that was refused or is not ready yet.

    Raises
    ------
    NotFound
        ``version_not_found``.
    """
    version = outside.store.version(name, number)
    if version is None:
        model = outside.store.model(name)
        known = ", ".join(map(str, model.versions)) if model and model.versions else "none"
        raise NotFound(
            "version_not_found",
            f"There is no version {number} of {name!r}.",
            f"Versions: {known}.",
        )
    return version


def drop_records(outside: Outside, version: Version) -> None:
    """Remove all but the bundle of a version that no model knows any more."""
    outside.runtime.forget(version.model, version.number)
    outside.querylog.forget(version.model, version.number)
    service = outside.store.service(version.model, version.number)
    outside.store.commit([Remove(item) for item in (version, service) if item is not None])
