"""The port for response times."""

from __future__ import annotations

from typing import Protocol

import msgspec

__all__ = ["QueryLog", "QueryPoint"]


class QueryPoint(msgspec.Struct, frozen=True, array_like=True):
    """One answered query; times in seconds since 1970 and in milliseconds."""

    sent_at: float
    response_ms: float
    model_ms: float
    rows: int
    version: int
    status: int
    request_id: str


class QueryLog(Protocol):
    """Reads what the model servers record; they write it themselves."""

    def location(self, model: str, version: int) -> str:
        """Return where replicas of this version write their records."""

    def points(
        self, model: str, version: int | None, since: float, until: float, limit: int
    ) -> list[QueryPoint]:
        """Return the newest ``limit`` points with ``since <= sent_at < until``, oldest first.

        ``version`` None means all versions.
        """

    def latest(self, model: str, version: int | None, limit: int) -> tuple[list[QueryPoint], str]:
        """Return the newest ``limit`` points, oldest first, and the cursor after them."""

    def tail(
        self, model: str, version: int | None, cursor: str, limit: int
    ) -> tuple[list[QueryPoint], str]:
        """Return up to ``limit`` points recorded after ``cursor``, and the cursor after them.

        The cursor "" stands at the beginning of what is kept.
        """

    def forget(self, model: str, version: int | None) -> None:
        """Remove the points of a version, or of all versions of a model."""
