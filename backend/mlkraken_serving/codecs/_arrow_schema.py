"""What an Arrow stream says of its columns, from its first message."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlkraken_serving.codecs._flatbuffer import FlatTable

__all__ = ["ArrowField", "ArrowSchema", "UnreadableTypeError", "read_schema"]

_MOST_FIELDS = 20_000
_DEEPEST = 32
_UNITS = ("s", "ms", "us", "ns")
_FLOATS = ("float16", "float32", "float64")
_PLAIN = {
    1: "null",
    4: "binary",
    5: "string",
    6: "bool",
    12: "list",
    13: "struct",
    17: "map",
    19: "large_binary",
    20: "large_string",
    21: "large_list",
}
_UNREAD = {
    9: "time",
    11: "interval",
    14: "union",
    22: "run_end_encoded",
    23: "binary_view",
    24: "string_view",
    25: "list_view",
    26: "large_list_view",
}


class UnreadableTypeError(ValueError):
    """A column's type is one that this reader does not know."""


@dataclass(frozen=True, slots=True)
class ArrowField:
    """One column: its ``kind`` is numpy's name for numbers, Arrow's for the rest.

    ``unit`` and ``zone`` are those of times, ``size`` that of fixed-size lists and binaries, and
    the bytes of a decimal; ``scale`` a decimal's. ``index`` is the numpy type of indices where
    the column is encoded by the dictionary ``dictionary``.
    """

    name: str
    kind: str
    children: tuple[ArrowField, ...] = ()
    unit: str = ""
    zone: str = ""
    size: int = 0
    scale: int = 0
    dictionary: int | None = None
    index: str = ""
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The type in words, for messages."""
        if self.kind in ("timestamp", "duration"):
            return f"{self.kind}[{self.unit}{f', {self.zone}' if self.zone else ''}]"
        return self.kind


@dataclass(frozen=True, slots=True)
class ArrowSchema:
    """All columns, and what the writer noted."""

    fields: tuple[ArrowField, ...]
    metadata: dict[str, str]


def read_schema(header: FlatTable) -> ArrowSchema:
    """Return the schema in a message's header.

    Raises
    ------
    UnreadableTypeError
        A type that a reader of more kinds may know.
    ValueError
        It is not a schema, or one of absurd size.
    """
    if header.scalar(0, "h"):
        raise ValueError("its numbers are big-endian")
    reader = _FieldReader()
    return ArrowSchema(tuple(reader.read(part) for part in header.tables(1)), _metadata(header, 2))


class _FieldReader:
    """Counts as it goes, as a few bytes can describe more fields than memory holds."""

    def __init__(self) -> None:
        self._left = _MOST_FIELDS

    def read(self, table: FlatTable, depth: int = 0) -> ArrowField:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise ValueError("it has too many columns, or nests them too deep")
        told = _kind(table.scalar(2, "B"), table.table(3))
        encoding = table.table(4)
        if encoding is not None:
            told |= {"dictionary": encoding.scalar(0, "q"), "index": _index(encoding.table(1))}
        return ArrowField(
            table.text(0),
            children=tuple(self.read(child, depth + 1) for child in table.tables(5)),
            metadata=_metadata(table, 6),
            **told,  # type: ignore[arg-type]
        )


def _metadata(table: FlatTable, number: int) -> dict[str, str]:
    return {pair.text(0): pair.text(1) for pair in table.tables(number)}


def _index(kind: FlatTable | None) -> str:
    return "int32" if kind is None else _int(kind)


def _int(kind: FlatTable) -> str:
    bits = kind.scalar(0, "i")
    if bits not in (8, 16, 32, 64):
        raise ValueError(f"it has whole numbers of {bits} bits")
    return f"{'' if kind.scalar(1, 'B') else 'u'}int{bits}"


def _kind(number: int, kind: FlatTable | None) -> dict[str, object]:
    """Return the parts of `ArrowField` that a type says."""
    if number in _UNREAD:
        raise UnreadableTypeError(f"with a column of {_UNREAD[number]}")
    if kind is None:
        raise ValueError("a column has no type")
    if number in _PLAIN:
        return {"kind": _PLAIN[number]}
    if number == 2:
        return {"kind": _int(kind)}
    if number == 3:
        return {"kind": _named(_FLOATS, kind.scalar(0, "h"))}
    if number == 8:
        return {"kind": _named(("date32", "date64"), kind.scalar(0, "h", 1))}
    if number in (10, 18):
        unit = _named(_UNITS, kind.scalar(0, "h", 0 if number == 10 else 1))
        if number == 18:
            return {"kind": "duration", "unit": unit}
        return {"kind": "timestamp", "unit": unit, "zone": kind.text(1)}
    return _sized(number, kind)


def _sized(number: int, kind: FlatTable) -> dict[str, object]:
    if number == 7:
        size = kind.scalar(2, "i", 128) // 8
        return {"kind": "decimal", "size": size, "scale": kind.scalar(1, "i")}
    sizes = {15: "fixed_size_binary", 16: "fixed_size_list"}
    if number not in sizes:
        raise UnreadableTypeError(f"with a column of type {number}")
    size = kind.scalar(0, "i")
    if size < 0:
        raise ValueError("it has cells of negative size")
    return {"kind": sizes[number], "size": size}


def _named(names: tuple[str, ...], number: int) -> str:
    if not 0 <= number < len(names):
        raise ValueError("its schema has numbers that mean nothing")
    return names[number]
