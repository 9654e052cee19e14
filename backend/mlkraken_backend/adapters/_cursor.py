"""Cursors over several growing files: how far each has been read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, TypeAlias

import msgspec

from mlkraken_backend._errors import Invalid

__all__ = ["read_cursor", "write_cursor"]

_Offset: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]


def read_cursor(cursor: str) -> dict[str, int]:
    """Return the bytes read by file name; none for "".

    Raises
    ------
    Invalid
        ``cursor_invalid``.
    """
    if not cursor:
        return {}
    try:
        return msgspec.json.decode(cursor, type=dict[str, _Offset])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Invalid(
            "cursor_invalid", "The cursor is not one that was given out.", "Leave it out to begin."
        ) from error


def write_cursor(offsets: dict[str, int], present: Iterable[str] | None = None) -> str:
    """Return a cursor that names only files that are still there."""
    names = set(offsets if present is None else present)
    kept = {name: end for name, end in offsets.items() if name in names}
    return json.dumps(kept, separators=(",", ":"))
