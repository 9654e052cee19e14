"""JSON data of the Open Inference Protocol to tensors."""

from __future__ import annotations

import base64
import binascii
import itertools
import math
from typing import TYPE_CHECKING, Any

from mlkraken_serving._errors import BodyError
from mlkraken_serving._manifest import Field
from mlkraken_serving.codecs._casts import cast
from mlkraken_serving.codecs._columns import ColumnReader, shown
from mlkraken_serving.codecs._oip_tensors import OipTensor, count_of, dtype_named, spoken

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["from_json"]

_MOST_AXES = 32


def from_json(
    name: str, datatype: str, shape: tuple[int, ...], data: Any, *, encoded: bool = False
) -> OipTensor:
    """Read a tensor from its JSON data, nested or flat; null is a missing value.

    Parameters
    ----------
    name, datatype, shape
        As the request says.
    data
        Parsed JSON.
    encoded
        Whether elements of BYTES are base64; otherwise they are text.

    Raises
    ------
    BodyError
        ``tensor_datatype``, ``tensor_shape`` or ``tensor_data``.
    InputError
        ``value_mistyped``: a value is not of the datatype.
    """
    dtype = dtype_named(name, datatype)
    count = count_of(name, shape)
    if datatype == "BF16":
        raise BodyError(
            "tensor_datatype", f"Input {name!r}: BF16 has no JSON form.", "Send it as binary data."
        )
    if hasattr(data, "dtype"):  # as `parse_large` has read and checked it
        return OipTensor(name, datatype, shape, data.reshape(shape))
    if not isinstance(data, list):
        data = [data]
    flat: list[Any] = data
    if data and isinstance(data[0], list):
        flat, nested = _flatten(name, data)
        _check_shape(name, shape, nested, nested=True)
    elif len(data) != count:
        _check_shape(name, shape, (len(data),), nested=False)
    if datatype == "BYTES":
        cells = [_element(name, number, cell, encoded) for number, cell in enumerate(flat)]
        return OipTensor(name, datatype, shape, cells)
    values = _numbers(name, flat, dtype)
    return OipTensor(
        name, datatype, shape, values if isinstance(values, list) else values.reshape(shape)
    )


def _check_shape(name: str, wanted: tuple[int, ...], got: tuple[int, ...], *, nested: bool) -> None:
    if got == wanted or (not nested and got == (math.prod(wanted),)):
        return
    if 0 in got and got == wanted[: len(got)]:  # an empty list tells nothing of further axes
        return
    told = f"nested lists of {spoken(got)}" if nested else f"{got[0]} values"
    raise BodyError(
        "tensor_shape",
        f"Input {name!r} has {spoken(wanted)}, but its data is {told}.",
        "Send the data flat, row by row, or nested as the shape says.",
    )


def _flatten(name: str, data: list[Any]) -> tuple[list[Any], tuple[int, ...]]:
    """Return what nested lists hold, and their shape; level by level, which is quick."""
    shape = [len(data)]
    while data and isinstance(data[0], list) and len(shape) <= _MOST_AXES:
        widths = {len(part) if isinstance(part, list) else -1 for part in data}
        if len(widths) > 1:
            raise BodyError(
                "tensor_shape",
                f"The nested lists of input {name!r} differ in length.",
                "Send as many values in every row.",
            )
        shape.append(widths.pop())
        data = list(itertools.chain.from_iterable(data))
    return data, tuple(shape)


def _element(name: str, number: int, cell: Any, encoded: bool) -> Any:
    if cell is None or cell != cell:  # noqa: PLR0124 - NaN is how pandas marks missing text
        return None
    problem = "is not a string"
    if isinstance(cell, str):
        if not encoded:
            return cell
        try:
            return base64.b64decode(cell, validate=True)
        except (binascii.Error, ValueError):
            problem = "is not base64"
    raise BodyError(
        "tensor_data",
        f"Input {name!r}, value {number}: {shown(cell)} {problem}.",
        "BYTES are strings; base64 where parameters.content_type says so.",
    )


def _numbers(name: str, flat: list[Any], dtype: str) -> npt.NDArray[Any] | list[Any]:
    """Return an array, or the list where something is missing."""
    import numpy as np

    def place(number: int) -> str:
        return f"Input {name!r}, value {number}"

    target = np.dtype(dtype)
    kinds = set(map(type, flat))
    if not flat or (kinds == {float} and target.name == "float64"):
        return np.array(flat, dtype=target)
    if kinds == {int} and target.kind in "iu":
        whole = np.array(flat)
        if whole.dtype.kind in "iu":
            return cast(whole, target, place)
    # Cell by cell, because numpy would take truth values, text and halves for integers.
    if target.kind != "f":
        flat = [None if cell != cell else cell for cell in flat]  # noqa: PLR0124 - so is NaN
    cells = ColumnReader(Field(name, target.name), place).cells(flat, exact=True)
    if not any(cell is None for cell in cells):
        return np.array(cells, dtype=target)
    if target.kind == "f":
        return [None if cell is None else float(target.type(cell)) for cell in cells]
    return cells
