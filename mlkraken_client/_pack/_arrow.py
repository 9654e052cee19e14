"""Tables as Arrow IPC streams, by nanoarrow: for the example a bundle carries."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["write_arrow"]

_TYPES = {
    "string": "string",
    "category": "string",
    "decimal": "string",
    "json": "string",
    "any": "string",
    "date": "string",
    "bytes": "binary",
    "bool": "bool_",
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"float{bits}" for bits in (32, 64)},
    "float16": "float32",
}


def write_arrow(columns: Mapping[str, Sequence[Any]], fields: Sequence[Mapping[str, Any]]) -> bytes:
    """Return columns of JSON cells as an Arrow IPC stream.

    Parameters
    ----------
    columns
        Cells by column name, as they travel in JSON.
    fields
        The signature's fields, in order.
    """
    import nanoarrow as na
    from nanoarrow import ipc

    arrays = [_array(na, columns[field["name"]], field) for field in fields]
    names = [field["name"] for field in fields]
    schema = na.struct(
        {name: na.Schema(array.schema) for name, array in zip(names, arrays, strict=True)}
    )
    rows = len(columns[names[0]]) if names else 0
    batch = na.c_array_from_buffers(schema, rows, buffers=[None], children=arrays)
    stream = io.BytesIO()
    with ipc.StreamWriter.from_writable(stream) as writer:
        writer.write_stream(na.c_array_stream(batch))
    return stream.getvalue()


def _array(na: Any, cells: Sequence[Any], field: Mapping[str, Any]) -> Any:
    dtype = field["dtype"]
    if dtype in ("datetime", "timedelta"):
        return _times(na, cells, field)
    if dtype == "category":
        dtype = _level_dtype(field)
    return na.c_array([_cell(cell, dtype) for cell in cells], getattr(na, _TYPES[dtype])())


def _times(na: Any, cells: Sequence[Any], field: Mapping[str, Any]) -> Any:
    """Write times as whole numbers of the column's own unit: nothing is rounded."""
    import pandas as pd

    stamp = field["dtype"] == "datetime"
    parse, unit = (pd.Timestamp if stamp else pd.Timedelta), field["unit"]
    kind = na.timestamp(unit, field.get("tz") or None) if stamp else na.duration(unit)
    whole = [
        None if cell is None else int(parse(cell).as_unit(unit).asm8.view("int64"))
        for cell in cells
    ]
    return na.c_array(whole, kind)


def _level_dtype(field: Mapping[str, Any]) -> str:
    levels = field.get("levels") or []
    if levels and all(isinstance(level, bool) for level in levels):
        return "bool"
    if levels and all(isinstance(level, int) for level in levels):
        return "int64"
    return "float64" if levels and all(isinstance(level, float) for level in levels) else "string"


def _cell(cell: Any, dtype: str) -> Any:
    is_nan = isinstance(cell, float) and cell != cell  # noqa: PLR0124
    if cell is None or (is_nan and not dtype.startswith("float")):
        return None
    if dtype == "bytes":
        return base64.b64decode(cell)
    if dtype in ("json", "any"):
        return json.dumps(cell)
    return cell
