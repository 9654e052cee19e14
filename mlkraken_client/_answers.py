"""Answers back to the very Python values that the model returned.

``metaData.resultType`` tells which array, table or object to rebuild from plain JSON.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["decode"]


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
    if what == "sparse":
        return _sparse(result, kind)
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


def _sparse(result: Mapping[str, Any], kind: Mapping[str, Any]) -> Any:
    import numpy as np

    scipy = importlib.import_module("scipy.sparse")
    cells = np.array(result["data"], dtype=kind["dtype"])
    matrix = scipy.coo_matrix((cells, (result["row"], result["col"])), shape=result["shape"])
    return getattr(scipy, kind["format"])(matrix)


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
    if storage[0] in "fiu":  # numpy's; pandas would read the largest uint64 by way of floats
        import numpy as np

        return np.array(cells, dtype=storage)
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
