"""A column as it was read from Arrow, before a signature says what it shall be."""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlkraken_serving.codecs._arrow_schema import ArrowField

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["STORED", "ArrowColumn", "as_json", "decimal_of", "joined"]

STORED = {"date32": "int32", "date64": "int64", "timestamp": "int64", "duration": "int64"}
"""The whole numbers that times are."""


@dataclass(frozen=True, slots=True)
class ArrowColumn:
    """A column's cells.

    ``values`` is a numpy array for numbers, truth values and times (as whole numbers of their
    unit), of two axes for fixed-size lists of those; a list of Python values for the rest.
    ``missing`` tells which are null, None where none is.
    """

    field: ArrowField
    values: Any
    missing: npt.NDArray[np.bool_] | None = None

    def cells(self) -> list[Any]:
        """Return Python values, None for null."""
        values = self.values
        cells: list[Any] = values if isinstance(values, list) else values.tolist()
        if self.missing is None:
            return cells
        return [None if gone else cell for cell, gone in zip(cells, self.missing, strict=True)]


def joined(parts: list[ArrowColumn]) -> ArrowColumn:
    """Return the cells of one column's parts below each other."""
    if len(parts) == 1:
        return parts[0]
    import numpy as np

    missing = None
    if any(part.missing is not None for part in parts):
        missing = np.concatenate(
            [
                np.zeros(len(part.values), "?") if part.missing is None else part.missing
                for part in parts
            ]
        )
    if all(not isinstance(part.values, list) for part in parts):
        values: Any = np.concatenate([part.values for part in parts])
    else:
        values = [cell for part in parts for cell in _listed(part)]
    return ArrowColumn(parts[0].field, values, missing)


def _listed(part: ArrowColumn) -> list[object]:
    values = part.values
    return values if isinstance(values, list) else list(values.tolist())


def decimal_of(raw: bytes, scale: int) -> decimal.Decimal:
    """Return the number without a context, which might round."""
    whole = int.from_bytes(raw, "little", signed=True)
    sign, digits = int(whole < 0), tuple(map(int, str(abs(whole))))
    return decimal.Decimal((sign, digits, -scale))


def as_json(column: ArrowColumn) -> list[Any]:
    """Return cells within lists and structures, where only JSON's own types have a meaning."""
    if column.field.kind in _NOT_NESTED:
        raise ValueError(f"a {column.field.kind} within a list or structure has no meaning here")
    return column.cells()


_NOT_NESTED = ("decimal", "binary", "large_binary", "fixed_size_binary", *STORED)
