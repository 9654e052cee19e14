"""Asking again and again, for a bounded time."""

from __future__ import annotations

import time

__all__ = ["Patience"]

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.25
_GROWTH = 1.2


class Patience:
    """How long something is waited for, with pauses that grow.

    Parameters
    ----------
    timeout_s
        Seconds from now until it is over.
    """

    def __init__(self, timeout_s: float) -> None:
        self._deadline = time.monotonic() + timeout_s
        self._pause_s = _FIRST_PAUSE_S

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._deadline

    def pause(self) -> None:
        """Sleep before asking again."""
        time.sleep(self._pause_s)
        self._pause_s = min(_LONGEST_PAUSE_S, self._pause_s * _GROWTH)
