"""What a model answered, as plain JSON values and a description to rebuild it from.

``result`` is for anyone: lists, objects, strings, numbers. ``metaData.resultType`` is for
clients that want the very same Python value back: numpy dtype and shape, pandas dtypes,
categories, index, and the types of cells that JSON has no word for.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from mlkraken_serving._errors import ModelError
from mlkraken_serving.codecs._sparse import describe_sparse

__all__ = ["Described", "describe", "nested"]

Described: TypeAlias = tuple[Any, dict[str, Any]]
_PLAIN = (str, bool, int, float, type(None))
_JSON = {"kind": "json"}


def describe(value: Any) -> Described:
    """Return ``value`` as plain JSON values, and its type.

    Raises
    ------
    ModelError
        ``result_unserialisable``, naming the type that has no JSON form.
    """
    try:
        return _described(value)
    except RecursionError:
        raise _refused("a value that is nested too deep or contains itself") from None


def _described(value: Any) -> Described:
    if type(value) in _PLAIN:
        return value, _JSON
    module = type(value).__module__.partition(".")[0]
    if module == "numpy":
        return _numpy(value)
    if module == "pandas":
        return _pandas(value)
    if module == "scipy" and hasattr(value, "tocoo"):
        return describe_sparse(value)
    if isinstance(value, tuple):
        parts = [_described(item) for item in value]
        kinds = [kind for _, kind in parts]
        return [plain for plain, _ in parts], {"kind": "tuple", "items": kinds}
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, list):
        return _list(value)
    return _scalar(value)


def _mapping(value: Mapping[Any, Any]) -> Described:
    labels, of = _list(list(value))
    names = [label if isinstance(label, str) else str(label) for label in labels]
    if len(set(names)) < len(names):
        raise _refused("a dictionary whose keys are the same as JSON text")
    parts = [_described(item) for item in value.values()]
    plain = dict(zip(names, (item for item, _ in parts), strict=True))
    kind: dict[str, Any] = {"kind": "dict"}
    if names != labels or of != _JSON:
        kind |= {"keys": labels, "of": of}
    if any(inner != _JSON for _, inner in parts):
        kind["items"] = {name: inner for name, (_, inner) in zip(names, parts, strict=True)}
    return plain, kind if len(kind) > 1 else _JSON


def _list(values: list[Any]) -> Described:
    """Describe a list as a whole where all that is present in it is of one type."""
    if all(type(item) in _PLAIN for item in values):
        return list(values), _JSON
    parts = [_described(item) for item in values]
    plain = [item for item, _ in parts]
    present = [kind for item, kind in parts if not _missing(item)]
    if all(kind == _JSON for kind in present):
        return plain, _JSON
    if all(kind == present[0] for kind in present):
        return plain, {"kind": "list", "each": present[0]}
    return plain, {"kind": "list", "items": [kind for _, kind in parts]}


def _missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and cell != cell)  # noqa: PLR0124


def _scalar(value: Any) -> Described:
    """Describe a single value that is neither numpy's nor pandas'."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii"), {"kind": "bytes"}
    if isinstance(value, decimal.Decimal):
        return str(value), {"kind": "decimal"}
    if isinstance(value, dt.timedelta):
        return _duration(value), {"kind": "timedelta"}
    if isinstance(value, dt.datetime):
        return _iso(value), {"kind": "datetime"}
    for kind in (dt.date, dt.time):
        if isinstance(value, kind):
            return value.isoformat(), {"kind": kind.__name__}
    for base in (int, float):
        if isinstance(value, base):
            return base(value), _JSON
    if isinstance(value, str):
        return str.__str__(value), _JSON  # an enumeration's own would be its name
    raise _unserialisable(value)


def _numpy(value: Any) -> Described:
    import numpy as np

    if isinstance(value, np.ndarray):
        kind: dict[str, Any] = {"kind": "ndarray", "dtype": value.dtype.str}
        if value.ndim != 1 or value.size == 0:
            kind["shape"] = list(value.shape)
        if value.dtype.kind == "O":
            cells, of = _list(value.ravel().tolist())
            return nested(cells, value.shape), kind if of == _JSON else {**kind, "cells": of}
        return _array(value), kind
    if isinstance(value, np.generic):
        return _array(np.asarray(value)), {"kind": "npscalar", "dtype": value.dtype.str}
    raise _unserialisable(value)


