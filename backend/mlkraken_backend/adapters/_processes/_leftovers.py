"""End what a model's code started and left behind."""

from __future__ import annotations

import contextlib
import os
import time

import psutil

__all__ = ["MARK", "kill_leftovers"]

MARK = "MLKRAKEN_REPLICA"
"""Variable in a replica's environment, and so in that of all it starts, that names it."""


def kill_leftovers(replica: str, session: int | None) -> None:
    """End what carries the replica's mark, or shares its session.

    Parameters
    ----------
    replica
        Id of a replica whose own process has ended.
    session
        The session it led; None where its end was not watched, as later its number may be that
        of somebody else's.
    """
    ended_at = time.time()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.create_time() <= ended_at and _left_behind(process, replica, session):
                process.kill()


def _left_behind(process: psutil.Process, replica: str, session: int | None) -> bool:
    if session is not None and os.getsid(process.pid) == session:
        return True
    return process.environ().get(MARK) == replica
