"""The tables, and how older ones become newer ones.

``PRAGMA user_version`` holds the schema's number. A migration is a list of statements that runs
in one transaction; migrations are only ever added.
"""

from __future__ import annotations

import sqlite3

from mlkraken_backend._errors import StorageError

__all__ = ["migrate"]

_MIGRATIONS: list[list[str]] = [
    [
        """CREATE TABLE models (
            name TEXT PRIMARY KEY, revision INTEGER NOT NULL, doc BLOB NOT NULL,
            owner TEXT NOT NULL, state TEXT NOT NULL, words TEXT NOT NULL,
            visible INTEGER NOT NULL, unsettled INTEGER NOT NULL
        ) WITHOUT ROWID""",
        "CREATE INDEX models_unsettled ON models (name) WHERE unsettled = 1",
        """CREATE TABLE versions (
            model TEXT NOT NULL, number INTEGER NOT NULL, revision INTEGER NOT NULL,
            doc BLOB NOT NULL, digest TEXT NOT NULL, status TEXT NOT NULL,
            PRIMARY KEY (model, number)
        ) WITHOUT ROWID""",
        "CREATE INDEX versions_digest ON versions (digest)",
        "CREATE INDEX versions_refused ON versions (status) WHERE status = 'refused'",
        """CREATE TABLE services (
            model TEXT NOT NULL, number INTEGER NOT NULL, revision INTEGER NOT NULL,
            doc BLOB NOT NULL, active INTEGER NOT NULL, PRIMARY KEY (model, number)
        ) WITHOUT ROWID""",
        "CREATE INDEX services_active ON services (model) WHERE active = 1",
        "CREATE TABLE uploads (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, doc BLOB NOT NULL)",
        "CREATE TABLE tokens (name TEXT PRIMARY KEY, revision INTEGER NOT NULL, doc BLOB NOT NULL)",
        """CREATE TABLE answers (
            key TEXT PRIMARY KEY, revision INTEGER NOT NULL, doc BLOB NOT NULL, at REAL NOT NULL
        )""",
        """CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, doc BLOB NOT NULL
        )""",
        "CREATE INDEX events_model ON events (model, id)",
    ],
]

_SCHEMA = len(_MIGRATIONS)
"""Number of the newest schema."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database, empty ones included, to the newest schema.

    Raises
    ------
    StorageError
        ``database_too_new``: a newer mlkraken has written it.
    """
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > _SCHEMA:
        raise StorageError(
            "database_too_new",
            f"The database has schema {found}; this mlkraken knows up to {_SCHEMA}.",
            "Upgrade mlkraken, or use another home: MLKRAKEN_HOME=/path.",
        )
    for number in range(found, _SCHEMA):
        connection.execute("BEGIN IMMEDIATE")
        for statement in _MIGRATIONS[number]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute("COMMIT")
