"""Python values to ``modelData`` and answers back to the very same Python values.

Both directions are exact: a missing value keeps its kind (NaN stays NaN, None stays None), an
infinity stays one, and ``metaData.resultType`` tells which array or table to rebuild.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
from collections.abc import Callable, Mapping
from typing import Any

from mlkraken_client._errors import InputRefused, PackError
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
        signature = meta["signature"] = _described(value)
    data = _data(value)
    nested = all(field["dtype"] == "json" for field in signature.get("fields", []))
    if isinstance(data, dict) and type(value).__name__ == "DataFrame" and nested:
        return _rows(data), meta
    if type(value).__name__ == "Series" and signature.get("kind") == "series" and not nested:
        return {signature["fields"][0]["name"]: data}, meta
    return data, meta


def _described(value: Any) -> dict[str, Any]:
    try:
        return describe_input(value)
    except PackError as error:
        raise InputRefused(error.code, error.message, error.hint) from error


def _rows(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Write a table of lists and objects by rows: by columns it could be read as one row."""
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


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
    if str(series.dtype) == "category":  # among missing values, whole numbers become floats
        levels = [plain(level) for level in series.cat.categories.tolist()]
        return [None if code < 0 else levels[code] for code in series.cat.codes]
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
    if isinstance(value, (dt.date, dt.time, dt.timedelta)):
        return _iso(value)
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


def _iso(time: dt.date | dt.time | dt.timedelta) -> str:
    """Write a time in ISO 8601, which knows no offsets with seconds as zones had before 1930."""
    if isinstance(time, dt.datetime):
        offset = time.utcoffset()
        if offset is not None and offset.seconds % 60:
            time = time.astimezone(dt.timezone.utc)
    if isinstance(time, dt.timedelta) and not hasattr(time, "isoformat"):  # pandas' own has it
        return _duration(time)
    return str(time.isoformat())


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
    if what in _REBUILT:
        return _REBUILT[what](result)
    if what == "list":
        return _cells(result, kind, asked)
    if what == "dict":
        return _dict(result, kind, asked)
    if what == "tuple":
        return tuple(
            decode(item, inner, asked) for item, inner in zip(result, kind["items"], strict=True)
        )
    if what == "ndarray":
        return _array(result, kind)
    if what == "npscalar":
        return _array(result, {"dtype": kind["dtype"], "shape": ()})[()]
    if what in ("dataframe", "series"):
        return _table(result, kind, asked)
    if what in ("timestamp", "duration"):
        return _pandas_time(result, kind)
    return result


def _timedelta(text: str) -> dt.timedelta:
    """Read a duration as model servers write it: ``-PT1.500000S``."""
    sign, _, seconds = text.rstrip("S").rpartition("PT")
    whole, _, micros = seconds.partition(".")
    value = dt.timedelta(seconds=int(whole), microseconds=int(micros))
    return -value if sign else value


_REBUILT: dict[str, Callable[[Any], Any]] = {
    "bytes": base64.b64decode,
    "decimal": decimal.Decimal,
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "timedelta": _timedelta,
}


def _pandas_time(text: str, kind: Mapping[str, Any]) -> Any:
    import pandas as pd

    if kind["kind"] == "duration":
        return pd.Timedelta(text)
    stamp = pd.Timestamp(text)
    return stamp.tz_convert(kind["tz"]) if "tz" in kind else stamp


def _cells(cells: list[Any], kind: Mapping[str, Any], asked: Any = None) -> list[Any]:
    if kind["kind"] != "list":
        return cells
    if "items" in kind:
        return [decode(*part, asked) for part in zip(cells, kind["items"], strict=True)]
    missing = (cell is None or cell != cell for cell in cells)  # noqa: PLR0124 - NaN
    return [
        cell if gone else decode(cell, kind["each"], asked)
        for cell, gone in zip(cells, missing, strict=True)
    ]


def _dict(result: Mapping[str, Any], kind: Mapping[str, Any], asked: Any) -> dict[Any, Any]:
    keys = _cells(kind["keys"], kind["of"]) if "keys" in kind else list(result)
    kinds = kind.get("items", {})
    values = [decode(item, kinds[name], asked) if kinds else item for name, item in result.items()]
    return dict(zip(keys, values, strict=True))


