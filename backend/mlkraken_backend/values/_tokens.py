"""Long-lived tokens."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

__all__ = ["Scope", "Token"]

Scope: TypeAlias = Literal["query", "deploy", "admin"]


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
