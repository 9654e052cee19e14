"""A model's answer as an Arrow IPC stream, written by nanoarrow."""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlkraken_serving._errors import ModelError
from mlkraken_serving.codecs._outputs import Output

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["write_arrow"]

_COARSE = ("Y", "M", "W", "D", "h", "m")
_UNITS = ("s", "ms", "us", "ns")
_SHORT = (1 << 31) - 1


def write_arrow(outputs: Sequence[Output], metadata: Mapping[str, str]) -> bytes:
    """Return outputs as the columns of one batch.

    A tensor becomes a column of fixed-size lists, text UTF-8, times whole numbers of their own
    unit with their zone.

    Parameters
    ----------
    outputs
        Of one answer.
    metadata
        Noted in the schema.

    Raises
    ------
    ModelError
        ``result_unserialisable``.
    """
    na = importlib.import_module("nanoarrow")
    ipc = importlib.import_module("nanoarrow.ipc")
    lengths = {len(output.values) for output in outputs}
    if len(lengths) > 1:
        raise _refused("columns of different lengths")
    arrays = {output.name: _array(na, output) for output in outputs}
    fields = {name: na.Schema(array.schema) for name, array in arrays.items()}
    schema = na.c_schema(na.struct(fields)).modify(
        metadata={name.encode(): text.encode() for name, text in metadata.items()}
    )
    batch = na.c_array_from_buffers(
        schema, lengths.pop() if lengths else 0, buffers=[None], children=list(arrays.values())
    )
    stream = io.BytesIO()
    with ipc.StreamWriter.from_writable(stream) as writer:
        writer.write_stream(na.c_array_stream(batch))
    return stream.getvalue()


def _array(na: Any, output: Output) -> Any:
    """Return a column: its innermost values, within a list for every axis beyond the rows."""
    values = output.values
    flat = values.reshape(-1)
    missing = None if output.missing is None else output.missing.reshape(-1)
    array = _WRITERS[output.kind](na, flat, missing, output)
    count = flat.size
    for size in reversed(values.shape[1:]):
        count = count // size if size else _product(values.shape)
        kind = na.fixed_size_list(na.Schema(array.schema), size)
        array = na.c_array_from_buffers(kind, count, buffers=[None], children=[array])
    return array


def _product(shape: Sequence[int]) -> int:
    """How many empty lists there are: as many as the axes before the empty one make."""
    count = 1
    for size in shape:
        if size == 0:
            break
        count *= size
    return count


def _numbers(na: Any, flat: npt.NDArray[Any], missing: Any, output: Output) -> Any:
    import numpy as np

    if flat.dtype.kind == "b":
        packed = np.packbits(flat, bitorder="little")
        return _from_buffers(na, na.bool_(), len(flat), missing, packed)
    native = np.ascontiguousarray(flat, dtype=flat.dtype.newbyteorder("="))
    return _from_buffers(na, getattr(na, flat.dtype.name)(), len(flat), missing, native)


def _texts(na: Any, flat: npt.NDArray[Any], missing: Any, output: Output) -> Any:
    try:
        cells = [cell.encode() for cell in flat]
    except UnicodeEncodeError:
        raise _refused("text that is half of a surrogate pair") from None
    return _bytes_of(na, cells, missing, (na.string, na.large_string))


def _raw(na: Any, flat: npt.NDArray[Any], missing: Any, output: Output) -> Any:
    return _bytes_of(na, flat.tolist(), missing, (na.binary, na.large_binary))


def _bytes_of(na: Any, cells: list[bytes], missing: Any, kinds: tuple[Any, Any]) -> Any:
    import numpy as np

    ends = np.cumsum([0, *map(len, cells)], dtype="int64")
    short = bool(ends[-1] <= _SHORT)
    kind = kinds[0] if short else kinds[1]
    offsets = ends.astype("int32") if short else ends
    return _from_buffers(na, kind(), len(cells), missing, offsets, b"".join(cells))


def _times(na: Any, flat: npt.NDArray[Any], missing: Any, output: Output) -> Any:
    import numpy as np

    unit = np.datetime_data(flat.dtype)[0]
    if unit in _COARSE and flat.dtype.kind == "M":
        flat = flat.astype("M8[s]")
    elif unit in ("W", "D", "h", "m"):
        flat = flat.astype("m8[s]")
    unit = np.datetime_data(flat.dtype)[0]
    if unit not in _UNITS or np.datetime_data(flat.dtype)[1] != 1:
        raise _refused(f"times of the numpy type {flat.dtype}")
    absent = np.isnat(flat)
    if missing is not None:
        absent |= missing
    stamp = output.kind == "time"
    kind = na.timestamp(unit, output.tz or None) if stamp else na.duration(unit)
    whole = np.ascontiguousarray(flat).astype(flat.dtype.newbyteorder("=")).view("int64")
    return _from_buffers(na, kind, len(flat), absent if absent.any() else None, whole)


def _from_buffers(
    na: Any, kind: Any, length: int, missing: npt.NDArray[np.bool_] | None, *buffers: Any
) -> Any:
    import numpy as np

    valid = None if missing is None else np.packbits(~missing, bitorder="little")
    nulls = 0 if missing is None else int(missing.sum())
    return na.c_array_from_buffers(kind, length, [valid, *buffers], null_count=nulls)


_WRITERS = {
    "number": _numbers,
    "text": _texts,
    "bytes": _raw,
    "time": _times,
    "duration": _times,
}


def _refused(what: str) -> ModelError:
    return ModelError(
        "result_unserialisable",
        f"The model answered with {what}, which Arrow cannot carry.",
        "Ask for JSON: Accept: application/json.",
    )
