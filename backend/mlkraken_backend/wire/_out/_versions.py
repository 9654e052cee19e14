"""Versions, and the uploads they come from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from mlkraken_backend.ports import Slot
from mlkraken_backend.values import Model, Version
from mlkraken_backend.wire._out._common import FailureOut, failure_out, moment

__all__ = ["CommittedOut", "UploadOut", "VersionOut", "VersionsOut", "version_out"]


class VersionOut(msgspec.Struct, frozen=True):
    """One immutable bundle.

    ``status`` is candidate, ready or refused; ``sample`` is ``modelData`` to try it with.
    """

    model: str
    version: int
    status: str
    digest: str
    size: int
    runtime: str
    flavor: str
    signature: dict[str, Any]
    sample: Any
    environment: dict[str, Any]
    provenance: dict[str, Any]
    aliases: list[str]
    failure: FailureOut | None
    created_by: str
    created_at: datetime


class VersionsOut(msgspec.Struct, frozen=True):
    versions: list[VersionOut]


class UploadOut(msgspec.Struct, frozen=True):
    """Where the files go; ``version`` is set when this very bundle is there already."""

    upload: str
    slots: list[Slot]
    digest: str
    exists: bool
    version: VersionOut | None


class CommittedOut(msgspec.Struct, frozen=True):
    version: VersionOut
    exists: bool


def version_out(version: Version, model: Model | None) -> VersionOut:
    manifest = version.manifest
    aliases = model.aliases if model else {}
    return VersionOut(
        model=version.model,
        version=version.number,
        status=version.status,
        digest=version.digest,
        size=version.size,
        runtime=manifest["runtime"],
        flavor=manifest["flavor"],
        signature=manifest.get("signature", {}),
        sample=(manifest.get("example") or {}).get("sample"),
        environment=manifest.get("environment", {}),
        provenance=manifest.get("provenance", {}),
        aliases=[name for name, alias in aliases.items() if alias.version == version.number],
        failure=failure_out(version.failure),
        created_by=version.created_by,
        created_at=moment(version.created_at),
    )
