"""Python values to ``modelData`` and answers back to the very same Python values.

Both directions are exact: a missing value keeps its kind (NaN stays NaN, None stays None), an
infinity stays one, and ``metaData.resultType`` tells which array or table to rebuild.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
from collections.abc import Mapping
from typing import Any

from mlkraken_client._errors import InputRefused
from mlkraken_client._signature import describe_input

__all__ = ["decode", "encode", "encode_request", "plain"]


def encode_request(data: Any, meta: Mapping[str, Any]) -> bytes:
    """Return the body of a query."""
    return json.dumps({"modelData": data, "metaData": meta}, separators=(",", ":")).encode()


def encode(value: Any, signature: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return ``value`` as ``modelData``, and what ``metaData`` must say about it.

    A model without a signature gets the value's own description along, so that it sees the same
    kind of object as in the notebook.

    Raises
    ------
    InputRefused
        ``input_unsupported``, naming the type or column.
    """
    meta: dict[str, Any] = {"exact": True}
    if signature.get("kind", "any") == "any" and _needs_description(value):
        meta["signature"] = describe_input(value)
    return _data(value), meta


def _needs_description(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] in ("pandas", "numpy")


def _data(value: Any) -> Any:
    module, name = type(value).__module__.partition(".")[0], type(value).__name__
    if module == "pandas" and name == "DataFrame":
        return {str(label): series_cells(column) for label, column in value.items()}
    if module == "pandas" and name == "Series":
        return series_cells(value)
    if module == "numpy" and name == "ndarray":
        return value.tolist() if value.dtype.kind in "biufU" else plain(value.tolist())
    if module == "polars" and name == "DataFrame":
        return {column: plain(cells) for column, cells in value.to_dict(as_series=False).items()}
    if module == "scipy" or hasattr(value, "toarray"):
        raise InputRefused(
            "input_unsupported",
            f"A sparse matrix ({name}) cannot be sent as it is.",
            "Send it dense: service.predict(X.toarray()).",
        )
    return plain(value)


def series_cells(series: Any) -> list[Any]:
    """Return a pandas column as JSON cells."""
    kind = getattr(series.dtype, "kind", "O")
    if kind in "biuf" and type(series.dtype).__module__.startswith("numpy"):
        cells: list[Any] = series.tolist()
        return cells
    return [plain(cell) for cell in series.tolist()]


def plain(value: Any) -> Any:
    """Return one value as JSON can carry it.

    Raises
    ------
    InputRefused
        ``input_unsupported``.
    """
    if value is None or isinstance(value, (str, bool)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, (int, float)):
        return (
            value
            if type(value) in (int, float)
            else value.item()
            if hasattr(value, "item")
            else value
        )
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    module, name = type(value).__module__.partition(".")[0], type(value).__name__
    if name in ("NAType", "NaTType"):
        return None
    if isinstance(value, (dt.date, dt.timedelta)):
        return value.isoformat() if hasattr(value, "isoformat") else _duration(value)
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if module in ("numpy", "pandas"):
        return (
            plain(value.item())
            if hasattr(value, "dtype") and not getattr(value, "shape", ())
            else _data(value)
        )
    raise InputRefused(
        "input_unsupported",
        f"A value of type {type(value).__module__}.{name} cannot be sent to a service.",
        "Send numbers, text, truth values, times, lists, dictionaries, arrays or tables.",
    )


def _duration(value: dt.timedelta) -> str:
    micros = value // dt.timedelta(microseconds=1)
    seconds, rest = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}PT{seconds}.{rest:06d}S"


# -- answers --------------------------------------------------------------------------------------


def decode(result: Any, kind: Mapping[str, Any], asked: Any = None) -> Any:
    """Rebuild what the model returned.

    Parameters
    ----------
    result
        The answer's ``result``.
    kind
        The answer's ``metaData.resultType``.
    asked
        What was sent: a table's index is put back onto an answer with one row a row.
    """
    what = kind["kind"]
    if what == "ndarray":
        return _array(result, kind)
    if what == "npscalar":
        return _array([result], {"dtype": kind["dtype"]})[0]
    if what in ("dataframe", "series"):
        return _table(result, kind, asked)
    if what == "tuple":
        return tuple(
            decode(item, inner, asked) for item, inner in zip(result, kind["items"], strict=True)
        )
    if what == "dict":
        return {key: decode(item, kind["items"][key], asked) for key, item in result.items()}
    return result


def _array(cells: Any, kind: Mapping[str, Any]) -> Any:
    import numpy as np

    dtype = np.dtype(kind["dtype"])
    if dtype.kind == "O":
        array = np.empty(kind.get("shape", len(cells)), dtype=object)
        if array.ndim == 1:
            array[:] = cells
        else:
            array[...] = np.array(cells, dtype=object).reshape(array.shape)
        return array
    if dtype.kind == "S":
        return np.array([base64.b64decode(cell) for cell in cells], dtype=dtype)
    if dtype.kind == "m":
        return np.array([_NOT_A_TIME if cell is None else cell for cell in cells], "int64").view(
            dtype
        )
    array = np.array(cells, dtype=dtype)
    return array.reshape(kind["shape"]) if "shape" in kind else array


_NOT_A_TIME = -(2**63)


def _table(result: list[Any], kind: Mapping[str, Any], asked: Any) -> Any:
    import pandas as pd

    if kind["kind"] == "series":
        table: Any = pd.Series(_column(result, kind), name=kind.get("name"))
    else:
        columns = {
            _label(field): _column([row[field["name"]] for row in result], field)
            for field in kind["fields"]
        }
        table = pd.DataFrame(columns, index=pd.RangeIndex(len(result)), columns=list(columns))
    if "index" in kind:
        index = kind["index"]
        table.index = pd.Index(_column(index["values"], index), name=index.get("name"))
    elif _same_rows(table, asked):
        table.index = asked.index
    return table


def _label(field: Mapping[str, Any]) -> str | int:
    return int(field["name"]) if field.get("label") == "int" else str(field["name"])


def _same_rows(table: Any, asked: Any) -> bool:
    pandas = type(asked).__module__.partition(".")[0] == "pandas" and hasattr(asked, "index")
    return pandas and len(asked.index) == len(table)


def _column(cells: list[Any], kind: Mapping[str, Any]) -> Any:
    import pandas as pd

    storage = kind["storage"]
    if storage == "category":
        levels = pd.Index(_column(kind["levels"], {"storage": kind["levelStorage"]}))
        dtype = pd.CategoricalDtype(levels, ordered=kind["ordered"])
        values = pd.Series(cells, dtype=levels.dtype) if len(levels) else cells
        return pd.Categorical(values, dtype=dtype)
    if storage.startswith("datetime64"):
        return pd.DatetimeIndex(
            [pd.NaT if cell is None else pd.Timestamp(cell) for cell in cells]
        ).array.astype(storage)
    if storage.startswith("timedelta64"):
        return pd.to_timedelta(cells).array.astype(storage)
    if storage == "object":
        import numpy as np

        column = np.empty(len(cells), dtype=object)
        column[:] = cells
        return column
    return pd.array(cells, dtype=storage)
