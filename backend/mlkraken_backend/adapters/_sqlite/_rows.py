"""Where each kind of record is kept, and how it is written: conditionally, or not at all."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from mlkraken_backend._errors import RevisionConflict
from mlkraken_backend.ports import Answer, Entity
from mlkraken_backend.values import Event, Model, Service, Token, Upload, Version

__all__ = ["append", "remove", "save"]

_TABLES: dict[type[Any], str] = {
    Model: "models",
    Version: "versions",
    Service: "services",
    Upload: "uploads",
    Token: "tokens",
    Answer: "answers",
}


def save(connection: sqlite3.Connection, entity: Entity) -> None:
    """Write a record at the revision after its own, if it is still the stored one.

    Raises
    ------
    RevisionConflict
        ``revision_conflict``.
    """
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
    done = connection.execute(statement, {**columns, "expected": expected})
    _expect_one(done, entity)


def remove(connection: sqlite3.Connection, entity: Entity) -> None:
    """Remove a record, if its revision is still the stored one.

    Raises
    ------
    RevisionConflict
        ``revision_conflict``.
    """
    keys = _keys(entity)
    where = " AND ".join(f"{name} = :{name}" for name in keys)
    done = connection.execute(
        f"DELETE FROM {_TABLES[type(entity)]} WHERE {where} AND revision = :expected",
        {**keys, "expected": entity.revision},
    )
    _expect_one(done, entity)


def append(connection: sqlite3.Connection, event: Event) -> None:
    """Add an event to what happened; it gets the next id."""
    connection.execute(
        "INSERT INTO events (model, doc) VALUES (?, ?)",
        (event.model, msgspec.json.encode(event)),
    )


def _expect_one(done: sqlite3.Cursor, entity: Entity) -> None:
    if done.rowcount != 1:
        what = "/".join(map(str, _keys(entity).values()))
        raise RevisionConflict(
            "revision_conflict",
            f"{type(entity).__name__} {what} is not at revision {entity.revision} any more.",
            "Read it again and decide anew.",
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
