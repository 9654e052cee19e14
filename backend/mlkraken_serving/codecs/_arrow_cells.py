"""The buffers of one Arrow record batch to columns: numpy views, or Python values in lists.

Nothing a batch says of itself is believed: lengths are held against the bytes that are there,
and offsets against their order, so that no body can make more of itself than it is.
"""

from __future__ import annotations

import decimal
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mlkraken_serving.codecs._arrow_column import STORED, ArrowColumn, as_json, decimal_of
from mlkraken_serving.codecs._arrow_schema import ArrowField

__all__ = ["BatchReader", "Budget", "empty_column"]

_WIDE = ("large_string", "large_binary", "large_list")


class Budget:
    """How many cells a body may have: no type takes less than a bit for one, but for nulls."""

    def __init__(self, size: int) -> None:
        self._left = 8 * size + 65_536

    def take(self, cells: int) -> int:
        self._left -= cells
        if cells < 0 or self._left < 0:
            raise ValueError("it says that it has more cells than its bytes can hold")
        return cells


class BatchReader:
    """Reads the columns of one batch in their order.

    Parameters
    ----------
    body
        The batch's bytes; numbers become views of them.
    nodes, buffers
        Length and number of nulls of every column, nested ones after their parents; offset and
        length of every buffer in ``body``.
    dictionaries, budget
        Those of the whole stream.
    """

    def __init__(
        self,
        body: memoryview,
        nodes: list[tuple[int, int]],
        buffers: list[tuple[int, int]],
        dictionaries: Mapping[int, ArrowColumn],
        budget: Budget,
    ) -> None:
        for start, length in buffers:
            if start < 0 or length < 0 or start + length > len(body):
                raise ValueError("a buffer is not within its bytes")
        if sum(length for _, length in buffers) > len(body):
            raise ValueError("its buffers overlap")
        self._body = body
        self._nodes: Iterator[tuple[int, int]] = iter(nodes)
        self._buffers: Iterator[tuple[int, int]] = iter(buffers)
        self._dictionaries = dictionaries
        self._budget = budget

    def read(self, field: ArrowField) -> ArrowColumn:
        """Return the next column, which is of ``field``.

        Raises
        ------
        ValueError
            The batch is not what its schema says.
        """
        length, nulls = self._next(self._nodes)
        self._budget.take(length)
        if field.dictionary is not None:
            return self._encoded(field, field.dictionary, length, nulls)
        if field.kind == "null":
            return ArrowColumn(field, [None] * length)
        missing = self._missing(length, nulls)
        return ArrowColumn(field, self._values(field, length, missing), missing)

    def _values(self, field: ArrowField, length: int, missing: Any) -> Any:
        read = _READERS.get(field.kind)
        if read is not None:
            return read(self, field, length)
        if field.kind == "fixed_size_list":
            return self._fixed_lists(field, length, missing)
        return self._numbers(STORED.get(field.kind, field.kind), length)

    # -- buffers ------------------------------------------------------------------------------

    def _next(self, of: Iterator[tuple[int, int]]) -> tuple[int, int]:
        pair = next(of, None)
        if pair is None:
            raise ValueError("a batch has fewer columns than the schema")
        return pair

    def _buffer(self) -> memoryview:
        start, length = self._next(self._buffers)
        return self._body[start : start + length]

    def _numbers(self, dtype: str, length: int) -> Any:
        import numpy as np

        buffer = self._buffer()
        if length * np.dtype(dtype).itemsize > len(buffer):
            raise ValueError("a column has fewer cells than its batch")
        return np.require(np.frombuffer(buffer, dtype, length), requirements="A")

    def _bits(self, length: int) -> Any:
        import numpy as np

        buffer = self._buffer()
        if length > 8 * len(buffer):
            raise ValueError("a column has fewer cells than its batch")
        return np.unpackbits(np.frombuffer(buffer, "u1"), count=length, bitorder="little").view("?")

    def _missing(self, length: int, nulls: int) -> Any:
        if not nulls:
            self._buffer()
            return None
        return ~self._bits(length)

    def _offsets(self, field: ArrowField, length: int) -> Any:
        import numpy as np

        wide = field.kind in _WIDE
        if not length:
            self._buffer()
            return np.zeros(1, "int64")
        offsets = self._numbers("int64" if wide else "int32", length + 1)
        if offsets[0] < 0 or (offsets[1:] < offsets[:-1]).any():
            raise ValueError("its cells begin before those in front of them end")
        return offsets

    # -- types --------------------------------------------------------------------------------

    def _truths(self, field: ArrowField, length: int) -> Any:
        return self._bits(length)

    def _bytes(self, field: ArrowField, length: int) -> list[bytes]:
        offsets, data = self._offsets(field, length).tolist(), bytes(self._buffer())
        if offsets[-1] > len(data):
            raise ValueError("a text ends after its bytes")
        return [data[start:end] for start, end in itertools.pairwise(offsets)]

    def _texts(self, field: ArrowField, length: int) -> list[str]:
        return [cell.decode() for cell in self._bytes(field, length)]

    def _fixed_bytes(self, field: ArrowField, length: int) -> list[bytes]:
        size, buffer = field.size, bytes(self._buffer())
        if length * size > len(buffer):
            raise ValueError("a column has fewer cells than its batch")
        return [buffer[start : start + size] for start in range(0, length * size, size or 1)] or [
            b""
        ] * length

    def _decimals(self, field: ArrowField, length: int) -> list[decimal.Decimal]:
        return [decimal_of(cell, field.scale) for cell in self._fixed_bytes(field, length)]

    def _lists(self, field: ArrowField, length: int) -> list[list[Any]]:
        offsets = self._offsets(field, length).tolist()
        cells = as_json(self.read(_only(field)))
        if offsets[-1] > len(cells):
            raise ValueError("a list ends after its values")
        return [cells[start:end] for start, end in itertools.pairwise(offsets)]

    def _fixed_lists(self, field: ArrowField, length: int, missing: Any) -> Any:
        inner, size = self.read(_only(field)), field.size
        values = inner.values
        if len(values) < length * size:
            raise ValueError("a list ends after its values")
        if not isinstance(values, list) and inner.missing is None and missing is None:
            return values[: length * size].reshape(length, size, *values.shape[1:])
        cells = as_json(inner)
        return [cells[row * size : (row + 1) * size] for row in range(length)]

    def _structs(self, field: ArrowField, length: int) -> list[dict[str, Any]]:
        names = [child.name for child in field.children]
        if len(set(names)) < len(names):
            raise ValueError("a structure has two parts of one name")
        parts = [as_json(self.read(child)) for child in field.children]
        if any(len(part) < length for part in parts):
            raise ValueError("a column has fewer cells than its batch")
        if not names:
            return [{} for _ in range(length)]
        rows = zip(*(part[:length] for part in parts), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _maps(self, field: ArrowField, length: int) -> list[dict[Any, Any]]:
        entries = self._lists(field, length)
        return [{key: value for key, value in map(dict.values, cell)} for cell in entries]

    def _encoded(self, field: ArrowField, number: int, length: int, nulls: int) -> ArrowColumn:
        import numpy as np

        missing = self._missing(length, nulls)
        indices = self._numbers(field.index, length)
        levels = self._dictionaries.get(number)
        if levels is None:
            if length:
                raise ValueError("a dictionary is missing")
            return empty_column(field)
        if missing is not None:
            indices = np.where(missing, 0, indices)
        if missing is not None and missing.all() and not len(levels.values):
            levels = ArrowColumn(levels.field, np.zeros(1, getattr(levels.values, "dtype", "O")))
        if length and not 0 <= int(indices.min()) <= int(indices.max()) < len(levels.values):
            raise ValueError("an index is not one of its dictionary")
        if levels.missing is not None:
            missing = levels.missing[indices] | (False if missing is None else missing)
        if isinstance(levels.values, list):
            return ArrowColumn(field, [levels.values[at] for at in indices.tolist()], missing)
        return ArrowColumn(field, levels.values[indices], missing)


def empty_column(field: ArrowField) -> ArrowColumn:
    """Return a column without cells, of the type that some would have."""
    none = [(0, 0)] * _parts(field)
    reader = BatchReader(memoryview(b""), none, none * 3, {}, Budget(0))
    return reader.read(replace(field, dictionary=None))


def _parts(field: ArrowField) -> int:
    return 1 + sum(map(_parts, field.children))


_READERS: dict[str, Callable[[BatchReader, ArrowField, int], Any]] = {
    "bool": BatchReader._truths,
    "string": BatchReader._texts,
    "large_string": BatchReader._texts,
    "binary": BatchReader._bytes,
    "large_binary": BatchReader._bytes,
    "fixed_size_binary": BatchReader._fixed_bytes,
    "decimal": BatchReader._decimals,
    "list": BatchReader._lists,
    "large_list": BatchReader._lists,
    "struct": BatchReader._structs,
    "map": BatchReader._maps,
}


def _only(field: ArrowField) -> ArrowField:
    if len(field.children) != 1:
        raise ValueError("a list has not one kind of values")
    return field.children[0]
