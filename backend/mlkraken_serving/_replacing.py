"""A process that takes its own place: the cure for a call of the model that never returns.

A thread of Python cannot be ended from outside. A program can start itself anew in the same
process, though: the stuck thread is gone, while process id, log and listening socket stay, so
callers who connect meanwhile wait in the socket's queue until the model is loaded again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Mapping

from mlkraken_serving._door import Door
from mlkraken_serving._errors import WorkerLost

__all__ = ["replace"]

_LAST_WORDS_S = 0.2
_WHERE = ("--fd", "--port", "--host")
log = logging.getLogger("mlkraken.serving")


def replace(listener: socket.socket, door: Door, environment: Mapping[str, str]) -> None:
    """Answer all who wait, then start this program anew on the same socket."""
    log.error("a call of the model has not returned long after its deadline; starting anew")
    door.core.give_up(
        WorkerLost(
            "worker_replaced",
            "The model did not come back from an earlier query, so the service starts anew.",
            "Ask again in a moment. The log says which query it was.",
        )
    )
    asyncio.get_running_loop().call_later(_LAST_WORDS_S, _start_anew, listener, door, environment)


def _start_anew(listener: socket.socket, door: Door, environment: Mapping[str, str]) -> None:
    if door.recorder is not None:
        door.recorder.close()
    os.set_inheritable(listener.fileno(), True)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    arguments = [*_without_place(sys.orig_argv[1:]), f"--fd={listener.fileno()}"]
    program = [sys.executable, *arguments]
    os.execve(sys.executable, program, dict(environment))  # noqa: S606 - the same as this one


def _without_place(arguments: list[str]) -> list[str]:
    """Drop what says where to listen, in both of its forms: --port=1 and --port 1."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in _WHERE:
            skip = True
        elif argument.partition("=")[0] not in _WHERE:
            kept.append(argument)
    return kept
