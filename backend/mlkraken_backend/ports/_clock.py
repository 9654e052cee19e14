"""Time and chance, so that nothing above reads them from the machine."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Clock", "Ids"]


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since 1970 in UTC."""


class Ids(Protocol):
    def new(self, prefix: str) -> str:
        """Return an id nobody has had, such as ``r-5f3a91c204be``."""
