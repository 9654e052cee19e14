"""Models, and the aliases that point to their versions."""

from __future__ import annotations

import msgspec

from mlkraken_backend.values._services import ServiceBrief

__all__ = ["LIVE", "Alias", "Model"]

LIVE = "live"
"""The alias every model has: what its stable URL answers with."""


class Alias(msgspec.Struct, frozen=True):
    """A movable name for a version.

    ``target`` is the version that takes over once it is ready, ``back`` tells that it is a
    return to the last of ``history``. ``ask`` numbers the requests to move, ``at`` is the one
    that ``version`` came by, so that a late one does not undo a newer one.
    """

    version: int | None = None
    target: int | None = None
    back: bool = False
    history: list[int] = []
    ask: int = 0
    at: int = 0
    reason: str = ""
    updated_at: float = 0.0


class Model(msgspec.Struct, frozen=True):
    """A name with an owner and its versions; carries all that a list of models shows.

    ``highest`` is the highest number ever given, so that none is given twice. ``explicit`` tells
    that somebody made the model itself, so that it stays without versions. ``leaving`` are the
    numbers of versions being deleted.
    """

    name: str
    owner: str
    created_at: float
    updated_at: float
    description: str = ""
    tags: dict[str, str] = {}
    highest: int = 0
    versions: list[int] = []
    aliases: dict[str, Alias] = {}
    services: dict[int, ServiceBrief] = {}
    explicit: bool = False
    leaving: list[int] = []
    deleting: bool = False
    revision: int = 0

    @property
    def live(self) -> Alias:
        return self.aliases.get(LIVE, Alias())

    @property
    def visible(self) -> bool:
        """Whether there is anything to show; a model of refused versions only is none."""
        return bool(self.versions or self.services or self.explicit)

    @property
    def kept(self) -> bool:
        """Whether the record is needed: it is visible, or something of it is being deleted."""
        return self.visible or self.deleting or bool(self.leaving)

    @property
    def shown(self) -> int | None:
        """The version whose service a list shows: live, else the one coming, else the newest."""
        if self.live.version is not None:
            return self.live.version
        if self.live.target is not None:
            return self.live.target
        return max(self.services, default=None) or max(self.versions, default=None)
