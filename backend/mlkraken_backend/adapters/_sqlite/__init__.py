"""Records in one SQLite file.

Each kind of record is a row of a key, a revision, the document as JSON, and the columns that are
searched. The file is in WAL mode with full syncing, so an acknowledged commit survives a crash
of the process and of the machine.
"""

from mlkraken_backend.adapters._sqlite._store import SqliteStore

__all__ = ["SqliteStore"]