def _array(cells: Any, kind: Mapping[str, Any]) -> Any:
    import numpy as np

    dtype = np.dtype(kind["dtype"])
    shape = tuple(kind.get("shape", (len(cells),) if isinstance(cells, list) else ()))
    if dtype.kind in "biufUM" and dtype.char != "g":
        return np.array(cells, dtype=dtype).reshape(shape)
    leaves = _leaves(cells, len(shape))
    if dtype.kind == "O":
        return _objects(_cells(leaves, kind.get("cells", _PLAIN_CELLS))).reshape(shape)
    if dtype.kind == "S":
        return np.array([base64.b64decode(cell) for cell in leaves], dtype=dtype).reshape(shape)
    if dtype.kind == "m":
        counts = [_NOT_A_TIME if cell is None else cell for cell in leaves]
        return np.array(counts, dtype="int64").astype(dtype).reshape(shape)
    return np.array(leaves, dtype=dtype).reshape(shape)


_PLAIN_CELLS = {"kind": "json"}
_NOT_A_TIME = -(2**63)


def _leaves(cells: Any, axes: int) -> list[Any]:
    """Return the cells of lists nested ``axes`` deep; a cell may be a list itself."""
    if axes == 0:
        return [cells]
    leaves: list[Any] = cells
    for _ in range(axes - 1):
        leaves = [cell for row in leaves for cell in row]
    return leaves


def _objects(cells: list[Any]) -> Any:
    import numpy as np

    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column


def _table(result: list[Any], kind: Mapping[str, Any], asked: Any) -> Any:
    import pandas as pd

    index = _index(kind["index"]) if "index" in kind else pd.RangeIndex(len(result))
    if kind["kind"] == "series":
        table: Any = pd.Series(_column(result, kind), name=kind.get("name"), index=index)
    else:
        columns = {
            _label(field): pd.Series(
                _column([row[field["name"]] for row in result], field), index=index
            )
            for field in kind["fields"]
        }
        table = pd.DataFrame(columns, index=index, columns=list(columns))
    if "index" not in kind and _same_rows(table, asked):
        table.index = asked.index
    return table


def _index(levels: list[Mapping[str, Any]]) -> Any:
    import pandas as pd

    names = [level.get("name") for level in levels]
    columns = [_column(level["values"], level) for level in levels]
    if len(columns) > 1:
        return pd.MultiIndex.from_arrays(columns, names=names)
    return pd.Index(columns[0], name=names[0])


def _label(field: Mapping[str, Any]) -> str | int:
    return int(field["name"]) if field.get("label") == "int" else str(field["name"])


def _same_rows(table: Any, asked: Any) -> bool:
    pandas = type(asked).__module__.partition(".")[0] == "pandas" and hasattr(asked, "index")
    return pandas and len(asked.index) == len(table)


def _column(cells: list[Any], kind: Mapping[str, Any]) -> Any:
    import pandas as pd

    storage = kind["storage"]
    if storage == "category":
        levels = pd.Index(_column(kind["levels"], kind["levelType"]))
        dtype = pd.CategoricalDtype(levels, ordered=kind["ordered"])
        code = {level: number for number, level in enumerate(kind["levels"])}
        return pd.Categorical.from_codes(
            [-1 if cell is None else code[cell] for cell in cells], dtype=dtype
        )
    if storage.startswith("datetime64"):
        return _stamps(cells, pd.api.types.pandas_dtype(storage))
    if storage.startswith("timedelta64"):
        return pd.to_timedelta(cells).array.astype(storage)
    if storage == "object":
        return pd.Series(_objects(_cells(cells, kind.get("cells", _PLAIN_CELLS))), dtype=object)
    return pd.array(cells, dtype=storage)


def _stamps(cells: list[Any], dtype: Any) -> Any:
    """Read times one by one, as their offsets differ where a zone changes to summer time."""
    import numpy as np
    import pandas as pd

    zone = getattr(dtype, "tz", None)
    stamps = [None if cell is None else pd.Timestamp(cell) for cell in cells]
    if zone is not None:
        stamps = [stamp and stamp.tz_convert(None) for stamp in stamps]
    unit = np.datetime_data(getattr(dtype, "base", dtype))[0]
    texts = ["NaT" if stamp is None else stamp.isoformat() for stamp in stamps]
    index = pd.DatetimeIndex(np.array(texts, dtype=f"datetime64[{unit}]"))
    return (index.tz_localize("UTC").tz_convert(zone) if zone is not None else index).array
