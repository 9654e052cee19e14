"""Find the replica that answers a query."""

from __future__ import annotations

import itertools

import msgspec

from mlkraken_backend._errors import NotFound, NotServing
from mlkraken_backend.usecases._outside import Outside, find_model
from mlkraken_backend.values import LIVE, Model, Replica, Service

__all__ = ["Queries", "Target"]


class Target(msgspec.Struct, frozen=True):
    """A version that answers now, and its ready replicas."""

    model: str
    version: int
    replicas: list[Replica]


class Queries:
    """Use cases of the data plane."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._turn = itertools.count()

    def find(self, reference: str) -> Target:
        """Return who answers for ``name``, ``name@alias`` or ``name@version``.

        Raises
        ------
        NotFound
            ``model_not_found``, ``alias_not_found`` or ``version_not_found``.
        NotServing
            ``service_stopped``, ``service_failed`` or ``service_pending``, with the reason.
        """
        name, _, what = reference.partition("@")
        model = find_model(self._outside, name)
        number = _version_of(model, what or LIVE)
        service = self._outside.store.service(name, number)
        ready = [item for item in service.replicas if item.state == "running"] if service else []
        if not ready:
            raise _not_serving(model, number, service)
        return Target(name, number, ready)

    def next_replica(self, target: Target) -> Replica:
        """Return one of the target's replicas, each in turn."""
        return target.replicas[next(self._turn) % len(target.replicas)]


def _version_of(model: Model, what: str) -> int:
    if what.isdecimal():
        number = int(what[:10])
        if number not in model.versions and number not in model.services:
            raise NotFound(
                "version_not_found",
                f"There is no version {number} of {model.name!r}.",
                f"Versions: {', '.join(map(str, model.versions)) or 'none'}.",
            )
        return number
    alias = model.aliases.get(what)
    if alias is None and what != LIVE:
        raise NotFound(
            "alias_not_found",
            f"{model.name!r} has no alias {what!r}.",
            f"It has {', '.join(model.aliases) or 'none'}.",
        )
    if alias is None or alias.version is None:
        raise NotServing(
            "service_pending",
            f"No version of {model.name!r} is live yet.",
            "Wait until its first version is ready.",
        )
    return alias.version


def _not_serving(model: Model, number: int, service: Service | None) -> NotServing:
    state = service.state if service else "stopped"
    why = f": {service.reason}" if service and service.reason else ""
    hints = {
        "stopped": "Start it: service.start(), `mlkraken start` or the panel.",
        "stopping": "Start it again when it has stopped.",
        "pending": "It is starting; ask again in a moment.",
        "failed": "service.logs() shows its last lines; mend the cause and deploy or start again.",
        "running": "Ask again in a moment.",
    }
    return NotServing(
        f"service_{'pending' if state == 'running' else state}",
        f"{model.name}@{number} is {state}{why}.",
        hints[state],
    )
