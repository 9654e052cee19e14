"""One server for the length of a block: started, right, and gone afterwards."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from serving._http import ask
from serving._models import BUILD, Served
from serving._processes import Command, Tree
from serving._workloads import Wrong, first_request
from serving.peers._peer import Peer

__all__ = ["Running", "free_port", "running", "started"]

_LONGEST_START_S = 90.0
_BETWEEN_TRIES_S = 0.01


@dataclass(frozen=True)
class Running:
    """A server that has answered.

    Attributes
    ----------
    tree
        Its processes.
    port
        On the loopback.
    start_s
        From starting its first process to its first right answer.
    """

    tree: Tree
    port: int
    start_s: float


def free_port() -> int:
    """Return a port with two free ones after it, which some servers take as well."""
    while True:
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
            except (OSError, OverflowError):
                continue
            return int(port)


@contextmanager
def started(command: Command, name: str) -> Iterator[Tree]:
    """Yield the processes of a command on the server's core, and end them all."""
    log = BUILD / "logs" / f"{name.replace(' ', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    tree = Tree(command, log)
    try:
        yield tree
    finally:
        tree.stop()


@contextmanager
def running(peer: Peer, served: Served) -> Iterator[Running]:
    """Yield a server once its first answer is right.

    Raises
    ------
    Wrong
        It ended, or gave no right answer in time; with what it printed.
    """
    port = free_port()
    request = first_request(peer, served)
    command = peer.command(served, port)
    began = time.perf_counter()
    with started(command, f"{peer.name}-{served.name}") as tree:
        while not _answers(peer, served, port, request):
            late = time.perf_counter() - began > _LONGEST_START_S
            if late or tree.ended:
                what = "no right answer in time" if late else "it ended"
                raise Wrong(f"{what}; it printed:\n{tree.told()}")
            time.sleep(_BETWEEN_TRIES_S)
        yield Running(tree, port, time.perf_counter() - began)


def _answers(peer: Peer, served: Served, port: int, request: bytes) -> bool:
    try:
        status, body, headers = ask(port, request)
        return status == 200 and peer.answers(body, headers) == served.answers[:1]
    except (OSError, ValueError, LookupError, TypeError):
        return False
