"""SQLite's errors, said as ours."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mlkraken_backend._errors import StorageCorrupt, StorageError, StorageFull

__all__ = ["mapped"]


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about a file into ours, most specific first."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _operational(error, path) from error
    except sqlite3.ProgrammingError as error:  # a late reader of a store that was closed
        raise StorageError(
            "storage_failed", f"{path}: {error}.", "Ask again in a moment."
        ) from error
    except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
        raise _corrupt(error, path) from error


def _operational(error: sqlite3.OperationalError, path: Path) -> StorageError:
    text = str(error)
    if "full" in text:
        return StorageFull(
            "storage_full",
            f"There is no room left to write {path}.",
            "Free some space; nothing was changed.",
        )
    if "locked" in text or "busy" in text:
        return StorageError(
            "storage_busy",
            f"Another program holds {path} locked.",
            "Close it (a database browser?) and try again; nothing was changed.",
        )
    if "readonly" in text or "unable to open" in text:
        return StorageError(
            "storage_read_only",
            f"{path} cannot be written: {text}.",
            "Give yourself write access, or choose another home: MLKRAKEN_HOME=/path.",
        )
    if "malformed" in text:
        return _corrupt(error, path)
    return StorageError("storage_failed", f"{path}: {text}.", "The backend's log has more.")


def _corrupt(error: Exception, path: Path) -> StorageCorrupt:
    return StorageCorrupt(
        "database_corrupt",
        f"{path} is not a sound database: {error}.",
        "Stop the backend; at its next start the file is moved aside and it says how to go on.",
    )
