"""What the service machine sees and what it gives back."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from mlkraken_backend.values import Failure, Parity, Replica, Service

__all__ = ["Command", "Kill", "Sighting", "Start", "Step", "Stop"]


class Sighting(msgspec.Struct, frozen=True):
    """What the runtime sees of one replica.

    An ended replica without a ``failure`` ended while nobody watched, which says nothing about
    the model.
    """

    status: Literal["starting", "ready", "ended"]
    host: str = ""
    port: int = 0
    pid: int = 0
    failure: Failure | None = None
    parity: Parity = Parity()
    engine: str = ""


class Start(msgspec.Struct, frozen=True):
    replica: Replica
    port: int


class Stop(msgspec.Struct, frozen=True):
    replica: Replica
    grace_s: float


class Kill(msgspec.Struct, frozen=True):
    replica: Replica


Command: TypeAlias = Start | Stop | Kill


class Step(msgspec.Struct, frozen=True):
    """The service as it is now, and what to do about it."""

    service: Service
    commands: list[Command]
