"""Wakes event streams when something has happened, from whatever thread it happened in."""

from __future__ import annotations

import asyncio
import contextlib
import threading

__all__ = ["Hub"]


class Hub:
    """A wake-up call for many waiting coroutines of one loop.

    Read ``turn`` before looking at what may have changed, and give it to `wait`: then no change
    is missed that happens between the look and the wait.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Event] = set()
        self.turn = 0
        self.closed = False

    def notify(self) -> None:
        """Wake everyone who waits. Callable from any thread."""
        with self._lock:
            self.turn += 1
            loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(self._wake)

    def close(self) -> None:
        """End all streams."""
        self.closed = True
        self.notify()

    async def wait(self, turn: int, timeout_s: float) -> bool:
        """Wait for the first `notify` after ``turn`` was read; False when none came in time."""
        event = asyncio.Event()
        self._waiting.add(event)
        with self._lock:
            self._loop = asyncio.get_running_loop()
            if self.turn != turn:
                event.set()
        try:
            await asyncio.wait_for(event.wait(), timeout_s)
        except asyncio.TimeoutError:
            return False
        finally:
            self._waiting.discard(event)
        return True

    def _wake(self) -> None:
        for event in list(self._waiting):
            event.set()
