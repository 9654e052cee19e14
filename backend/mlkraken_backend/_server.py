"""The HTTP server of an embedded backend."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn

from mlkraken_backend._errors import StorageError

__all__ = ["HOST", "Server", "listen"]

HOST = "127.0.0.1"


class Server(uvicorn.Server):
    """Uvicorn that says when it answers, and ends its streams before it waits for them.

    Parameters
    ----------
    app
        What answers.
    ready
        Called with the port once it answers.
    leaving
        Called when it is to end, before it waits for what is under way.
    told
        Set when it was told to end before it ran.
    """

    def __init__(
        self,
        app: Any,
        ready: Callable[[int], None],
        leaving: Callable[[], None],
        told: threading.Event,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http="httptools",
                ws="none",
                access_log=False,
                log_config=None,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        self._ready = ready
        self._leaving = leaving
        self._told = told

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            self._ready(sockets[0].getsockname()[1])
        if self._told.is_set():
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._leaving()
        await super().shutdown(sockets)


def listen(port: int, last: int) -> socket.socket:
    """Listen on the wanted port; without a wish on last time's, or on any.

    Raises
    ------
    StorageError
        ``port_taken``.
    """
    why = ""
    for wanted in (port,) if port else (last, 0):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, wanted))
        except (OSError, OverflowError) as error:
            listener.close()
            why = str(error)
            continue
        listener.listen(2048)
        return listener
    raise StorageError(
        "port_taken",
        f"Port {port} on {HOST} cannot be used: {why}.",
        "Choose another with --port, or leave it out to take any free one.",
    )
