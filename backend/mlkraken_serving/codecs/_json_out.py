"""What a model answered, as plain JSON values and a description to rebuild it from.

``result`` is for anyone: lists, objects, strings, numbers. ``metaData.resultType`` is for
clients that want the very same Python value back: numpy dtype and shape, pandas dtypes,
categories, index.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
from collections.abc import Mapping
from typing import Any, TypeAlias

from mlkraken_serving._errors import ModelError

__all__ = ["Described", "describe"]

Described: TypeAlias = tuple[Any, dict[str, Any]]
_PLAIN = (str, bool, int, float, type(None))


def describe(value: Any) -> Described:
    """Return ``value`` as plain JSON values, and its type.

    Raises
    ------
    ModelError
        ``result_unserialisable``, naming the type that has no JSON form.
    """
    if isinstance(value, _PLAIN):
        return value, {"kind": "json"}
    module = type(value).__module__.partition(".")[0]
    if module == "numpy":
        return _numpy(value)
    if module == "pandas":
        return _pandas(value)
    if isinstance(value, tuple):
        parts = [describe(item) for item in value]
        return [plain for plain, _ in parts], {
            "kind": "tuple",
            "items": [kind for _, kind in parts],
        }
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        described = {key: describe(item) for key, item in value.items()}
        kinds = {key: kind for key, (_, kind) in described.items()}
        plain = {key: item for key, (item, _) in described.items()}
        if all(kind == {"kind": "json"} for kind in kinds.values()):
            return plain, {"kind": "json"}
        return plain, {"kind": "dict", "items": kinds}
    if isinstance(value, list):
        return [_cell(item) for item in value], {"kind": "json"}
    return _cell(value), {"kind": "json"}


def _numpy(value: Any) -> Described:
    import numpy as np

    if isinstance(value, np.ndarray):
        kind = {"kind": "ndarray", "dtype": value.dtype.str}
        if value.ndim != 1 or value.size == 0:
            kind["shape"] = list(value.shape)
        return _array(value), kind
    if isinstance(value, np.generic):
        return _array(np.asarray(value)), {"kind": "npscalar", "dtype": value.dtype.str}
    raise _unserialisable(value)


def _array(array: Any) -> Any:
    if array.dtype.kind in "biufU":
        return array.tolist()
    if array.dtype.kind in "Mm":
        import numpy as np

        cells = np.datetime_as_string(array) if array.dtype.kind == "M" else array.astype("int64")
        plain = cells.astype(object)
        plain[np.isnat(array)] = None
        return plain.tolist()
    if array.dtype.kind in "OSV":
        return _cell(array.tolist())
    raise _unserialisable(array.dtype)


def _pandas(value: Any) -> Described:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        names = [str(name) for name in value.columns]
        columns = [_series_cells(value.iloc[:, place]) for place in range(len(names))]
        rows = [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)] or [
            {} for _ in range(len(value) if not names else 0)
        ]
        fields = [
            {"name": str(label), **_label(label), **_series_type(value.iloc[:, place])}
            for place, label in enumerate(value.columns)
        ]
        return rows, {"kind": "dataframe", "fields": fields, **_index(value.index)}
    if isinstance(value, pd.Series):
        kind = {"kind": "series", **_series_type(value), **_index(value.index)}
        if value.name is not None:
            kind["name"] = str(value.name)
        return _series_cells(value), kind
    if isinstance(value, (pd.Index, pd.api.extensions.ExtensionArray)):
        return describe(pd.Series(value))
    if value is pd.NA or value is pd.NaT:
        return None, {"kind": "json"}
    if isinstance(value, (pd.Timestamp, pd.Timedelta)):
        return value.isoformat(), {"kind": "json"}
    raise _unserialisable(value)


def _label(label: Any) -> dict[str, Any]:
    return {"label": "int"} if isinstance(label, int) else {}


def _series_type(series: Any) -> dict[str, Any]:
    kind: dict[str, Any] = {"storage": str(series.dtype)}
    if kind["storage"] == "category":
        categories = series.cat.categories
        kind["levels"] = _series_cells(categories.to_series())
        kind["levelStorage"] = str(categories.dtype)
        kind["ordered"] = bool(series.cat.ordered)
    return kind


def _series_cells(series: Any) -> list[Any]:
    values: list[Any] = series.tolist()
    if series.dtype.kind in "biuf" and not series.isna().any():
        return values
    return [_cell(value) for value in values]


def _index(index: Any) -> dict[str, Any]:
    """Describe an index that is not simply 0, 1, 2, ..."""
    import pandas as pd

    if isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1:
        return {}
    if isinstance(index, pd.MultiIndex):
        return {}
    series = index.to_series().reset_index(drop=True)
    named = {} if index.name is None else {"name": str(index.name)}
    return {"index": {"values": _series_cells(series), **_series_type(series), **named}}


def _cell(value: Any) -> Any:
    """One value inside a list, object or column."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return _plain_number(value)
    if isinstance(value, (list, tuple)):
        return [_cell(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _cell(item) for key, item in value.items()}
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, (dt.date, dt.datetime, dt.time)):
        # pandas NaT is a datetime whose isoformat is the text "NaT".
        return None if value != value else value.isoformat()  # noqa: PLR0124
    if isinstance(value, dt.timedelta):
        return _duration(value)
    if type(value).__module__.partition(".")[0] in ("numpy", "pandas"):
        return describe(value)[0]
    raise _unserialisable(value)


def _plain_number(value: Any) -> Any:
    """Turn subclasses such as numpy's float64 into the type the JSON writer knows."""
    if type(value) in _PLAIN:
        return value
    for base in (bool, int, float, str):
        if isinstance(value, base):
            return base(value)
    raise _unserialisable(value)


def _duration(value: dt.timedelta) -> str:
    isoformat = getattr(value, "isoformat", None)
    if isoformat is not None:  # pandas, which counts nanoseconds too
        return str(isoformat())
    micros = value // dt.timedelta(microseconds=1)
    seconds, rest = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}PT{seconds}.{rest:06d}S"


def _unserialisable(value: Any) -> ModelError:
    kind = type(value)
    return ModelError(
        "result_unserialisable",
        f"The model answered with {kind.__module__}.{kind.__qualname__}, which has no JSON form.",
        "Let it return numbers, strings, lists, dictionaries, numpy arrays or pandas objects.",
    )
