"""Start a model server as a process of its own session, with a port that is already bound."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mlkraken_backend._errors import StartFailed
from mlkraken_backend.adapters._processes._facts import RunFolder
from mlkraken_backend.adapters._processes._leftovers import MARK
from mlkraken_backend.ports import QueryLog, ReplicaSpec

__all__ = ["HOST", "Launcher", "listen"]

HOST = "127.0.0.1"
_PRIVATE = ("MLKRAKEN_TOKEN", "MLKRAKEN_URL", "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN")


@dataclass(frozen=True)
class Launcher:
    """What all replicas of a runtime are started with; see `ProcessRuntime`."""

    run: RunFolder
    access: Path
    querylog: QueryLog
    until: int | None

    def launch(
        self, spec: ReplicaSpec, log: Path, listener: socket.socket
    ) -> subprocess.Popen[bytes]:
        """Start a replica that writes to ``log`` and answers on ``listener``.

        Raises
        ------
        StartFailed
            ``start_failed``, with what the system said.
        """
        cwd = self.run.working_directory()
        try:
            with log.open("ab") as output:
                return subprocess.Popen(
                    self._command(spec, listener.fileno()),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
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
            f"--access={self.access}",
            f"--times={self.querylog.location(spec.model, spec.version)}",
            f"--status-file={self.run.refusal_file(spec.replica)}",
            f"--deadline={spec.deadline_s:g}",
            f"--workers={spec.size.workers}",
        ]
        return [*command, f"--until={self.until}"] if self.until is not None else command


def listen(port: int) -> socket.socket:
    """Listen on the wanted port, or on any when it is 0 or taken.

    Raises
    ------
    StartFailed
        ``no_free_port``.
    """
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
