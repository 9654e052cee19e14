"""Records in one SQLite file.

Each kind of record is a row of a key, a revision, the document as JSON, and the columns that are
searched. The file is in WAL mode with full syncing, so an acknowledged commit survives a crash
of the process and of the machine.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mlkraken_backend._errors import RevisionConflict, StorageCorrupt, StorageError, StorageFull
from mlkraken_backend.adapters._sqlite_schema import migrate
from mlkraken_backend.ports import Answer, Entity, ModelQuery, Page, Remove, Save
from mlkraken_backend.values import Event, Model, Service, Token, Upload, Version

__all__ = ["SqliteStore"]

T = TypeVar("T")

_TABLES: dict[type[Any], str] = {
    Model: "models",
    Version: "versions",
    Service: "services",
    Upload: "uploads",
    Token: "tokens",
    Answer: "answers",
}


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
        with self._mapped():
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
        with self._reading, self._mapped():
            (verdict,) = self._reader.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)

    # -- writing ------------------------------------------------------------------------------

    def commit(self, changes: Sequence[Save | Remove], events: Sequence[Event] = ()) -> None:
        with self._writing, self._mapped():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                for change in changes:
                    if isinstance(change, Save):
                        self._save(change.entity)
                    else:
                        self._remove(change.entity)
                for event in events:
                    self._append(event)
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
        if events:
            self._told()

    def _save(self, entity: Entity) -> None:
        table, keys = _TABLES[type(entity)], _keys(entity)
        expected = entity.revision
        stored = msgspec.structs.replace(entity, revision=expected + 1)
        columns = {
            **keys,
            **_searched(stored),
            "revision": expected + 1,
            "doc": msgspec.json.encode(stored),
        }
        if expected == 0:
            marks = ", ".join(f":{name}" for name in columns)
            statement = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        else:
            sets = ", ".join(f"{name} = :{name}" for name in columns if name not in keys)
            where = " AND ".join(f"{name} = :{name}" for name in keys)
            statement = f"UPDATE {table} SET {sets} WHERE {where} AND revision = :expected"
        done = self._writer.execute(statement, {**columns, "expected": expected})
        self._expect_one(done, entity)

    def _remove(self, entity: Entity) -> None:
        keys = _keys(entity)
        where = " AND ".join(f"{name} = :{name}" for name in keys)
        done = self._writer.execute(
            f"DELETE FROM {_TABLES[type(entity)]} WHERE {where} AND revision = :expected",
            {**keys, "expected": entity.revision},
        )
        self._expect_one(done, entity)

    def _expect_one(self, done: sqlite3.Cursor, entity: Entity) -> None:
        if done.rowcount != 1:
            what = "/".join(map(str, _keys(entity).values()))
            raise RevisionConflict(
                "revision_conflict",
                f"{type(entity).__name__} {what} is not at revision {entity.revision} any more.",
                "Read it again and decide anew.",
            )

    def _append(self, event: Event) -> None:
        self._writer.execute(
            "INSERT INTO events (model, doc) VALUES (?, ?)",
            (event.model, msgspec.json.encode(event)),
        )

    def trim(self, *, events_kept: int, answers_before: float) -> None:
        with self._writing, self._mapped():
            self._writer.execute(
                "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", (events_kept,)
            )
            self._writer.execute("DELETE FROM answers WHERE at < ?", (answers_before,))

    # -- reading ------------------------------------------------------------------------------

    def model(self, name: str) -> Model | None:
        return self._one(Model, "SELECT doc FROM models WHERE name = ?", name)

    def models(self, query: ModelQuery) -> Page:
        conditions, values = ["visible = 1", "name > ?"], [query.after]
        for condition, value in (
            ("owner = ?", query.owner),
            ("state = ?", query.state),
        ):
            if value:
                conditions.append(condition)
                values.append(value)
        if query.text:
            conditions.append("instr(words, ?) > 0")
            values.append(query.text.lower())
        if query.tag:
            # json_each rather than a path, in which a quotation mark has a meaning of its own
            key, found, value = query.tag.partition("=")
            tags = "SELECT 1 FROM json_each(CAST(doc AS TEXT), '$.tags') AS tag WHERE tag.key = ?"
            conditions.append(f"EXISTS ({tags}{' AND tag.value = ?' if found else ''})")
            values += [key, value] if found else [key]
        statement = f"SELECT doc FROM models WHERE {' AND '.join(conditions)} ORDER BY name LIMIT ?"
        found_models = self._all(Model, statement, *values, query.limit + 1)
        return Page(found_models[: query.limit], len(found_models) > query.limit)

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
        with self._reading, self._mapped():
            rows = self._reader.execute(
                f"SELECT id, doc FROM events WHERE id > ? {condition} ORDER BY id LIMIT ?",
                (after, *values, limit),
            ).fetchall()
            return [
                msgspec.structs.replace(msgspec.json.decode(doc, type=Event), id=number)
                for number, doc in rows
            ]

    def last_event(self) -> int:
        with self._reading, self._mapped():
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
        with self._reading, self._mapped():
            rows = self._reader.execute(statement, values).fetchall()
            return [msgspec.json.decode(doc, type=kind) for (doc,) in rows]

    @contextlib.contextmanager
    def _mapped(self) -> Iterator[None]:
        """Turn SQLite's errors into ours, most specific first."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise _operational(error, self._path) from error
        except sqlite3.ProgrammingError as error:  # a late reader of a store that was closed
            raise StorageError(
                "storage_failed", f"{self._path}: {error}.", "Ask again in a moment."
            ) from error
        except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
            raise _corrupt(error, self._path) from error


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


def _keys(entity: Entity) -> dict[str, Any]:
    if isinstance(entity, (Model, Token)):
        return {"name": entity.name}
    if isinstance(entity, Version):
        return {"model": entity.model, "number": entity.number}
    if isinstance(entity, Service):
        return {"model": entity.model, "number": entity.version}
    if isinstance(entity, Upload):
        return {"id": entity.id}
    return {"key": entity.key}


def _searched(entity: Entity) -> dict[str, Any]:
    """The columns beside the document that queries look at."""
    if isinstance(entity, Model):
        shown = entity.services.get(entity.shown) if entity.shown is not None else None
        return {
            "owner": entity.owner,
            "state": "stopping" if entity.deleting else shown.state if shown else "stopped",
            "words": f"{entity.name} {entity.description}".lower(),
            "visible": entity.visible,
            "unsettled": entity.deleting or bool(entity.leaving),
        }
    if isinstance(entity, Version):
        return {"digest": entity.digest, "status": entity.status}
    if isinstance(entity, Service):
        return {"active": entity.active}
    if isinstance(entity, Answer):
        return {"at": entity.at}
    return {}
