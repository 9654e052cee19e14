"""A server with all its processes: started on a core of its own, watched, and ended."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

__all__ = ["LOAD_CORE", "ONE_THREAD", "SERVER_CORE", "Command", "Tree", "spent_s"]

SERVER_CORE, LOAD_CORE = 0, 1

ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
}
"""Arithmetic libraries that would otherwise start a thread a core."""

_SETTLED_S, _LONGEST_SETTLING_S = 0.2, 10.0


@dataclass(frozen=True)
class Command:
    """How to start a server.

    Attributes
    ----------
    argv
        The program and its arguments.
    env
        Variables beside those of the harness.
    cwd
        Where it runs; the harness's own folder if None.
    """

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None


class Tree:
    """A started server with the processes it made."""

    def __init__(self, command: Command, log: Path) -> None:
        self._log = log
        with log.open("wb") as told:
            self._process = subprocess.Popen(
                ["taskset", "-c", str(SERVER_CORE), *command.argv],
                env={**os.environ, **ONE_THREAD, **command.env},
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def ended(self) -> bool:
        """Whether the process that was started is gone."""
        return self._process.poll() is not None

    def told(self) -> str:
        """Return the last lines it printed."""
        return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-12:])

    def cpu(self) -> dict[int, float]:
        """Return the seconds of CPU each process has used, by its id."""
        used = {}
        for process in self._all():
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            used[process.pid] = times.user + times.system
        return used

    def settle(self) -> None:
        """Wait until it no longer works on what callers have given up, some seconds at most."""
        until = time.monotonic() + _LONGEST_SETTLING_S
        before = self.cpu()
        while time.monotonic() < until:
            time.sleep(_SETTLED_S)
            after = self.cpu()
            if spent_s(before, after) < _SETTLED_S / 4:
                return
            before = after

    def memory_mb(self) -> float:
        """Return the proportional set size of all processes, in MB: shared pages count once."""
        return sum(process.memory_full_info().pss for process in self._all()) / 1e6

    def resident_mb(self) -> float:
        """Return the resident size of all processes, in MB."""
        return sum(process.memory_info().rss for process in self._all()) / 1e6

    def stop(self) -> None:
        """End every process, the stubborn ones too."""
        processes = self._all()
        for process in processes[:1]:
            process.terminate()
        _, alive = psutil.wait_procs(processes, timeout=5)
        for process in alive:
            process.kill()
        psutil.wait_procs(alive, timeout=5)
        self._process.wait()

    def _all(self) -> list[psutil.Process]:
        try:
            first = psutil.Process(self._process.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def spent_s(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """Return the seconds of CPU used between two readings of `Tree.cpu`.

    A process that began in between counts whole; one that ended is lost with what it used.
    """
    return sum(used - before.get(pid, 0.0) for pid, used in after.items())
