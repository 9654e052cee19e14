"""From a listening socket to a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

import uvicorn

from mlkraken_serving._app import App, QueryRoute
from mlkraken_serving._shortcut import with_shortcut

__all__ = ["serve"]


class _Server(uvicorn.Server):
    """Uvicorn that says when it answers and when it has answered the last query.

    Its own `run` ends by raising the signal again, so nothing can be done after it.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[str, int], None],
        drained: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._drained = drained

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            self._ready(host, port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        await asyncio.sleep(0)  # queries that were given up tell their callers in this turn,
        await asyncio.sleep(0)  # and are noted in the next
        self._drained()


def serve(
    app: App,
    query: QueryRoute,
    listener: socket.socket,
    *,
    ready: Callable[[str, int], None],
    drained: Callable[[], None],
    drain_s: int,
) -> None:
    """Answer on ``listener`` until SIGTERM or SIGINT, then finish what is in flight.

    Parameters
    ----------
    app
        The ASGI app.
    query
        The part of it that answers queries.
    listener
        A bound socket.
    ready
        Called with host and port once connections are accepted.
    drained
        Called when the last query has been answered.
    drain_s
        Longest time that queries in flight get to finish.
    """
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=with_shortcut(query),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=drain_s,
        timeout_keep_alive=75,
    )
    with contextlib.suppress(KeyboardInterrupt):  # raised again after all has been answered
        _Server(config, ready, drained).run(sockets=[listener])
