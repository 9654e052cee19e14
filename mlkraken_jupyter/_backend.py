"""Where the backend is and the connections to it."""

from __future__ import annotations

import asyncio

import aiohttp

from mlkraken_client import Target, ensure_backend, locate

__all__ = ["Backend"]


class Backend:
    """The backend this server's users work with."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._target: Target | None = None
        self._session: aiohttp.ClientSession | None = None

    async def target(self) -> Target:
        """Return the address and token, starting an embedded backend when there is none.

        Raises
        ------
        KrakenError
            The backend could not be started, or is not configured rightly.
        """
        async with self._lock:
            if self._target is None:
                # Starting takes a second; the server's loop goes on meanwhile.
                self._target = await asyncio.to_thread(_find)
            return self._target

    def forget(self, target: Target) -> None:
        """Look for the backend anew next time, because it did not answer at ``target``."""
        if self._target == target and target.home is not None:
            self._target = None

    def session(self) -> aiohttp.ClientSession:
        """Return the shared connections."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
                auto_decompress=False,
                skip_auto_headers=["User-Agent", "Accept", "Accept-Encoding", "Content-Type"],
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


def _find() -> Target:
    target = locate(None)
    if target.home is None:
        return target
    running = ensure_backend(target.home)
    return Target(running.url, running.token, target.home)
