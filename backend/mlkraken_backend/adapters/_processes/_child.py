"""One replica as a process of its own session, ours by birth or adopted.

What ended it is read from the exit status, from the file a refused start leaves, and from the
mark this module keeps itself (killed for memory).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import psutil

from mlkraken_backend.adapters._processes._endings import GONE, exit_failure
from mlkraken_backend.adapters._processes._facts import Facts, RunFolder
from mlkraken_backend.adapters._processes._leftovers import kill_leftovers
from mlkraken_backend.lifecycle import Sighting
from mlkraken_backend.values import Failure, Parity

__all__ = ["Child"]

_PROBE_S = 3600.0


class Child:
    """Watches one process from its start to its end.

    Parameters
    ----------
    facts
        Its facts, pid included.
    process
        The process; None when it had ended before it could be adopted.
    run
        Where the replica's files are.
    changed
        Called, from a thread of this object, when `sighting` has changed.
    popen
        The handle of a process of ours, which has to be waited for.
    """

    def __init__(
        self,
        facts: Facts,
        process: psutil.Process | None,
        run: RunFolder,
        changed: Callable[[], None],
        popen: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self.facts = facts
        self.sighting = Sighting("starting", facts.host, facts.port, facts.pid)
        self._process = process
        self._popen = popen
        self._run = run
        self._changed = changed
        self._stopping = threading.Event()
        self._telling = threading.Lock()
        self._known = threading.Event()
        self._killed_for: Failure | None = None
        self._watcher = threading.Thread(
            target=self._watch, name=f"watch {facts.replica}", daemon=True
        )

    def begin(self) -> None:
        """Start watching."""
        self._watcher.start()

    def stop(self, grace_s: float) -> None:
        """Ask the process to end; kill it after ``grace_s``. Does not wait."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._signal(signal.SIGTERM)
        threading.Thread(target=self._kill_later, args=(grace_s,), daemon=True).start()

    def kill(self, why: Failure | None = None) -> None:
        """End the process and everything it started, now."""
        if why is not None and self._killed_for is None:
            self._killed_for = why
        self._signal(signal.SIGKILL)

    def await_known(self, timeout_s: float) -> None:
        """Wait until the process is seen as ready or ended."""
        self._known.wait(timeout_s)

    def join(self, timeout_s: float) -> None:
        """Wait for the process's end to be noticed."""
        self._watcher.join(timeout_s)

    def memory(self) -> int:
        """Return the resident memory of the process in bytes, 0 when it has ended."""
        if self._process is None or self.sighting.status == "ended":
            return 0
        with contextlib.suppress(psutil.Error):
            return int(self._process.memory_info().rss)
        return 0

    def cores(self) -> float:
        """Return CPU use in cores since the last call."""
        if self._process is None or self.sighting.status == "ended":
            return 0.0
        with contextlib.suppress(psutil.Error):
            return float(self._process.cpu_percent()) / 100
        return 0.0

    # -- the watcher's thread -----------------------------------------------------------------

    def _watch(self) -> None:
        if self._process is not None:
            # Beside the wait for the end: a child of the process that inherited its socket would
            # keep the question open when the process itself is gone.
            threading.Thread(target=self._await_ready, daemon=True).start()
            self._await_end()
        watched = self._process is not None
        kill_leftovers(self.facts.replica, self.facts.pid if watched else None)
        self._tell(msgspec.structs.replace(self.sighting, status="ended", failure=self._failure()))

    def _tell(self, sighting: Sighting) -> None:
        with self._telling:
            if self.sighting.status != "ended":
                self.sighting = sighting
        self._known.set()
        self._changed()

    def _await_ready(self) -> None:
        """Ask for the health at once and let the answer come when it comes.

        The socket listens since before the process started, so the request waits in its backlog;
        when the process dies the system resets the connection. No polling in either case.
        """
        while self._alive():
            health = self._health()
            if health is not None:
                self._tell(
                    Sighting(
                        "ready",
                        self.facts.host,
                        self.facts.port,
                        self.facts.pid,
                        parity=msgspec.convert(health.get("parity", {}), Parity),
                        engine=str(health.get("engine", "")),
                    )
                )
                return
            time.sleep(0.05)

    def _health(self) -> dict[str, Any] | None:
        connection = http.client.HTTPConnection(self.facts.host, self.facts.port, timeout=_PROBE_S)
        try:
            connection.request("GET", "/health")
            answer = connection.getresponse()
            body = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        right = answer.status == 200 and body.get("replica") == self.facts.replica
        return body if right else None

    def _await_end(self) -> None:
        if self._popen is not None:
            self._popen.wait()
        elif self._process is not None:
            with contextlib.suppress(psutil.Error):
                self._process.wait()

    def _kill_later(self, grace_s: float) -> None:
        self._watcher.join(grace_s)
        if self._watcher.is_alive():
            self.kill()

    def _alive(self) -> bool:
        if self.sighting.status == "ended":
            return False
        if self._popen is not None:
            return self._popen.poll() is None
        return self._process is not None and self._process.is_running()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(psutil.Error):
                self._process.send_signal(number)

    def _failure(self) -> Failure | None:
        """Return why it ended, None when nothing can be said about the model."""
        if self._killed_for is not None:
            return self._killed_for
        refused = self._run.refusal(self.facts.replica)
        if refused is not None:
            return refused
        if self._popen is not None and self._popen.returncode is not None:
            return exit_failure(self._popen.returncode)
        # Where there is no process nobody watched its end.
        return GONE if self._process is not None else None
