"""What the Python objects in a column have in common."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Mapping
from typing import Any

from mlkraken_client._errors import PackError

__all__ = ["SCALARS", "is_missing", "is_numpy_scalar", "is_sparse", "object_cells"]


def object_cells(cells: list[Any]) -> dict[str, Any]:
    """Return the dtype of a column of objects, and which missing value it knows.

    Raises
    ------
    PackError
        ``columns_unsupported``.
    """
    present = [cell for cell in cells if not is_missing(cell)]
    has_none = any(cell is None for cell in cells)
    has_nan = any(isinstance(cell, float) and cell != cell for cell in cells)  # noqa: PLR0124
    return {
        "dtype": _dtype_of(present),
        "missing": "nan" if has_nan or not has_none else "none",
    }


def is_missing(cell: Any) -> bool:
    """Whether a cell is None, NaN, NA or NaT."""
    return (
        cell is None
        or type(cell).__name__ in ("NAType", "NaTType")
        or (
            isinstance(cell, float) and cell != cell  # noqa: PLR0124
        )
    )


SCALARS = (str, bool, int, float, bytes, decimal.Decimal, dt.date)
"""Single values that a model may take whole."""


def is_numpy_scalar(value: Any) -> bool:
    """Whether a value is one of numpy's without axes."""
    return type(value).__module__ == "numpy" and not getattr(value, "shape", ())


def is_sparse(value: Any) -> bool:
    """Whether a value is one of scipy's sparse matrices or arrays."""
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocoo")


_TYPES: list[tuple[type, str]] = [
    (str, "string"),
    (bool, "bool"),
    (bytes, "bytes"),
    (decimal.Decimal, "decimal"),
    (dt.date, "date"),
]


_WRITTEN_AS_TEXT = (bytes, decimal.Decimal, dt.date)


def _dtype_of(cells: list[Any]) -> str:
    """Return the one dtype of Python objects; ``json`` for lists and objects, ``any`` for a mix."""
    if not cells:
        return "any"
    if any(isinstance(cell, (dt.datetime, dt.timedelta)) for cell in cells):
        raise PackError(
            "columns_unsupported",
            "The example has Python datetime objects in a column of dtype object.",
            "Make it a proper time column: pd.to_datetime(...) or pd.to_timedelta(...).",
        )
    for kind, dtype in _TYPES:
        if all(isinstance(cell, kind) for cell in cells):
            return dtype
    lost = [cell for cell in cells if any(isinstance(cell, kind) for kind in _WRITTEN_AS_TEXT)]
    if lost:
        raise PackError(
            "columns_unsupported",
            f"The example mixes {type(lost[0]).__name__} with other types in one column, so the "
            "service could not tell it from text.",
            "Give every column one type.",
        )
    nested = all(isinstance(cell, (list, tuple, Mapping)) for cell in cells)
    return "json" if nested else "any"
