"""Services, and the replicas that make them up."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from mlkraken_backend.values._failure import Failure

__all__ = ["Parity", "Replica", "Service", "ServiceBrief", "Size", "State"]

State: TypeAlias = Literal["stopped", "pending", "running", "stopping", "failed"]
Desired: TypeAlias = Literal["running", "stopped"]


class Size(msgspec.Struct, frozen=True):
    """What one service may use. ``memory`` is bytes for each replica, ``workers`` its processes."""

    cpu: float = 1.0
    memory: int = 2 * 2**30
    replicas: int = 1
    workers: int = 1


class Parity(msgspec.Struct, frozen=True):
    """Whether the example was answered as in the notebook."""

    verdict: str = "none"
    rows: int = 0
    detail: str = ""


class Replica(msgspec.Struct, frozen=True):
    """One process or container of a service."""

    id: str
    slot: int
    state: Literal["pending", "running", "stopping"]
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
