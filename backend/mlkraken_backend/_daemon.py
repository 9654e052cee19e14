"""The process of an embedded backend: its log, its first word, and with whom it ends."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import threading
from pathlib import Path
from typing import Any

import psutil

__all__ = ["end_with", "log_to", "report"]

_LARGEST_LOG = 10 * 2**20
log = logging.getLogger("mlkraken.backend")


def log_to(path: Path) -> None:
    """Send all output of this process to a file, beginning anew when it has grown large."""
    if path.exists() and path.stat().st_size > _LARGEST_LOG:
        path.replace(path.with_suffix(".log.1"))
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.close(handle)


def report(ready_fd: int | None, document: dict[str, Any]) -> None:
    """Write one line of JSON for whoever started this process and waits for it."""
    if ready_fd is None:
        return
    try:
        with open(ready_fd, "w", encoding="utf-8") as pipe:
            pipe.write(json.dumps(document) + "\n")
    except OSError:  # whoever started us did not wait
        log.info("nobody waits to hear that the backend is ready")


def end_with(pid: int) -> None:
    """Stop as soon as the process ``pid`` has ended, however it ended."""

    def watch() -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).wait()
        log.info("process %d has ended, so this backend stops", pid)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="guard", daemon=True).start()
