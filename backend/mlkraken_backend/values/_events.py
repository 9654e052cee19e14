"""What happened."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["Event"]


class Event(msgspec.Struct, frozen=True):
    """Something that happened, for panels, waiting clients and people."""

    type: str
    model: str
    at: float
    version: int | None = None
    message: str = ""
    data: dict[str, Any] = {}
    id: int = 0
