"""When a candidate becomes a version, and when an alias moves: pure, like the service machine.

A version is accepted when all its replicas were ready, and refused when its service failed or
was stopped before.
``live`` moves to a version that is accepted or asked for once that version answers; what was
live before is then drained and stopped. A version that does not get ready changes nothing.
"""

from __future__ import annotations

import msgspec

from mlkraken_backend._errors import NotFound
from mlkraken_backend.lifecycle._replicas import brief
from mlkraken_backend.values import LIVE, Alias, Event, Failure, Model, Service, Version

__all__ = ["Settled", "ask_alias", "release_alias", "settle"]

_STOPPED = Failure(
    "stopped", "It was stopped before it was ready.", "Deploy it again to give it another try."
)


class Settled(msgspec.Struct, frozen=True):
    """What follows for the model from one service's new state.

    ``stop`` names versions whose services are no longer needed, with the reason for people.
    """

    model: Model
    version: Version
    stop: dict[int, str]
    events: list[Event]


def ask_alias(model: Model, name: str, version: int, now: float, *, back: bool = False) -> Model:
    """Ask for an alias to move. ``live`` moves when the version answers, others at once."""
    alias = model.aliases.get(name, Alias())
    asked = msgspec.structs.replace(
        alias, target=version, back=back, ask=alias.ask + 1, reason="", updated_at=now
    )
    if name != LIVE:
        asked = _arrived(asked, version, asked.ask, now)
    return _with_alias(model, name, asked, now)


def release_alias(model: Model, name: str, now: float) -> Model:
    """Remove an alias.

    Raises
    ------
    NotFound
        ``alias_not_found``.
    """
    if name not in model.aliases:
        raise NotFound(
            "alias_not_found",
            f"{model.name} has no alias {name!r}.",
            f"It has {', '.join(model.aliases) or 'none'}.",
        )
    kept = {other: alias for other, alias in model.aliases.items() if other != name}
    return msgspec.structs.replace(model, aliases=kept, updated_at=now)


def settle(model: Model, version: Version, service: Service, now: float) -> Settled:
    """Return what the new state of ``service`` means for its version and its model."""
    state = _State(model, version, service, now)
    if version.status == "candidate" and not state.going:
        state.judge()
    state.move_live()
    if state.version.status != "refused":
        state.show()
    return Settled(state.model, state.version, state.stop, state.events)


class _State:
    """The values on their way from one round to the next."""

    def __init__(self, model: Model, version: Version, service: Service, now: float) -> None:
        self.model = model
        self.version = version
        self.service = service
        self.now = now
        self.stop: dict[int, str] = {}
        self.events: list[Event] = []

    @property
    def going(self) -> bool:
        """Whether somebody deletes all this, so that nothing needs to be decided any more."""
        return self.model.deleting or self.version.number in self.model.leaving

    @property
    def complete(self) -> bool:
        return brief(self.service).ready >= self.service.size.replicas

    def judge(self) -> None:
        if self.service.desired == "running" and self.complete:
            self._accept()
        elif self.service.state == "failed":
            self._refuse(self.service.failure or Failure("start_failed", "It did not start."))
        elif self.service.state == "stopped":
            self._refuse(_STOPPED)

    def _accept(self) -> None:
        number, intent = self.version.number, self.version.intent
        self.version = msgspec.structs.replace(self.version, status="ready")
        self.model = msgspec.structs.replace(
            self.model,
            versions=sorted({*self.model.versions, number}),
            highest=max(self.model.highest, number),
            updated_at=self.now,
        )
        self._tell("version.ready", f"version {number} is ready")
        alias = self.model.live
        takes_over = intent.start and intent.live
        if takes_over and intent.ask > alias.at:
            self._move(alias, intent.ask)
        elif alias.version is None:
            self._move(alias, alias.at)  # the first one answers until one that was asked for does
        elif takes_over:
            self.stop[number] = f"version {alias.version} took over while it started"
        if not intent.start:
            self.stop[number] = "deployed with start=False"

    def _refuse(self, failure: Failure) -> None:
        number = self.version.number
        self.version = msgspec.structs.replace(self.version, status="refused", failure=failure)
        services = {key: kept for key, kept in self.model.services.items() if key != number}
        self.model = msgspec.structs.replace(self.model, services=services, updated_at=self.now)
        self._tell("version.refused", f"version {number} was refused: {failure.message}")

    def move_live(self) -> None:
        alias = self.model.live
        if alias.target != self.version.number:
            return
        if self.version.status == "ready" and self.service.desired == "running" and self.complete:
            self._move(alias, alias.ask)
        elif self.version.status == "refused" or self.service.state in ("failed", "stopped"):
            why = self.service.failure.message if self.service.failure else "it was stopped"
            self._drop_target(alias, f"version {alias.target} did not get ready: {why}")

    def _move(self, alias: Alias, ask: int) -> None:
        number, old = self.version.number, alias.version
        self.model = _with_alias(self.model, LIVE, _arrived(alias, number, ask, self.now), self.now)
        if old == number:
            return
        self._tell("alias.moved", f"live is version {number}", alias=LIVE, before=old)
        if old is not None and not self._needed(old):
            self.stop[old] = f"version {number} took over"

    def _drop_target(self, alias: Alias, reason: str) -> None:
        kept = msgspec.structs.replace(
            alias, target=None, back=False, reason=reason, updated_at=self.now
        )
        self.model = _with_alias(self.model, LIVE, kept, self.now)
        if alias.version is not None:
            self._tell("alias.kept", f"live stays version {alias.version}: {reason}", alias=LIVE)

    def _needed(self, number: int) -> bool:
        return any(number in (alias.version, alias.target) for alias in self.model.aliases.values())

    def show(self) -> None:
        number, now = self.version.number, brief(self.service)
        before = self.model.services.get(number)
        if before == now:
            return
        services = {**self.model.services, number: now}
        self.model = msgspec.structs.replace(self.model, services=services, updated_at=self.now)
        if before is None or (before.state, before.reason) != (now.state, now.reason):
            why = f": {now.reason}" if now.reason else ""
            self._tell("service.state", f"version {number} is {now.state}{why}", state=now.state)

    def _tell(self, type_: str, message: str, **data: object) -> None:
        self.events.append(
            Event(type_, self.model.name, self.now, self.version.number, message, data)
        )


def _arrived(alias: Alias, version: int, ask: int, now: float) -> Alias:
    """The alias after it moved to ``version``."""
    if alias.back and alias.target == version and version in alias.history:
        history = alias.history[: alias.history.index(version)]
    elif alias.version is None or alias.version == version:
        history = alias.history
    else:
        history = [*(old for old in alias.history if old != version), alias.version]
    pending = alias.target if alias.target != version else None
    return msgspec.structs.replace(
        alias,
        version=version,
        target=pending,
        back=alias.back and pending is not None,
        history=history,
        at=ask,
        reason="",
        updated_at=now,
    )


def _with_alias(model: Model, name: str, alias: Alias, now: float) -> Model:
    return msgspec.structs.replace(model, aliases={**model.aliases, name: alias}, updated_at=now)
