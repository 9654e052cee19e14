"""Arrow IPC streams to columns.

The reader is our own: numpy views of the body, no import but numpy, and no byte of a caller's is
trusted. The small C library that writes our streams ends the process on a damaged one. What this
reader does not know (compressed bodies, view types) goes through pyarrow where that is installed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mlkraken_serving._errors import BodyError
from mlkraken_serving.codecs._arrow_cells import BatchReader, Budget, empty_column
from mlkraken_serving.codecs._arrow_column import ArrowColumn, joined
from mlkraken_serving.codecs._arrow_schema import (
    ArrowField,
    ArrowSchema,
    UnreadableTypeError,
    read_schema,
)
from mlkraken_serving.codecs._flatbuffer import FlatTable, root
from mlkraken_serving.codecs._pyarrow import plain_stream

__all__ = ["ArrowTable", "read_arrow"]

_FILE = b"ARROW1\0\0"
_CONTINUED = 0xFFFFFFFF
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3


@dataclass(frozen=True, slots=True)
class ArrowTable:
    """Columns by name, all of ``rows`` cells."""

    schema: ArrowSchema
    columns: dict[str, ArrowColumn]
    rows: int


def read_arrow(body: bytes) -> ArrowTable:
    """Return the columns of an Arrow IPC stream, or of a file, which is a stream with an end.

    Numbers are writable views of one copy of ``body``.

    Raises
    ------
    BodyError
        ``body_not_arrow``; ``arrow_type_unknown`` for what only pyarrow reads, where it is not
        installed.
    """
    try:
        try:
            return _read(body)
        except UnreadableTypeError as unread:
            return _read(plain_stream(body.removeprefix(_FILE), str(unread)))
    except UnreadableTypeError as unread:
        raise BodyError(
            "arrow_type_unknown",
            f"The Arrow stream is {unread}, which no model's input can be made of.",
            "Send numbers, truth values, text, bytes, times, decimals, lists and structures.",
        ) from unread
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BodyError(
            "body_not_arrow",
            f"The body is not an Arrow IPC stream that can be read: {error}.",
            "Write it with pyarrow.ipc.new_stream, or in another language's stream writer.",
        ) from error


def _read(body: bytes) -> ArrowTable:
    reader = _StreamReader(len(body))
    for kind, header, content in _messages(memoryview(bytearray(body))):
        reader.take(kind, header, content)
    return reader.table()


def _messages(body: memoryview) -> Iterator[tuple[int, FlatTable, memoryview]]:
    """Yield every message's kind, header and body."""
    place = len(_FILE) if body[: len(_FILE)] == _FILE else 0
    while place + 8 <= len(body):
        first, size = struct.unpack_from("<Ii", body, place)
        place += 8
        if first != _CONTINUED:  # as streams were before 2019
            size, place = first, place - 4
        if size == 0:
            return
        if size < 0 or place + size > len(body):
            raise ValueError("it ends in the middle of a message")
        message = root(bytes(body[place : place + size]))
        place += size
        length = message.scalar(3, "q")
        if length < 0 or place + length > len(body):
            raise ValueError("it ends in the middle of a message")
        header = message.table(2)
        if header is None:
            raise ValueError("a message has no header")
        yield message.scalar(1, "B"), header, body[place : place + length]
        place += length


class _StreamReader:
    def __init__(self, size: int) -> None:
        self._budget = Budget(size)
        self._schema: ArrowSchema | None = None
        self._dictionaries: dict[int, ArrowColumn] = {}
        self._levels: dict[int, ArrowField] = {}
        self._batches: list[list[ArrowColumn]] = []
        self._rows = 0

    def take(self, kind: int, header: FlatTable, body: memoryview) -> None:
        if kind == _SCHEMA and self._schema is None:
            self._schema = read_schema(header)
            self._levels = dict(_encoded(self._schema.fields))
        elif kind == _BATCH and self._schema is not None:
            _check_plain(header)
            self._rows += self._budget.take(header.scalar(0, "q"))
            self._batches.append(self._columns(header, body, self._schema.fields))
        elif kind == _DICTIONARY and self._schema is not None:
            self._learn(header, body)
        else:
            raise ValueError("it does not begin with one schema, followed by batches")

    def _learn(self, header: FlatTable, body: memoryview) -> None:
        number, batch = header.scalar(0, "q"), header.table(1)
        if batch is None or number not in self._levels:
            raise ValueError("a dictionary belongs to no column")
        _check_plain(batch)
        (column,) = self._columns(batch, body, (self._levels[number],))
        if header.scalar(2, "B") and number in self._dictionaries:
            column = joined([self._dictionaries[number], column])
        self._dictionaries[number] = column

    def _columns(
        self, batch: FlatTable, body: memoryview, fields: tuple[ArrowField, ...]
    ) -> list[ArrowColumn]:
        reader = BatchReader(body, batch.pairs(1), batch.pairs(2), self._dictionaries, self._budget)
        columns = [reader.read(field) for field in fields]
        if any(len(column.values) != batch.scalar(0, "q") for column in columns):
            raise ValueError("a batch's columns differ in length")
        return columns

    def table(self) -> ArrowTable:
        if self._schema is None:
            raise ValueError("it has no schema")
        names = [field.name for field in self._schema.fields]
        if len(set(names)) < len(names):
            raise ValueError("two columns have the same name")
        if not self._batches:
            self._batches.append([empty_column(field) for field in self._schema.fields])
        columns = [joined(list(parts)) for parts in zip(*self._batches, strict=True)]
        return ArrowTable(self._schema, dict(zip(names, columns, strict=True)), self._rows)


def _check_plain(batch: FlatTable) -> None:
    if batch.table(3) is not None:
        raise UnreadableTypeError("written with compression")


def _encoded(fields: tuple[ArrowField, ...]) -> Iterator[tuple[int, ArrowField]]:
    """Yield the fields of all dictionaries' values."""
    for field in fields:
        if field.dictionary is not None:
            yield field.dictionary, replace(field, dictionary=None)
        yield from _encoded(field.children)
