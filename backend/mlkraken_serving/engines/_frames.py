"""Columns of Python values to the pandas or numpy object the model was shown in the notebook."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from mlkraken_serving._errors import InputError
from mlkraken_serving._manifest import Field
from mlkraken_serving._values import Column, Items, Rows, Single, Table, Tensor

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

__all__ = ["native"]

_MISSING_TIME = -(2**63)


def native(data: Rows) -> Any:
    """Return ``data`` as the kind of object that the signature it was read by names.

    Raises
    ------
    InputError
        ``value_mistyped`` for a time or duration that does not parse.
    """
    if isinstance(data, Tensor):
        return data.array
    if isinstance(data, Items):
        return data.values
    if isinstance(data, Single):
        return data.value
    if data.signature.kind == "series":
        import pandas as pd

        (field,) = data.signature.fields
        return pd.Series(_column(field, data.columns[field.name]), name=_label(field))
    return _frame(data)


def _frame(data: Table) -> pd.DataFrame:
    """Build the frame from arrays: three times as fast for one row as from Series."""
    import pandas as pd

    fields = data.signature.fields
    arrays = {place: _column(field, data.columns[field.name]) for place, field in enumerate(fields)}
    frame = pd.DataFrame(arrays, index=pd.RangeIndex(data.rows), copy=False)
    frame.columns = _labels(tuple(map(_label, fields)))
    return frame


@functools.lru_cache(maxsize=64)
def _labels(labels: tuple[str | int | None, ...]) -> pd.Index:
    """Return the columns' index, which takes longer to make than a row of numbers."""
    import pandas as pd

    return pd.Index(labels)


@functools.lru_cache(maxsize=64)
def _extension(storage: str) -> Any:
    """Return a dtype by its name, which pandas looks up among all it knows."""
    import pandas as pd

    return pd.api.types.pandas_dtype(storage)


def _label(field: Field) -> str | int | None:
    if field.label == "none":
        return None
    return int(field.name) if field.label == "int" else field.name


def _column(field: Field, cells: Column) -> Any:
    import numpy as np
    import pandas as pd

    if not isinstance(cells, list):
        return _array(field, cells)
    if field.dtype in ("datetime", "timedelta"):
        return _times(field, cells)
    if field.dtype == "category":
        levels = pd.Index(field.levels or [], dtype=field.level_dtype or None)
        return pd.Categorical(cells, dtype=pd.CategoricalDtype(levels, ordered=field.ordered))
    if not field.storage:
        return pd.Series(cells).array
    if field.storage == "object":
        column = np.empty(len(cells), dtype=object)
        column[:] = cells
        return pd.Series(column, dtype=object)  # of a bare array pandas 3 would make text
    if field.storage[0] in "fiub":  # numpy's own names are lower case, pandas' Int64 is not
        return _numbers(field, cells)
    return pd.array(cells, dtype=_extension(field.storage))


def _array(field: Field, cells: npt.NDArray[Any]) -> Any:
    """Wrap what a codec has read as an array; its dtype is right already."""
    import pandas as pd

    if field.dtype in ("datetime", "timedelta"):
        return _zoned(field, cells)
    if not field.storage or field.storage[0] in "fiub":
        return cells if field.storage != "boolean" else pd.array(cells, dtype="boolean")
    return pd.array(cells, dtype=_extension(field.storage))


def _numbers(field: Field, cells: list[Any]) -> Any:
    import numpy as np
    import pandas as pd

    try:
        return np.array(cells, dtype=field.storage)  # None becomes NaN in a float column
    except TypeError:  # boolean is pandas' nullable type
        return pd.array(cells, dtype=field.storage)


def _times(field: Field, cells: list[Any]) -> Any:
    """Read ISO 8601 texts, or whole numbers of the field's unit as Arrow carries them."""
    import numpy as np

    kind = f"{'datetime' if field.dtype == 'datetime' else 'timedelta'}64[{field.unit or 'ns'}]"
    if all(cell is None or isinstance(cell, int) for cell in cells):
        whole = [_MISSING_TIME if cell is None else cell for cell in cells]
        raw = np.array(whole, dtype="int64").view(kind)
    else:
        read = _stamp if field.dtype == "datetime" else _duration
        known = [
            None if cell is None or cell != cell else read(field, number, cell)  # noqa: PLR0124
            for number, cell in enumerate(cells)
        ]
        raw = np.array(known, dtype=kind)
    return _zoned(field, raw)


def _zoned(field: Field, raw: npt.NDArray[Any]) -> Any:
    """Give times, which are in UTC where the column has a zone, that zone."""
    import pandas as pd

    return pd.DatetimeIndex(raw, tz="UTC").tz_convert(field.tz).array if field.tz else raw


def _stamp(field: Field, number: int, cell: Any) -> Any:
    """Return a time as numpy's: in UTC where the column has a zone."""
    import pandas as pd

    stamp = _parsed(field, number, cell, pd.Timestamp)
    if (stamp.tzinfo is None) == (not field.tz):
        return stamp.to_datetime64()
    problem = "has no offset from UTC" if field.tz else "has an offset from UTC"
    example = "2026-01-31T12:00:00" + ("+01:00" if field.tz else "")
    raise InputError(
        "value_mistyped",
        f"Column {field.name!r}, row {number}: {cell!r} {problem}.",
        f"The column is {field.storage}: send times like {example}.",
    )


def _duration(field: Field, number: int, cell: Any) -> Any:
    import pandas as pd

    return _parsed(field, number, cell, pd.Timedelta).to_timedelta64()


def _parsed(field: Field, number: int, cell: Any, parse: Any) -> Any:
    try:
        return parse(cell).as_unit(field.unit or "ns", round_ok=False)
    except (ValueError, TypeError, OverflowError) as error:
        what = "time" if field.dtype == "datetime" else "duration"
        raise InputError(
            "value_mistyped",
            f"Column {field.name!r}, row {number}: {cell!r} is not a {what} that fits into "
            f"{field.storage}.",
            "Send ISO 8601 with no more digits than the column can hold.",
        ) from error
