"""Tensors of the Open Inference Protocol: their datatypes, and raw bytes to and from numpy.

Raw numbers are little-endian, row by row, without padding. Raw BYTES are elements one after
another, each after its length in 4 bytes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlkraken_serving._errors import BodyError
from mlkraken_serving.codecs._columns import shown

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "DATATYPES",
    "OipTensor",
    "count_of",
    "datatype_of",
    "dtype_named",
    "framed",
    "from_bytes",
    "spoken",
]

_BITS = (8, 16, 32, 64)

DATATYPES = {
    "BOOL": "?",
    **{f"UINT{bits}": f"<u{bits // 8}" for bits in _BITS},
    **{f"INT{bits}": f"<i{bits // 8}" for bits in _BITS},
    **{f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
    "BF16": "<u2",
    "BYTES": "O",
}
"""numpy's name of every datatype; BF16, which numpy has not, by the integers that hold its bits."""

_BY_NAME = {
    "bool": "BOOL",
    **{f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in _BITS},
    **{f"float{bits}": f"FP{bits}" for bits in (16, 32, 64)},
}
_MOST_AXES = 32
_MOST_VALUES = 2**48
_MOST_EMPTY = 2**16
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class OipTensor:
    """One tensor of a request.

    ``values`` is an array of ``shape`` for numbers of which none is missing; otherwise the flat
    list of cells: numbers, `str` or `bytes`, and None for null.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: npt.NDArray[Any] | list[Any]

    def flat(self) -> list[Any]:
        """Return the cells as Python values, row by row."""
        return self.values if isinstance(self.values, list) else self.values.ravel().tolist()


def datatype_of(array: npt.NDArray[Any]) -> str:
    """Return the datatype of an array of numbers, text or bytes."""
    return _BY_NAME.get(array.dtype.name, "BYTES")


def from_bytes(name: str, datatype: str, shape: tuple[int, ...], raw: memoryview) -> OipTensor:
    """Read a tensor from its raw bytes; numbers are a view of them, which cannot be written to.

    Raises
    ------
    BodyError
        ``tensor_datatype``, ``tensor_shape`` or ``tensor_bytes``.
    """
    import numpy as np

    dtype = dtype_named(name, datatype)
    count = count_of(name, shape)
    if datatype == "BYTES":
        return OipTensor(name, datatype, shape, _unframed(name, raw, count))
    size = np.dtype(dtype).itemsize
    if len(raw) != count * size:
        raise BodyError(
            "tensor_bytes",
            f"Input {name!r} has {len(raw)} bytes; {spoken(shape)} of {datatype} are "
            f"{count * size}.",
            "Make binary_data_size, shape and datatype agree.",
        )
    array = np.frombuffer(raw, dtype=dtype)
    if datatype == "BOOL":
        array = array.view("u1") != 0  # a byte that is neither would be a truth value of its own
    if datatype == "BF16":
        array = (array.astype("<u4") << 16).view("<f4")
    return OipTensor(name, datatype, shape, array.reshape(shape))


def framed(elements: Sequence[bytes]) -> bytes:
    """Return raw BYTES: each element after its length."""
    pack = _LENGTH.pack
    return b"".join(part for element in elements for part in (pack(len(element)), element))


def dtype_named(name: str, datatype: Any) -> str:
    """Return numpy's name of a datatype; input ``name`` is blamed for one that is none."""
    dtype = DATATYPES.get(datatype) if isinstance(datatype, str) else None
    if dtype is None:
        raise BodyError(
            "tensor_datatype",
            f"Input {name!r} has the datatype {shown(datatype)}.",
            f"The datatypes are {', '.join(DATATYPES)}.",
        )
    return dtype


def count_of(name: str, shape: tuple[int, ...]) -> int:
    """Return how many values a shape has; input ``name`` is blamed for an absurd one."""
    # Lists of nothing cost memory, too: 2 ** 40 x 0 is 2 ** 40 of them, in no bytes.
    lists = math.prod(shape[: shape.index(0)]) if 0 in shape else 1
    size = math.prod(size or 1 for size in shape)
    if len(shape) > _MOST_AXES or size > _MOST_VALUES or lists > _MOST_EMPTY:
        raise BodyError(
            "tensor_shape",
            f"Input {name!r} has {spoken(shape)}, which no memory holds.",
            "Send the shape of the data.",
        )
    return math.prod(shape)


def spoken(shape: tuple[int, ...]) -> str:
    """Return a shape in words, for messages."""
    text = " x ".join(map(str, shape[:8])) + (" ..." if len(shape) > 8 else "")
    return f"the shape {text or 'of one value'}"


def _unframed(name: str, raw: memoryview, count: int) -> list[bytes]:
    elements: list[bytes] = []
    at = 0
    while at + 4 <= len(raw) and len(elements) <= count:
        (length,) = _LENGTH.unpack_from(raw, at)
        if at + 4 + length > len(raw):
            break
        elements.append(bytes(raw[at + 4 : at + 4 + length]))
        at += 4 + length
    if at != len(raw) or len(elements) != count:
        raise BodyError(
            "tensor_bytes",
            f"The {len(raw)} bytes of input {name!r} are not {count} elements, each after its "
            "length in 4 little-endian bytes.",
            "Make binary_data_size and shape agree with the data.",
        )
    return elements
