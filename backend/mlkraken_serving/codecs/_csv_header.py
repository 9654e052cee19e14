"""Whether the first line of a CSV has the columns' names or the first row."""

from __future__ import annotations

from collections.abc import Sequence

from mlkraken_serving._errors import BodyError
from mlkraken_serving._manifest import Field, Signature
from mlkraken_serving.codecs._csv_cells import guessed
from mlkraken_serving.codecs._csv_text import Cell

__all__ = ["has_header", "header_told"]

_NUMBERS = ("int", "uint", "float")


def header_told(content_type: bytes) -> bool | None:
    """Return what a Content-Type says by ``header=present`` or ``absent``; None where nothing."""
    parameters = content_type.decode("latin-1").lower().replace(" ", "").split(";")[1:]
    if "header=present" in parameters:
        return True
    return False if "header=absent" in parameters else None


def has_header(first: Sequence[Cell], signature: Signature) -> bool:
    """Tell whether ``first`` is a header.

    Raises
    ------
    BodyError
        ``csv_header_unclear`` where it can be read as both.
    """
    fields = signature.fields
    if signature.kind in ("dataframe", "records", "dict") and fields:
        return _names_columns(first, fields)
    numeric = not fields or fields[0].dtype.startswith((*_NUMBERS, "any"))
    named = signature.kind in ("series", "list", "scalar") and list(first) == [fields[0].name]
    numbered = list(first) == [str(place) for place in range(len(first))]
    if named or (numeric and not _all_numbers(first)):
        return True
    if numeric and fields and not numbered:
        return False
    raise BodyError(
        "csv_header_unclear",
        f"The first line of the CSV ({_shown(first)}) may be the columns' names or the first row.",
        "Say which it is: Content-Type: text/csv; header=present, or header=absent.",
    )


def _names_columns(first: Sequence[Cell], fields: Sequence[Field]) -> bool:
    """Tell a header, also one that is wrong, from a row in the order of the fields."""
    if set(first) == {field.name for field in fields} or len(first) != len(fields):
        return True
    numbers = [
        cell
        for cell, field in zip(first, fields, strict=True)
        if field.dtype.startswith((*_NUMBERS, "any"))
    ]
    return not any(cell is not None for cell in numbers) or not _all_numbers(numbers)


def _all_numbers(cells: Sequence[Cell]) -> bool:
    return all(cell is None or _is_number(cell) for cell in cells)


def _is_number(text: str) -> bool:
    try:
        return not isinstance(guessed(text), str)
    except ValueError:  # one that is too large to be read is a number all the same
        return True


def _shown(first: Sequence[Cell]) -> str:
    text = ",".join(cell or "" for cell in first)
    return text if len(text) <= 60 else text[:57] + "..."
