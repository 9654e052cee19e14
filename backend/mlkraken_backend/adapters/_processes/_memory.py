"""Watch what replicas use, and end those that use too much memory."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Mapping

import psutil

from mlkraken_backend.adapters._processes._child import Child
from mlkraken_backend.adapters._processes._endings import memory_failure

__all__ = ["MemoryWatch"]

_SAMPLE_S = 0.25
_TREE_EVERY = 8


class MemoryWatch:
    """Samples in a thread of its own, from now until told to end.

    Parameters
    ----------
    children
        The replicas by their ids, as they come and go.
    closing
        Set when there is nothing to watch any more.
    """

    def __init__(self, children: Mapping[str, Child], closing: threading.Event) -> None:
        self._children = children
        self._closing = closing
        self._usage: dict[str, tuple[float, int]] = {}
        threading.Thread(target=self._sample, name="usage", daemon=True).start()

    def usage(self, replica: str) -> tuple[float, int]:
        """Return CPU use in cores and resident memory in bytes; zeros when unknown."""
        return self._usage.get(replica, (0.0, 0))

    def _sample(self) -> None:
        """Look at each process often, as memory can run away, and at its children now and then."""
        for turn in itertools.count():
            if self._closing.wait(_SAMPLE_S):
                return
            children = list(self._children.items())
            below = _memory_below() if children and turn % _TREE_EVERY == 0 else None
            for replica, child in children:
                memory = child.memory()
                cores, before = self._usage.get(replica, (0.0, 0))
                if below is not None:
                    memory += below(child.facts.pid)
                    self._usage[replica] = (child.cores(), memory)
                elif memory > before:
                    self._usage[replica] = (cores, memory)
                if memory > child.facts.memory:
                    child.kill(memory_failure(memory, child.facts.memory))
            for replica in self._usage.keys() - self._children.keys():
                self._usage.pop(replica, None)


def _memory_below() -> Callable[[int], int]:
    """Look at all processes once; return what tells the memory of a process's descendants."""
    below: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            below.setdefault(process.ppid(), []).append(process)

    def total(pid: int) -> int:
        memory = 0
        for process in below.get(pid, ()):
            with contextlib.suppress(psutil.Error):
                memory += process.memory_info().rss
            memory += total(process.pid)
        return memory

    return total
