"""Documents that come in."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from mlkraken_backend.checks import parse_memory
from mlkraken_backend.values import Size

__all__ = [
    "AliasIn",
    "CommitIn",
    "ModelChangeIn",
    "ModelIn",
    "ServiceIn",
    "TokenIn",
    "UploadIn",
    "sized",
]


_Number: TypeAlias = Annotated[int, msgspec.Meta(ge=1, lt=10**9)]


class ModelIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    description: str = ""
    tags: dict[str, str] = {}


class ModelChangeIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    description: str | None = None
    tags: dict[str, str] | None = None


class UploadIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bundle's manifest, and what the model shall say of itself from now on."""

    manifest: dict[str, Any]
    description: str = ""
    tags: dict[str, str] = {}


class CommitIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What shall become of the version. ``start_timeout`` and ``deadline`` are seconds."""

    start: bool = True
    live: bool = True
    cpu: float = 1.0
    memory: str = "2GB"
    replicas: int = 1
    workers: int = 1
    start_timeout: float = 120.0
    deadline: float = 60.0


class ServiceIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a service shall be; what is left out stays as it is."""

    desired: Literal["running", "stopped"] | None = None
    restart: bool = False
    cpu: float | None = None
    memory: str | None = None
    replicas: int | None = None
    workers: int | None = None
    start_timeout: float | None = None
    deadline: float | None = None


class AliasIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version to move to; ``"previous"`` goes back to what was live before."""

    version: _Number | Literal["previous"]


class TokenIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to make. ``ttl`` is seconds."""

    name: str
    scope: list[str] = msgspec.field(default_factory=lambda: ["query"])
    model: str = ""
    ttl: float = 30 * 86400.0


def sized(
    before: Size,
    cpu: float | None,
    memory: str | None,
    replicas: int | None,
    workers: int | None,
) -> Size:
    """Return a size with what was given replaced; raises `Invalid` (``memory_invalid``)."""
    return Size(
        cpu=before.cpu if cpu is None else cpu,
        memory=before.memory if memory is None else parse_memory(memory),
        replicas=before.replicas if replicas is None else replicas,
        workers=before.workers if workers is None else workers,
    )
