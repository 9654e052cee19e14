"""Python values to ``modelData``, exactly.

A missing value keeps its kind (NaN stays NaN, None stays None), an infinity stays one.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
from collections.abc import Mapping
from typing import Any

from mlkraken_client._errors import InputRefused, PackError
from mlkraken_client._objects import is_sparse
from mlkraken_client._signature import describe_input

__all__ = ["encode", "encode_request", "plain", "series_cells"]

_ATOMS = frozenset([str, int, float, bool, type(None)])


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
    if is_sparse(value) and not any("sparse" in field for field in signature["fields"]):
        raise InputRefused(
            "input_unsupported",
            f"The model takes dense rows, not a sparse matrix ({type(value).__name__}).",
            "Send service.predict(X.toarray()), or deploy with a sparse example=X[:5].",
        )
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
    return type(value).__module__.partition(".")[0] in ("pandas", "numpy", "scipy")


def _data(value: Any) -> Any:
    module, name = type(value).__module__.partition(".")[0], type(value).__name__
    if module == "pandas" and name == "DataFrame":
        return _columns(value)
    if module == "pandas" and name == "Series":
        return series_cells(value)
    if module == "numpy" and getattr(value, "ndim", 0) > 0:
        return value.tolist() if value.dtype.kind in "biufU" else plain(value.tolist())
    if module == "polars" and name == "DataFrame":
        return {column: plain(cells) for column, cells in value.to_dict(as_series=False).items()}
    if is_sparse(value):
        return _coordinates(value)
    return plain(value)


def _coordinates(matrix: Any) -> dict[str, Any]:
    """Return a sparse matrix by the places where something is."""
    places = matrix.tocoo()
    return {
        "shape": [int(size) for size in places.shape],
        "row": places.row.tolist(),
        "col": places.col.tolist(),
        "data": places.data.tolist(),
    }


def _columns(frame: Any) -> dict[str, list[Any]]:
    """Return a table's cells by column; of one row cell by cell, which takes a third as long."""
    if len(frame) != 1:
        return {str(label): series_cells(column) for label, column in frame.items()}
    row = [frame.iat[0, place] for place in range(frame.shape[1])]
    if any(map(_is_nan, row)):
        row = [
            None if _is_nan(cell) and type(dtype).__name__ == "CategoricalDtype" else cell
            for cell, dtype in zip(row, frame.dtypes, strict=True)
        ]
    return {str(label): [plain(cell)] for label, cell in zip(frame.columns, row, strict=True)}


def _is_nan(cell: Any) -> bool:
    return isinstance(cell, float) and cell != cell  # noqa: PLR0124


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
    if type(value) in _ATOMS:
        return value
    if isinstance(value, (str, int, float)):
        return value.item() if hasattr(value, "item") else _builtin(value)
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
    if module in ("numpy", "pandas") or is_sparse(value):
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


def _builtin(value: str | float) -> str | float:
    """Return a text of a class of its own as text; json writes numbers as they are."""
    return str(value) if isinstance(value, str) else value


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
