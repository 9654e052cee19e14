"""Reading FlatBuffers, the format of Arrow's metadata, without trusting a byte of it.

Only what Arrow uses. Every read is within the buffer or raises ``ValueError``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["FlatTable", "root"]

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_SCALARS = {code: struct.Struct("<" + code) for code in "bBhHiIqQ"}


def root(buffer: bytes) -> FlatTable:
    """Return the outermost table of ``buffer``."""
    return FlatTable(buffer, _unpack(_U32, buffer, 0))


def _unpack(form: struct.Struct, buffer: bytes, place: int) -> int:
    if not 0 <= place <= len(buffer) - form.size:
        raise ValueError("its metadata points outside of itself")
    value: int = form.unpack_from(buffer, place)[0]
    return value


class FlatTable:
    """One table: fields by number, each of which may be absent.

    Parameters
    ----------
    buffer
        The whole message.
    place
        Where the table begins.
    """

    __slots__ = ("_buffer", "_place", "_slots", "_vtable")

    def __init__(self, buffer: bytes, place: int) -> None:
        self._buffer = buffer
        self._place = place
        self._vtable = place - _unpack(_I32, buffer, place)
        self._slots = (_unpack(_U16, buffer, self._vtable) - 4) // 2

    def _at(self, number: int) -> int:
        """Return where field ``number`` is; 0 where it is absent."""
        if number >= self._slots:
            return 0
        offset = _unpack(_U16, self._buffer, self._vtable + 4 + 2 * number)
        return self._place + offset if offset else 0

    def _follow(self, number: int) -> int:
        place = self._at(number)
        return place + _unpack(_U32, self._buffer, place) if place else 0

    def scalar(self, number: int, code: str, default: int = 0) -> int:
        """Return a number of the type that `struct` calls ``code``."""
        place = self._at(number)
        return _unpack(_SCALARS[code], self._buffer, place) if place else default

    def table(self, number: int) -> FlatTable | None:
        """Return a table within, None where it is absent."""
        place = self._follow(number)
        return FlatTable(self._buffer, place) if place else None

    def text(self, number: int) -> str:
        """Return a string, "" where it is absent."""
        place = self._follow(number)
        if not place:
            return ""
        start, end = place + 4, place + 4 + _unpack(_U32, self._buffer, place)
        if end > len(self._buffer):
            raise ValueError("its metadata points outside of itself")
        return self._buffer[start:end].decode("utf-8")

    def tables(self, number: int) -> Iterator[FlatTable]:
        """Yield the tables of a vector."""
        start, count = self._vector(number, 4)
        for place in range(start, start + 4 * count, 4):
            yield FlatTable(self._buffer, place + _unpack(_U32, self._buffer, place))

    def pairs(self, number: int) -> list[tuple[int, int]]:
        """Return a vector of structures of two 64-bit numbers."""
        start, count = self._vector(number, 16)
        return list(struct.iter_unpack("<qq", self._buffer[start : start + 16 * count]))

    def _vector(self, number: int, size: int) -> tuple[int, int]:
        place = self._follow(number)
        if not place:
            return 0, 0
        count = _unpack(_U32, self._buffer, place)
        if place + 4 + size * count > len(self._buffer):
            raise ValueError("its metadata points outside of itself")
        return place + 4, count
