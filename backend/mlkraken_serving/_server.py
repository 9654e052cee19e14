"""From a listening socket to a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import resource
import signal
import socket
from collections.abc import Callable

import uvloop

from mlkraken_serving._connection import Connection
from mlkraken_serving._house import House

__all__ = ["serve"]

_LOOK_EVERY_S = 1.0
_BACKLOG = 2048
_LAST_WORDS_S = 0.5
_COLLECT_AFTER = (20_000, 20, 20)
log = logging.getLogger("mlkraken.serving")


def serve(
    house: House,
    listener: socket.socket,
    *,
    ready: Callable[[str, int], None],
    drained: Callable[[], None],
    drain_s: float,
) -> None:
    """Answer on ``listener`` until SIGTERM or SIGINT, then finish what is in flight.

    Parameters
    ----------
    house
        What connections share.
    listener
        A bound socket.
    ready
        Called with host and port once connections are accepted.
    drained
        Called when the last query has been answered.
    drain_s
        Longest time that queries in flight get to finish, in seconds.
    """
    _allow_many_connections()
    _spare_the_collector()
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(_run(house, listener, ready, drain_s))
        drained()
    finally:
        loop.close()


async def _run(
    house: House, listener: socket.socket, ready: Callable[[str, int], None], drain_s: float
) -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    server = await loop.create_server(lambda: Connection(house), sock=listener, backlog=_BACKLOG)
    host, port = listener.getsockname()[:2]
    ready(host, port)
    while not told.is_set():
        house.writer.tick()
        now = loop.time()
        for connection in list(house.connections):
            connection.look(now)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(told.wait(), _LOOK_EVERY_S)
    server.close()
    await _drain(house, told, drain_s)


async def _drain(house: House, told: asyncio.Event, drain_s: float) -> None:
    """Wait for the last answers; a second signal waits no longer."""
    house.ending = True
    told.clear()
    loop = asyncio.get_running_loop()
    until = loop.time() + drain_s
    for connection in list(house.connections):
        connection.end()
    while house.connections and loop.time() < until and not told.is_set():
        await asyncio.sleep(0.01)
    house.door.give_up()
    while house.connections and loop.time() < until + _LAST_WORDS_S:
        await asyncio.sleep(0.01)


def _spare_the_collector() -> None:
    """Let the collector look at what queries leave, not again and again at the loaded model.

    A query leaves nothing in circles, so it need not come after every few hundred objects either:
    that took a tenth of all the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def _allow_many_connections() -> None:
    """Take as many open files as the system lets a process have: each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # macOS has a lower limit than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
