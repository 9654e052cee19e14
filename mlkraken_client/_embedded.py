"""The embedded backend of this account: find it, start it, stop it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlkraken_client._errors import BackendUnavailable, ConfigurationError, KrakenError
from mlkraken_client._patience import Patience

__all__ = ["Running", "ensure", "running", "stop"]

START_S = 60.0
_STOP_S = 40.0
_REFUSED_S = 5.0
_LAST_LINES = 20


class Running:
    """A backend that answers.

    Parameters
    ----------
    url
        Its address.
    token
        The home's own token.
    pid
        Its process.
    version
        The mlkraken it runs.
    """

    def __init__(self, url: str, token: str, pid: int, version: str) -> None:
        self.url = url
        self.token = token
        self.pid = pid
        self.version = version


def running(home: Path) -> Running | None:
    """Return the backend that owns ``home``, None when there is none."""
    try:
        told = json.loads((home / "backend.json").read_bytes())
        token = (home / "token").read_text("utf-8").strip()
    except (OSError, ValueError):
        return None
    import psutil

    with contextlib.suppress(psutil.Error):
        command = psutil.Process(told["pid"]).cmdline()
        if any("mlkraken_backend" in word for word in command):
            return Running(told["url"], token, told["pid"], told["version"])
    return None


def ensure(
    home: Path,
    *,
    port: int = 0,
    new_database: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> Running:
    """Return the backend of ``home``, starting it when there is none.

    However many callers start one at once, the home's lock lets one win; the others use it. The
    backend is a process of its own session. It ends with the Jupyter server whose pid is in
    ``MLKRAKEN_UNTIL_PID``, where that is set, and otherwise stays until it is stopped.

    Raises
    ------
    BackendUnavailable
        With the code of what kept the backend from starting.
    """
    if sys.platform == "win32":
        raise ConfigurationError(
            "platform_unsupported",
            "The embedded backend runs on Linux and macOS.",
            "On Windows use the Linux subsystem (WSL 2), or a backend elsewhere: Kraken(URL).",
        )
    found = running(home)
    if found is not None:
        return found
    patience = Patience(START_S)
    told = _start(home, port, new_database, environment.get("MLKRAKEN_UNTIL_PID", ""))
    error = told.get("error")
    if error is not None and error["code"] != "backend_running":
        raise BackendUnavailable(error["code"], error["message"], error["hint"])
    while not patience.over:
        found = running(home)
        if found is not None:
            return found
        patience.pause()  # another starter won; its backend is about to say where it is
    raise _gone(home, error["message"] if error else "It did not say why.")


def stop(home: Path) -> bool:
    """Stop the backend of ``home`` with its services; False when there is none.

    Raises
    ------
    BackendUnavailable
        ``backend_stays``: it did not end in time.
    """
    found = running(home)
    if found is None:
        return False
    import psutil

    try:
        process = psutil.Process(found.pid)
        process.terminate()
        patience = Patience(_STOP_S)
        # Started by a notebook's kernel that goes on, it stays a zombie when it has ended.
        while process.status() != psutil.STATUS_ZOMBIE and not patience.over:
            patience.pause()
        stays = process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        stays = False
    if stays:
        raise BackendUnavailable(
            "backend_stays",
            f"The backend (pid {found.pid}) did not end within {_STOP_S:g} s.",
            f"Look at {home / 'backend.log'}; as a last resort: kill -9 {found.pid}",
        )
    return True


def _start(home: Path, port: int, new_database: bool, until: str) -> dict[str, Any]:
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "mlkraken_backend", f"--home={home}", f"--ready-fd={writer}"]
    command += [f"--port={port}"] if port else []
    command += [f"--until={until}"] if until.isdecimal() else []
    command += ["--new-database"] if new_database else []
    try:
        # What it says before it has a log, such as that a package is broken, goes to a file.
        with open(reader, "rb") as pipe, tempfile.TemporaryFile() as complaints:
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=complaints,
                    cwd="/",
                    pass_fds=[writer],
                    start_new_session=True,
                )
            finally:
                os.close(writer)
            told = _hear(pipe)
            if told is None:
                complaints.seek(0)
                said = complaints.read().decode("utf-8", "replace")
                raise _gone(home, "It ended, or hung, before it could say why.", said)
        if "error" in told:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_REFUSED_S)  # it ends now; leave no process behind
        return told
    except OSError as error:
        raise BackendUnavailable(
            "backend_unstartable", f"No process could be started: {error}.", "Free some memory."
        ) from error


def _hear(pipe: Any) -> dict[str, Any] | None:
    """Wait for the backend's one line; the pipe's end without one means it died."""
    ready, _, _ = select.select([pipe], [], [], START_S)
    line = pipe.readline() if ready else b""
    try:
        told: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return told


def _gone(home: Path, why: str, said: str = "") -> KrakenError:
    log = home / "backend.log"
    if not said:
        with contextlib.suppress(OSError):
            said = log.read_text("utf-8", "replace")
    return BackendUnavailable(
        "backend_unstartable",
        f"The embedded backend did not start. {why}",
        f"Its log is {log}." if log.exists() else "What it said last is below.",
        logs=said.splitlines()[-_LAST_LINES:],
    )
