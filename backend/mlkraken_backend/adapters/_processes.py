"""Replicas as child processes on this machine, each listening on a loopback port of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import psutil

from mlkraken_backend._errors import StartFailed, StorageError
from mlkraken_backend.adapters._child import MARK, Child, Facts
from mlkraken_backend.adapters._files import mapped
from mlkraken_backend.adapters._log_files import LogFiles
from mlkraken_backend.lifecycle import Sighting
from mlkraken_backend.ports import LogPage, QueryLog, ReplicaSpec
from mlkraken_backend.values import Failure

__all__ = ["ProcessRuntime"]

HOST = "127.0.0.1"
_SAMPLE_S = 0.25
_TREE_EVERY = 8
_ADOPT_S = 1.0
_PRIVATE = ("MLKRAKEN_TOKEN", "MLKRAKEN_URL", "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN")


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
        self._run = run
        self._logs = LogFiles(logs)
        self._access = access
        self._querylog = querylog
        self._changed = changed
        self._until = until
        self._children: dict[str, Child] = {}
        self._usage: dict[str, tuple[float, int]] = {}
        self._closing = threading.Event()
        with mapped(run):
            run.mkdir(parents=True, exist_ok=True)
        self._adopt()
        self._sampler = threading.Thread(target=self._sample, name="usage", daemon=True)
        self._sampler.start()

    # -- the port -----------------------------------------------------------------------------

    def start(self, spec: ReplicaSpec) -> None:
        if spec.replica in self._children:
            return
        if self._closing.is_set():
            raise StartFailed("start_failed", "The backend is ending.", "Start it again.")
        with _listener(spec.port) as listener, mapped(self._run):
            facts = Facts(
                replica=spec.replica,
                model=spec.model,
                version=spec.version,
                host=HOST,
                port=listener.getsockname()[1],
                memory=spec.size.memory,
                log=str(self._logs.new(spec.model, spec.version, spec.replica)),
            )
            self._write(facts)  # before the process, so that a crash in between leaves a trace
            try:
                popen = self._spawn(spec, facts, listener)
            except StartFailed:
                self._facts_path(spec.replica).unlink(missing_ok=True)
                raise
        process = psutil.Process(popen.pid)
        facts = msgspec.structs.replace(facts, pid=popen.pid)
        with contextlib.suppress(StorageError):  # it runs; without its pid it is found by its name
            self._write(facts)
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
        with mapped(self._run):
            for path in (self._facts_path(replica), self._run / f"{replica}.failed.json"):
                path.unlink(missing_ok=True)

    def usage(self, replica: str) -> tuple[float, int]:
        return self._usage.get(replica, (0.0, 0))

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

    # -- starting -----------------------------------------------------------------------------

    def _spawn(
        self, spec: ReplicaSpec, facts: Facts, listener: socket.socket
    ) -> subprocess.Popen[bytes]:
        cwd = self._run / "cwd"
        cwd.mkdir(exist_ok=True)
        try:
            with open(facts.log, "ab") as log:
                return subprocess.Popen(
                    self._command(spec, listener.fileno()),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=cwd,
                    env=_environment(spec.replica),
                    pass_fds=[listener.fileno()],
                    start_new_session=True,
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise StartFailed(
                "start_failed",
                f"No process could be started for {spec.model}@{spec.version}: {error}.",
                "Stop other services, or start it again when the machine has room.",
            ) from error

    def _command(self, spec: ReplicaSpec, listener: int) -> list[str]:
        command = [
            _interpreter(spec.interpreter),
            "-m",
            "mlkraken_serving",
            spec.location,
            f"--model={spec.model}",
            f"--version={spec.version}",
            f"--digest={spec.digest}",
            f"--replica={spec.replica}",
            f"--fd={listener}",
            f"--access={self._access}",
            f"--times={self._querylog.location(spec.model, spec.version)}",
            f"--status-file={self._run / (spec.replica + '.failed.json')}",
            f"--deadline={spec.deadline_s:g}",
        ]
        return [*command, f"--until={self._until}"] if self._until is not None else command

    def _watch(self, child: Child) -> None:
        self._children[child.facts.replica] = child
        child.begin()

    # -- adopting -----------------------------------------------------------------------------

    def _adopt(self) -> None:
        """Take over the replicas that a backend before this one left running."""
        for path in self._run.glob("r-*.json"):
            if path.name.endswith(".failed.json"):
                continue
            try:
                facts = msgspec.json.decode(path.read_bytes(), type=Facts)
            except msgspec.MsgspecError:
                path.unlink(missing_ok=True)  # cut short as the whole machine went down
                continue
            process = _process_of(facts)
            if process is not None and process.pid != facts.pid:
                facts = msgspec.structs.replace(facts, pid=process.pid)
                self._write(facts)
            self._watch(Child(facts, process, self._run, self._changed))
        for draft in self._run.glob("r-*.draft"):
            draft.unlink(missing_ok=True)
        # Those that are ready answer at once; the first round shall not take them for late.
        deadline = time.monotonic() + _ADOPT_S
        for child in self._children.values():
            child.await_known(max(0.0, deadline - time.monotonic()))

    def _write(self, facts: Facts) -> None:
        path = self._facts_path(facts.replica)
        draft = path.with_suffix(".draft")
        with mapped(path):
            draft.write_bytes(msgspec.json.encode(facts))
            draft.replace(path)

    def _facts_path(self, replica: str) -> Path:
        return self._run / f"{replica}.json"

    # -- watching memory ----------------------------------------------------------------------

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
                    child.kill(_too_much(memory, child.facts.memory))
            for replica in self._usage.keys() - self._children.keys():
                self._usage.pop(replica, None)


def _listener(port: int) -> socket.socket:
    """Listen on the wanted port, or on any when it is 0 or taken."""
    for wanted in (port, 0):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, wanted))
        except OSError:
            listener.close()
            continue
        listener.listen(2048)
        return listener
    raise StartFailed(
        "no_free_port", f"There is no free port on {HOST}.", "Stop some services first."
    )


def _interpreter(wanted: str) -> str:
    """The notebook's own interpreter, or this one where that does not exist."""
    return wanted if wanted and os.access(wanted, os.X_OK) else sys.executable


def _environment(replica: str) -> dict[str, str]:
    """The user's environment without the secrets that are not the model's business."""
    kept = {name: value for name, value in os.environ.items() if name not in _PRIVATE}
    return {**kept, MARK: replica, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _process_of(facts: Facts) -> psutil.Process | None:
    """Find a replica's process, also when its pid was not written down any more."""
    candidates = [facts.pid] if facts.pid else psutil.pids()
    for pid in candidates:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if f"--replica={facts.replica}" in process.cmdline():
                return process
    return None


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


def _too_much(memory: int, allowed: int) -> Failure:
    used, cap = f"{memory / 2**20:.0f} MB", f"{allowed / 2**20:.0f} MB"
    return Failure(
        "memory_exceeded",
        f"The process used {used} of memory, more than the {cap} it was given, and was killed.",
        "Deploy with more: memory='4GB'.",
        final=False,
    )
