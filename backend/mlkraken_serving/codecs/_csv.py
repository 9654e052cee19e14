"""CSV to a model's input."""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mlkraken_serving._errors import BodyError, InputError
from mlkraken_serving._manifest import Field, Signature
from mlkraken_serving._values import ModelInput
from mlkraken_serving.codecs._columnar import model_input, stacked
from mlkraken_serving.codecs._columns import ColumnReader
from mlkraken_serving.codecs._csv_cells import text_reader
from mlkraken_serving.codecs._csv_header import has_header, header_told
from mlkraken_serving.codecs._csv_text import Cell, read_rows

__all__ = ["header_told", "read_csv"]


def read_csv(body: bytes, signature: Signature, *, header: bool | None = None) -> ModelInput:
    """Return the rows of a CSV body for a model of this signature.

    Cells are read by the types of the signature. An empty cell without quotes is a missing
    value, an empty text where the column cannot miss one; with quotes it is an empty text.

    Parameters
    ----------
    body
        UTF-8, with commas.
    signature
        The model's.
    header
        Whether the first line has the columns' names, as `header_told` says; None finds out.

    Raises
    ------
    BodyError
        ``body_not_csv``, ``csv_ragged`` or ``csv_header_unclear``.
    InputError
        ``columns_missing``, ``columns_unexpected``, ``shape_mismatch``, ``value_mistyped`` or
        ``value_missing``.
    """
    rows = read_rows(body)
    if not rows:
        raise BodyError("body_not_csv", "The body is empty.", "Send a header and rows.")
    if header is None:
        header = has_header(rows[0], signature)
    if header:
        names = ["" if name is None else name for name in rows[0]]
        return model_input(_CsvColumns(names, rows[1:]), signature)
    fields = signature.fields if signature.kind in ("dataframe", "records", "dict") else []
    names = [field.name for field in fields] or [str(place) for place in range(len(rows[0]))]
    if len(names) != len(rows[0]):
        raise InputError(
            "shape_mismatch",
            f"The lines have {len(rows[0])} cells; the model takes {len(names)}: "
            f"{', '.join(names)}.",
            "Send the cells in this order, or name them in a first line.",
        )
    return model_input(_CsvColumns(names, rows), signature)


class _CsvColumns:
    """See `Columns`."""

    def __init__(self, names: Sequence[str], rows: list[list[Cell]]) -> None:
        twice = {name for name, times in Counter(names).items() if times > 1}
        if twice:
            first = next(name for name in names if name in twice)
            raise BodyError(
                "body_not_csv",
                f"The column {first!r} is in the CSV more than once.",
                "Give every column a name of its own in the first line.",
            )
        self.names = names
        self.rows = len(rows)
        columns = zip(*rows, strict=True) if rows else itertools.repeat((), len(names))
        self._columns: dict[str, Sequence[Cell]] = dict(zip(names, columns, strict=True))

    def cells(self, name: str, field: Field) -> Any:
        texts = self._columns[name]
        if field.dtype == "float64" and (fast := _floats(texts)) is not None:
            return fast
        if field.dtype == "string" and not field.nullable:
            texts = [text or "" for text in texts]
        return _TextReader(field).cells(texts, exact=False)

    def free(self, name: str) -> list[Any]:
        reader = _TextReader(Field(name, "any", nullable=True))
        return reader.cells(self._columns[name], exact=True)

    def described(self) -> Signature:
        return _described(tuple(self.names))

    def tensor(self, field: Field) -> Any:
        return stacked(self, field)


class _TextReader(ColumnReader):
    """Reads cells of text where others read JSON's."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self._read = text_reader(field)


_DIGITS = re.compile(r"[0-9+\-.eE\n]*", re.ASCII)
_EXACT = float(1 << 53)


def _floats(texts: Sequence[Cell]) -> Any:
    """Return plain numbers at once; None where a closer look at the cells is due."""
    import numpy as np

    if None in texts or not _DIGITS.fullmatch("\n".join(texts)):  # type: ignore[arg-type]
        return None
    try:
        numbers = np.fromiter(map(float, texts), "float64", len(texts))  # type: ignore[arg-type]
    except ValueError:
        return None
    return numbers if not (np.abs(numbers) >= _EXACT).any() else None


@functools.lru_cache(maxsize=64)
def _described(names: tuple[str, ...]) -> Signature:
    """The same object for the same columns, so that queries are joined."""
    return Signature("dataframe", [Field(name, "any") for name in names])
