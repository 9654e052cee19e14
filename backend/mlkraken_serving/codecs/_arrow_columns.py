"""Arrow's columns to the cells that a field of the signature takes; nothing is rounded.

Numbers stay arrays, so that a model gets them as they lay in the body.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from mlkraken_serving._errors import InputError
from mlkraken_serving._manifest import Field
from mlkraken_serving.codecs._arrow_column import ArrowColumn
from mlkraken_serving.codecs._casts import cast
from mlkraken_serving.codecs._columns import ColumnReader

__all__ = ["column_cells", "python_cells"]

_NATIVE = {
    "bytes": ("binary", "large_binary", "fixed_size_binary"),
    "decimal": ("decimal",),
    "date": ("date32", "date64"),
}
_DAY = {"date32": "D", "date64": "ms"}
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_LIMIT = 1 << 63


def column_cells(field: Field, column: ArrowColumn) -> Any:
    """Return what a `Table` of the signature holds for ``field``: an array or a list.

    Raises
    ------
    InputError
        ``value_mistyped`` or ``value_missing``, naming the column and the row.
    """
    reader = ColumnReader(field)
    kind = column.field.kind
    if _is_number(field.dtype) and _is_number(kind):
        return _numbers(field, column, reader)
    if field.dtype in ("datetime", "timedelta") and kind != "string":
        return reader.present(_times(field, column))
    if kind in _NATIVE.get(field.dtype, ()):
        return reader.present(python_cells(column))
    if field.dtype == "any":
        return column.values if _plain_numbers(column) else reader.present(python_cells(column))
    if field.dtype == "bytes" and kind != "null":
        raise _mistyped(field, column, "binary")
    return reader.cells(python_cells(column), exact=False)


def python_cells(column: ArrowColumn) -> list[Any]:
    """Return the Python values of a column, None for null.

    Raises
    ------
    InputError
        ``value_mistyped`` for a date beyond what Python can tell.
    """
    kind = column.field.kind
    if kind in _DAY:
        return _dates(column)
    if kind in ("timestamp", "duration"):
        name = "datetime64" if kind == "timestamp" else "timedelta64"
        import pandas as pd

        times = pd.Series(column.values.view(f"{name}[{column.field.unit}]"))
        if column.field.zone:
            times = times.dt.tz_localize("UTC").dt.tz_convert(column.field.zone)
        return [None if cell is pd.NaT else cell for cell in times.tolist()]
    return column.cells()


def _is_number(name: str) -> bool:
    return name.startswith(("int", "uint", "float"))


def _plain_numbers(column: ArrowColumn) -> bool:
    return _is_number(column.field.kind) and column.missing is None


# -- numbers ----------------------------------------------------------------------------------


def _numbers(field: Field, column: ArrowColumn, reader: ColumnReader) -> Any:
    import numpy as np

    values, missing = column.values, column.missing
    if missing is not None:  # what lies where nothing is may be any number
        values = np.where(missing, values.dtype.type(0), values)
    cells = cast(values, np.dtype(field.dtype), reader.place)
    if missing is None:
        return cells
    if cells.dtype.kind == "f" and field.missing == "nan" and field.nullable:
        cells[missing] = np.nan
        return cells
    return reader.present(ArrowColumn(column.field, cells, missing).cells())


# -- times ------------------------------------------------------------------------------------


def _times(field: Field, column: ArrowColumn) -> list[Any]:
    """Return whole numbers of the field's own unit."""
    told = column.field
    wanted = "timestamp" if field.dtype == "datetime" else "duration"
    as_day = field.dtype == "datetime" and told.kind in _DAY and not field.tz
    if told.kind == "null":
        return column.cells()
    if told.kind != wanted and not as_day:
        raise _mistyped(field, column, f"{wanted}[{field.unit or 'ns'}]")
    if told.kind == "timestamp" and bool(told.zone) != bool(field.tz):
        raise _mistyped(field, column, f"a timestamp {'with' if field.tz else 'without'} a zone")
    up = _PER_SECOND[field.unit or "ns"]
    if as_day:
        up, down = (up * 86_400, 1) if told.kind == "date32" else (up, 1_000)
    else:
        down = _PER_SECOND[told.unit]
    cells = column.cells()
    return cells if up == down else [_rescaled(field, *cell, up, down) for cell in enumerate(cells)]


def _rescaled(field: Field, number: int, cell: int | None, up: int, down: int) -> int | None:
    if cell is None:
        return None
    whole, rest = divmod(cell * up, down)
    if rest == 0 and -_LIMIT < whole < _LIMIT:
        return whole
    raise InputError(
        "value_mistyped",
        f"Column {field.name!r}, row {number}: the time does not fit into {field.storage}.",
        f"Send times of the unit {field.unit or 'ns'}, within what that can tell.",
    )


def _dates(column: ArrowColumn) -> list[Any]:
    import numpy as np

    values = column.values
    raw = values.astype("int64").view(f"M8[{_DAY[column.field.kind]}]").astype("M8[D]")
    low, high = np.datetime64(dt.date.min), np.datetime64(dt.date.max)
    same = raw.astype(f"M8[{_DAY[column.field.kind]}]").view("int64") == values
    outside = (raw < low) | (raw > high) | ~same
    if column.missing is not None:
        outside &= ~column.missing
    if outside.any():
        raise InputError(
            "value_mistyped",
            f"Column {column.field.name!r}, row {int(outside.argmax())}: not a whole day "
            "between the years 1 and 9999.",
            "Send days since 1970 as Arrow counts them.",
        )
    cells: list[Any] = raw.tolist()
    if column.missing is None:
        return cells
    return [None if gone else cell for cell, gone in zip(cells, column.missing, strict=True)]


def _mistyped(field: Field, column: ArrowColumn, wanted: str) -> InputError:
    return InputError(
        "value_mistyped",
        f"Column {field.name!r}: Arrow's {column.field.shown} is not what the model takes.",
        f"The column is {field.storage or field.dtype}: send {wanted}.",
    )
