"""End with another process, however that one ends.

A Jupyter server that is interrupted or killed runs no clean-up of its own, so whoever shall not
outlive it watches it from outside.
"""

from __future__ import annotations

import os
import signal
import threading

import psutil

__all__ = ["end_with"]


def end_with(pid: int) -> None:
    """Send this process SIGTERM as soon as the process ``pid`` has ended."""

    def watch() -> None:
        try:
            psutil.Process(pid).wait()
        except psutil.NoSuchProcess:
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="guard", daemon=True).start()
