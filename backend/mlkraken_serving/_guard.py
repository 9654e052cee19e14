"""End with another process, however that one ends.

A Jupyter server that is interrupted or killed runs no clean-up of its own, so whoever shall not
outlive it watches it from outside.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading

import psutil

__all__ = ["end_with"]


def end_with(pid: int) -> None:
    """Send this process SIGTERM as soon as the process ``pid`` has ended."""

    def watch() -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).wait()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="guard", daemon=True).start()
