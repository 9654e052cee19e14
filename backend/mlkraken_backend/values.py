"""The nouns of the control plane, as immutable values.

Times are seconds since 1970 in UTC. Everything stored carries a ``revision``: a save names the
revision it expects, so of two savers who read the same one exactly one wins.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

__all__ = [
    "LIVE",
    "Alias",
    "Event",
    "Failure",
    "Intent",
    "Model",
    "Parity",
    "Replica",
    "Service",
    "ServiceBrief",
    "Size",
    "State",
    "Token",
    "Upload",
    "Version",
]

LIVE = "live"
"""The alias every model has: what its stable URL answers with."""

State: TypeAlias = Literal["stopped", "pending", "running", "stopping", "failed"]
Desired: TypeAlias = Literal["running", "stopped"]
Scope: TypeAlias = Literal["query", "deploy", "admin"]


class Failure(msgspec.Struct, frozen=True):
    """Why something failed, for the person who has to mend it.

    ``final`` tells that trying again would end the same way.
    """

    code: str
    message: str
    hint: str = ""
    logs: list[str] = []
    final: bool = False


class Size(msgspec.Struct, frozen=True):
    """What one service may use. ``memory`` is bytes for each replica."""

    cpu: float = 1.0
    memory: int = 2 * 2**30
    replicas: int = 1


class Intent(msgspec.Struct, frozen=True):
    """What shall become of a version once its first replica is ready."""

    start: bool = True
    live: bool = True
    ask: int = 0


class Parity(msgspec.Struct, frozen=True):
    """Whether the example was answered as in the notebook."""

    verdict: str = "none"
    rows: int = 0
    detail: str = ""


class Replica(msgspec.Struct, frozen=True):
    """One process or container of a service; ``born`` tells it from a later one with its pid."""

    id: str
    slot: int
    state: Literal["pending", "running", "stopping"]
    asked_at: float
    deadline_at: float
    host: str = ""
    port: int = 0
    pid: int = 0
    ready_at: float | None = None
    reason: str = ""


class Service(msgspec.Struct, frozen=True):
    """One version being served.

    ``proven`` tells that a replica of this version was ready once; ``failures`` counts replicas
    that ended by themselves since the last quiet stretch; ``ports`` remembers each slot's port so
    that a restart keeps its address.
    """

    model: str
    version: int
    updated_at: float
    size: Size = Size()
    desired: Desired = "stopped"
    state: State = "stopped"
    reason: str = ""
    failure: Failure | None = None
    replicas: list[Replica] = []
    ports: dict[int, int] = {}
    proven: bool = False
    gave_up: bool = False
    failures: int = 0
    retry_at: float | None = None
    restarts: int = 0
    start_timeout_s: float = 120.0
    deadline_s: float = 60.0
    parity: Parity = Parity()
    engine: str = ""
    revision: int = 0

    @property
    def active(self) -> bool:
        """Whether the reconciler has, or may have, something to do here."""
        wanted = self.desired == "running" and not self.gave_up
        return wanted or bool(self.replicas) or self.state == "stopping"


class ServiceBrief(msgspec.Struct, frozen=True):
    """What a list of models shows of a service."""

    state: State
    desired: Desired
    reason: str
    cpu: float
    memory: int
    replicas: int
    ready: int
    host: str
    port: int
    restarts: int
    parity: str
    engine: str
    updated_at: float


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


class Version(msgspec.Struct, frozen=True):
    """One immutable bundle.

    A version is a ``candidate`` until its first replica was ready, then ``ready`` for good, or
    ``refused`` with the reason.
    """

    model: str
    number: int
    status: Literal["candidate", "ready", "refused"]
    digest: str
    size: int
    manifest: dict[str, Any]
    created_by: str
    created_at: float
    upload: str = ""
    intent: Intent = Intent()
    failure: Failure | None = None
    revision: int = 0


class Upload(msgspec.Struct, frozen=True):
    """Files of a version to be, on their way; nobody else sees it before it is committed."""

    id: str
    model: str
    manifest: dict[str, Any]
    created_by: str
    created_at: float
    description: str = ""
    tags: dict[str, str] = {}
    revision: int = 0


class Event(msgspec.Struct, frozen=True):
    """Something that happened, for panels, waiting clients and people."""

    type: str
    model: str
    at: float
    version: int | None = None
    message: str = ""
    data: dict[str, Any] = {}
    id: int = 0


class Token(msgspec.Struct, frozen=True):
    """A long-lived named token; the secret itself is not kept.

    ``former`` are the revoked tokens that had this name before, and when they would have ended.
    """

    name: str
    jti: str
    owner: str
    scope: list[Scope]
    created_at: float
    expires_at: float
    model: str = ""
    revoked_at: float | None = None
    former: dict[str, float] = {}
    revision: int = 0
