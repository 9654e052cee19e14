"""The store: commits one after the other, reads beside them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mlkraken_backend.adapters._sqlite._errors import mapped
from mlkraken_backend.adapters._sqlite._listing import models_statement
from mlkraken_backend.adapters._sqlite._rows import append, remove, save
from mlkraken_backend.adapters._sqlite._schema import migrate
from mlkraken_backend.ports import Answer, ModelQuery, Page, Remove, Save
from mlkraken_backend.values import Event, Model, Service, Token, Upload, Version

__all__ = ["SqliteStore"]

T = TypeVar("T")


class SqliteStore:
    """See `Store`.

    Parameters
    ----------
    path
        The database file; made with its tables when it is missing.
    told
        Called after every commit that appended events.

    Raises
    ------
    StorageCorrupt
        ``database_corrupt``: the file is there but is no sound database.
    StorageError, StorageFull
        The file cannot be opened or written.
    """

    def __init__(self, path: Path, told: Callable[[], None] = lambda: None) -> None:
        self._path = path
        self._told = told
        # Readers never wait for a writer's sync: two connections, each used by one thread a time.
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        with mapped(self._path):
            self._writer = self._connect()
            migrate(self._writer)
            self._reader = self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=10, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    def check(self) -> None:
        """Look whether the file is sound.

        Raises
        ------
        StorageCorrupt
            ``database_corrupt``, with what SQLite found.
        """
        with self._reading, mapped(self._path):
            (verdict,) = self._reader.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)

    # -- writing ------------------------------------------------------------------------------

    def commit(self, changes: Sequence[Save | Remove], events: Sequence[Event] = ()) -> None:
        with self._writing, mapped(self._path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                for change in changes:
                    if isinstance(change, Save):
                        save(self._writer, change.entity)
                    else:
                        remove(self._writer, change.entity)
                for event in events:
                    append(self._writer, event)
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
        if events:
            self._told()

    def trim(self, *, events_kept: int, answers_before: float) -> None:
        with self._writing, mapped(self._path):
            self._writer.execute(
                "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", (events_kept,)
            )
            self._writer.execute("DELETE FROM answers WHERE at < ?", (answers_before,))

    # -- reading ------------------------------------------------------------------------------

    def model(self, name: str) -> Model | None:
        return self._one(Model, "SELECT doc FROM models WHERE name = ?", name)

    def models(self, query: ModelQuery) -> Page:
        statement, values = models_statement(query)
        found = self._all(Model, statement, *values)
        return Page(found[: query.limit], len(found) > query.limit)

    def version(self, model: str, number: int) -> Version | None:
        return self._one(
            Version, "SELECT doc FROM versions WHERE model = ? AND number = ?", model, number
        )

    def versions(self, model: str) -> list[Version]:
        return self._all(Version, "SELECT doc FROM versions WHERE model = ? ORDER BY number", model)

    def versions_with(self, digest: str) -> list[Version]:
        return self._all(
            Version, "SELECT doc FROM versions WHERE digest = ? AND status != 'refused'", digest
        )

    def refused_before(self, moment: float) -> list[Version]:
        refused = self._all(Version, "SELECT doc FROM versions WHERE status = 'refused'")
        return [version for version in refused if version.created_at < moment]

    def service(self, model: str, number: int) -> Service | None:
        return self._one(
            Service, "SELECT doc FROM services WHERE model = ? AND number = ?", model, number
        )

    def services(self, model: str) -> list[Service]:
        return self._all(Service, "SELECT doc FROM services WHERE model = ? ORDER BY number", model)

    def active_services(self) -> list[Service]:
        return self._all(Service, "SELECT doc FROM services WHERE active = 1")

    def unsettled_models(self) -> list[Model]:
        return self._all(Model, "SELECT doc FROM models WHERE unsettled = 1")

    def upload(self, upload_id: str) -> Upload | None:
        return self._one(Upload, "SELECT doc FROM uploads WHERE id = ?", upload_id)

    def uploads(self) -> list[Upload]:
        return self._all(Upload, "SELECT doc FROM uploads")

    def token(self, name: str) -> Token | None:
        return self._one(Token, "SELECT doc FROM tokens WHERE name = ?", name)

    def tokens(self) -> list[Token]:
        return self._all(Token, "SELECT doc FROM tokens ORDER BY name")

    def answer(self, key: str) -> Answer | None:
        return self._one(Answer, "SELECT doc FROM answers WHERE key = ?", key)

    def events(self, after: int, limit: int, model: str = "") -> list[Event]:
        condition, values = ("AND model = ?", [model]) if model else ("", [])
        with self._reading, mapped(self._path):
            rows = self._reader.execute(
                f"SELECT id, doc FROM events WHERE id > ? {condition} ORDER BY id LIMIT ?",
                (after, *values, limit),
            ).fetchall()
            return [
                msgspec.structs.replace(msgspec.json.decode(doc, type=Event), id=number)
                for number, doc in rows
            ]

    def last_event(self) -> int:
        with self._reading, mapped(self._path):
            (number,) = self._reader.execute("SELECT max(id) FROM events").fetchone()
        return int(number or 0)

    def close(self) -> None:
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()

    def _one(self, kind: type[T], statement: str, *values: Any) -> T | None:
        found = self._all(kind, statement, *values)
        return found[0] if found else None

    def _all(self, kind: type[T], statement: str, *values: Any) -> list[T]:
        with self._reading, mapped(self._path):
            rows = self._reader.execute(statement, values).fetchall()
            return [msgspec.json.decode(doc, type=kind) for (doc,) in rows]
