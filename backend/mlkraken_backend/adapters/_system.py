"""The machine's clock and its source of ids."""

from __future__ import annotations

import secrets
import time

__all__ = ["RandomIds", "SystemClock"]


class SystemClock:
    """See `Clock`."""

    def now(self) -> float:
        return time.time()


class RandomIds:
    """See `Ids`: 48 random bits."""

    def new(self, prefix: str) -> str:
        return f"{prefix}-{secrets.token_hex(6)}"
