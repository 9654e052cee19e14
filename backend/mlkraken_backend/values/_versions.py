"""Versions, and the uploads they come from."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from mlkraken_backend.values._failure import Failure

__all__ = ["Intent", "Upload", "Version"]


class Intent(msgspec.Struct, frozen=True):
    """What shall become of a version once its first replica is ready."""

    start: bool = True
    live: bool = True
    ask: int = 0


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
