"""The runtime that starts replicas, keeps an eye on them, and adopts those it finds running."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import psutil

from mlkraken_backend._errors import StartFailed, StorageError
from mlkraken_backend.adapters._log_files import LogFiles
from mlkraken_backend.adapters._processes._adoption import left_running
from mlkraken_backend.adapters._processes._child import Child
from mlkraken_backend.adapters._processes._facts import Facts, RunFolder
from mlkraken_backend.adapters._processes._launch import HOST, Launcher, listen
from mlkraken_backend.adapters._processes._memory import MemoryWatch
from mlkraken_backend.lifecycle import Sighting
from mlkraken_backend.ports import LogPage, QueryLog, ReplicaSpec

__all__ = ["ProcessRuntime"]

_ADOPT_S = 1.0


class ProcessRuntime:
    """See `Runtime`.

    Parameters
    ----------
    run
        Folder for the facts of running replicas.
    logs
        Folder for their logs.
    access
        File with the public key that replicas check tokens with.
    querylog
        Says where replicas write their response times.
    changed
        Called from any thread when `seen` has changed.
    until
        Pid whose end also ends the replicas, should this process be gone by then.
    """

    kinds = frozenset(["python"])

    def __init__(
        self,
        run: Path,
        logs: Path,
        access: Path,
        querylog: QueryLog,
        changed: Callable[[], None],
        until: int | None = None,
    ) -> None:
        self._run = RunFolder(run)
        self._logs = LogFiles(logs)
        self._launcher = Launcher(self._run, access, querylog, until)
        self._changed = changed
        self._children: dict[str, Child] = {}
        self._closing = threading.Event()
        self._adopt()
        self._memory = MemoryWatch(self._children, self._closing)

    # -- the port -----------------------------------------------------------------------------

    def start(self, spec: ReplicaSpec) -> None:
        if spec.replica in self._children:
            return
        if self._closing.is_set():
            raise StartFailed("start_failed", "The backend is ending.", "Start it again.")
        with listen(spec.port) as listener:
            log = self._logs.new(spec.model, spec.version, spec.replica)
            facts = Facts(
                replica=spec.replica,
                model=spec.model,
                version=spec.version,
                host=HOST,
                port=listener.getsockname()[1],
                memory=spec.size.memory,
                log=str(log),
            )
            self._run.write(facts)  # before the process: a crash in between leaves a trace
            try:
                popen = self._launcher.launch(spec, log, listener)
            except StartFailed:
                self._run.forget(spec.replica)
                raise
        process = psutil.Process(popen.pid)
        facts = msgspec.structs.replace(facts, pid=popen.pid)
        with contextlib.suppress(StorageError):  # it runs; without its pid it is found by its name
            self._run.write(facts)
        self._watch(Child(facts, process, self._run, self._changed, popen))

    def stop(self, replica: str, grace_s: float) -> None:
        child = self._children.get(replica)
        if child is not None:
            child.stop(grace_s)

    def kill(self, replica: str) -> None:
        child = self._children.get(replica)
        if child is not None:
            child.kill()

    def seen(self) -> Mapping[str, Sighting]:
        return {replica: child.sighting for replica, child in list(self._children.items())}

    def forget_replica(self, replica: str) -> None:
        self._children.pop(replica, None)
        self._run.forget(replica)

    def usage(self, replica: str) -> tuple[float, int]:
        return self._memory.usage(replica)

    def logs(self, model: str, version: int, cursor: str, limit: int) -> LogPage:
        live = {
            replica
            for replica, child in list(self._children.items())
            if child.sighting.status != "ended"
        }
        return self._logs.page(model, version, cursor, limit, live)

    def forget(self, model: str, version: int) -> None:
        self._logs.forget(model, version)

    def close(self, *, stop_replicas: bool) -> None:
        self._closing.set()
        if not stop_replicas:
            return
        children = list(self._children.values())
        for child in children:
            child.stop(10.0)
        for child in children:
            child.join(12.0)
            if child.sighting.status == "ended":  # as asked, so a later backend need not wonder
                self.forget_replica(child.facts.replica)

    # -- steps --------------------------------------------------------------------------------

    def _adopt(self) -> None:
        """Take over the replicas that a backend before this one left running."""
        for facts, process in left_running(self._run):
            self._watch(Child(facts, process, self._run, self._changed))
        # Those that are ready answer at once; the first round shall not take them for late.
        deadline = time.monotonic() + _ADOPT_S
        for child in self._children.values():
            child.await_known(max(0.0, deadline - time.monotonic()))

    def _watch(self, child: Child) -> None:
        self._children[child.facts.replica] = child
        child.begin()