def nested(cells: list[Any], shape: tuple[int, ...]) -> Any:
    """Return lists in lists of ``shape``, which may hold further lists as cells."""
    if not shape:
        return cells[0]
    if len(shape) == 1:
        return cells
    size = len(cells) // shape[0] if shape[0] else 0
    return [nested(cells[row * size : (row + 1) * size], shape[1:]) for row in range(shape[0])]


def _array(array: Any) -> Any:
    if array.dtype.kind in "biufU":
        return array.tolist() if array.dtype.char != "g" else array.astype("float64").tolist()
    if array.dtype.kind in "Mm":
        import numpy as np

        stamps = array.dtype.kind == "M"
        flat = array.ravel()
        cells = np.datetime_as_string(flat) if stamps else flat.astype("int64")
        plain = cells.astype(object)
        plain[np.isnat(flat)] = None
        return nested(plain.tolist(), array.shape)
    if array.dtype.kind == "S":
        return nested([_scalar(cell)[0] for cell in array.ravel().tolist()], array.shape)
    raise _refused(f"a numpy value of dtype {array.dtype}")


def _pandas(value: Any) -> Described:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return _frame(value)
    if isinstance(value, pd.Series):
        cells, kind = _column(value)
        kind = {"kind": "series", **kind, **_index(value.index)}
        if value.name is not None:
            kind["name"] = value.name if type(value.name) is int else str(value.name)
        return cells, kind
    if isinstance(value, (pd.Index, pd.api.extensions.ExtensionArray)):
        return _pandas(pd.Series(value))
    if value is pd.NA or value is pd.NaT:
        return None, _JSON
    if isinstance(value, pd.Timestamp):
        zone = {"tz": str(value.tz)} if value.tz else {}
        return _iso(value), {"kind": "timestamp", **zone}
    if isinstance(value, pd.Timedelta):
        return value.isoformat(), {"kind": "duration"}
    raise _unserialisable(value)


def _frame(frame: Any) -> Described:
    names = [str(label) for label in frame.columns]
    if len(set(names)) < len(names):
        raise _refused("a table with two columns of one name")
    columns = [_column(frame.iloc[:, place]) for place in range(len(names))]
    fields = [
        {"name": name, **({"label": "int"} if type(label) is int else {}), **kind}
        for name, label, (_, kind) in zip(names, frame.columns, columns, strict=True)
    ]
    cells: Iterable[tuple[Any, ...]] = zip(*(cells for cells, _ in columns), strict=True)
    rows = [dict(zip(names, row, strict=True)) for row in cells] if names else [{}] * len(frame)
    return rows, {"kind": "dataframe", "fields": fields, **_index(frame.index)}


def _column(series: Any) -> Described:
    """Describe a column: its cells, and the dtype to put them back into."""
    storage = str(series.dtype)
    if storage == "category":
        levels, of = _column(series.cat.categories.to_series())
        cells = [None if code < 0 else levels[code] for code in series.cat.codes]
        told = {"levels": levels, "levelType": of, "ordered": bool(series.cat.ordered)}
        return cells, {"storage": storage, **told}
    cells, of = _list(series.tolist())
    if storage == "object" and of != _JSON:
        return cells, {"storage": storage, "cells": of}
    return cells, {"storage": storage}


def _index(index: Any) -> dict[str, Any]:
    """Describe an index that is not simply 0, 1, 2, ..."""
    import pandas as pd

    plain = isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
    if plain and index.name is None:
        return {}
    levels = []
    for place in range(index.nlevels):
        level = index.get_level_values(place)
        cells, kind = _column(level.to_series().reset_index(drop=True))
        named = {} if level.name is None else {"name": str(level.name)}
        levels.append({"values": cells, **kind, **named})
    return {"index": levels}


def _iso(stamp: dt.datetime) -> str:
    """Write a time in ISO 8601, which knows no offsets with seconds as zones had before 1930."""
    offset = stamp.utcoffset()
    if offset is not None and offset.seconds % 60:
        stamp = stamp.astimezone(dt.timezone.utc)
    return stamp.isoformat()


def _duration(value: dt.timedelta) -> str:
    micros = value // dt.timedelta(microseconds=1)
    seconds, rest = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}PT{seconds}.{rest:06d}S"


def _unserialisable(value: Any) -> ModelError:
    kind = type(value)
    return _refused(f"{kind.__module__}.{kind.__qualname__}")


def _refused(what: str) -> ModelError:
    return ModelError(
        "result_unserialisable",
        f"The model answered with {what}, which has no JSON form.",
        "Let it return numbers, strings, lists, dictionaries, numpy arrays or pandas objects.",
    )
