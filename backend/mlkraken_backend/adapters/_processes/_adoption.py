"""Recognise replicas that a backend before this one left running."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec
import psutil

from mlkraken_backend.adapters._processes._facts import Facts, RunFolder

__all__ = ["left_running"]


def left_running(run: RunFolder) -> Iterator[tuple[Facts, psutil.Process | None]]:
    """Yield each replica that was left, with its process, or None when that has ended since."""
    for facts in run.known():
        process = _process_of(facts)
        if process is not None and process.pid != facts.pid:
            found = msgspec.structs.replace(facts, pid=process.pid)
            run.write(found)
            yield found, process
        else:
            yield facts, process


def _process_of(facts: Facts) -> psutil.Process | None:
    """Find a replica's process, also when its pid was not written down any more."""
    candidates = [facts.pid] if facts.pid else psutil.pids()
    for pid in candidates:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if f"--replica={facts.replica}" in process.cmdline():
                return process
    return None
