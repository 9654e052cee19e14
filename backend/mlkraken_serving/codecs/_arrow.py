"""Arrow IPC streams to columns of Python values, by nanoarrow.

Timestamps, durations and dates stay whole numbers of their unit, so that nothing is rounded on
the way; the engine knows what to make of them.
"""

from __future__ import annotations

import io
from typing import Any

from mlkraken_serving._errors import BodyError

__all__ = ["read_arrow"]

_AS_INTEGER = {"TIMESTAMP": "int64", "DURATION": "int64", "DATE32": "int32", "DATE64": "int64"}


def read_arrow(body: bytes) -> dict[str, list[Any]]:
    """Return the columns of an Arrow IPC stream by name.

    Raises
    ------
    BodyError
        ``body_not_arrow``.
    """
    import nanoarrow as na
    from nanoarrow import ipc

    try:
        with ipc.InputStream.from_readable(io.BytesIO(body)) as stream:
            batches = na.Array(stream)
    except (RuntimeError, ValueError, EOFError) as error:
        raise BodyError(
            "body_not_arrow",
            f"The body is not an Arrow IPC stream: {error}.",
            "Write it with pyarrow.ipc.new_stream, not as an Arrow file.",
        ) from error
    return {
        field.name: _cells(batches.child(place))
        for place, field in enumerate(batches.schema.fields)
    }


def _cells(column: Any) -> list[Any]:
    integer = _AS_INTEGER.get(column.schema.type.name)
    if integer is None:
        cells: list[Any] = column.to_pylist()
        return cells
    import nanoarrow as na

    whole = getattr(na, integer)()
    return [cell for chunk in column.iter_chunks() for cell in _recast(chunk, whole)]


def _recast(chunk: Any, schema: Any) -> list[Any]:
    """Read a chunk's storage as plain integers."""
    import nanoarrow as na

    array = na.c_array(chunk)
    view = array.view()
    same = na.c_array_from_buffers(
        schema, array.length, list(view.buffers), null_count=array.null_count, offset=array.offset
    )
    cells: list[Any] = na.Array(same).to_pylist()
    return cells
