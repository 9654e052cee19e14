"""The home of an embedded backend: its folder, lock, secrets and address."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

from mlkraken_backend._errors import AlreadyRunning, StorageCorrupt
from mlkraken_backend.adapters._files import mapped
from mlkraken_backend.auth._signer import new_key

__all__ = ["USED", "Home"]


USED = "instance"
"""The secret that is made after the database: where it is there was one."""

_ANEW = (
    "or begin with an empty database (bundles on disk stay until then): "
    "mlkraken backend start --new-database"
)


class Home:
    """A folder that at most one backend owns at a time.

    Parameters
    ----------
    folder
        Made with mode 0700 when missing.

    Raises
    ------
    AlreadyRunning
        ``backend_running``, naming the one that owns it.
    StorageError, StorageFull
        The folder cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with mapped(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(folder / "backend.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise _owned(folder) from None
        with mapped(folder):
            # What a killed backend left there would name the wrong one.
            (folder / "backend.json").unlink(missing_ok=True)

    @property
    def database(self) -> Path:
        return self.folder / "kraken.db"

    def secret(self, name: str, make: Any = lambda: secrets.token_urlsafe(32).encode()) -> bytes:
        """Return the secret in a file that only its owner can read, made when missing."""
        path = self.folder / name
        with mapped(path):
            if not path.exists():
                self._write(path, make())
            return path.read_bytes().strip()

    def signing_key(self) -> bytes:
        """Return the private key that tokens are signed with."""
        return self.secret("signing.key", new_key)

    def write(self, name: str, document: Any) -> Path:
        """Write a JSON file that only its owner can read, whole or not at all."""
        path = self.folder / name
        with mapped(path):
            self._write(path, json.dumps(document, indent=1).encode())
        return path

    def _write(self, path: Path, content: bytes) -> None:
        draft = path.with_name(path.name + ".draft")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        draft.replace(path)

    def last_port(self) -> int:
        """Return the port the backend had last time, 0 when unknown."""
        try:
            return int((self.folder / "port").read_text())
        except (OSError, ValueError):
            return 0

    def announce(self, document: dict[str, Any]) -> None:
        """Tell clients where the backend is."""
        self.write("backend.json", document)
        with mapped(self.folder):
            (self.folder / "port").write_text(str(document["port"]))

    def withdraw(self) -> None:
        """Tell clients that the backend is gone, and let another own the home."""
        (self.folder / "backend.json").unlink(missing_ok=True)
        os.close(self._lock)

    def set_aside_database(self, problem: StorageCorrupt) -> StorageCorrupt:
        """Move a damaged database out of the way, and say how to go on."""
        aside = self.database.with_name(f"kraken.db.corrupt-{time.strftime('%Y%m%dT%H%M%S')}")
        with mapped(self.database):
            self.database.rename(aside)
            for suffix in ("-wal", "-shm"):
                beside = self.database.with_name("kraken.db" + suffix)
                if beside.exists():
                    beside.rename(aside.with_name(aside.name + suffix))
        return _damaged(aside, problem.message)

    def check_database_kept(self) -> None:
        """Refuse to begin anew where there was a database before.

        Raises
        ------
        StorageCorrupt
            ``database_corrupt``: it was moved aside; ``database_missing``: it is gone or empty.
        """
        if self.database.exists() and self.database.stat().st_size > 0:
            return
        aside = sorted(self.folder.glob("kraken.db.corrupt-*[0-9]"))
        if aside:
            raise _damaged(aside[-1], "It was moved aside at an earlier start.")
        if (self.folder / USED).exists():
            raise StorageCorrupt(
                "database_missing",
                f"{self.database} is gone or empty, though there was a database before.",
                f"Bring back a copy, {_ANEW}",
            )


def _damaged(aside: Path, what: str) -> StorageCorrupt:
    return StorageCorrupt(
        "database_corrupt",
        f"The database was damaged and is now {aside}. {what}",
        f"Bring back a copy as {aside.with_name('kraken.db')}, {_ANEW}",
    )


def _owned(folder: Path) -> AlreadyRunning:
    try:
        other = json.loads((folder / "backend.json").read_bytes())
        who = f"the backend with pid {other['pid']} at {other['url']}"
    except (OSError, ValueError, KeyError):
        who = "another backend, which is just starting or ending"
    return AlreadyRunning(
        "backend_running",
        f"{folder} belongs to {who}.",
        "Use that one, stop it with `mlkraken backend stop`, or choose another home with --home.",
    )
