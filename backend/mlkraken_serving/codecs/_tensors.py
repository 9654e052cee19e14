"""Nested JSON lists to a numpy array of the example's dtype and shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlkraken_serving._errors import InputError
from mlkraken_serving._manifest import Field
from mlkraken_serving._values import Tensor
from mlkraken_serving.codecs._columns import ColumnReader

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["TensorReader"]


class TensorReader:
    """Reads tensors like the example's, whose first axis is the rows."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._column = ColumnReader(field)

    def read(self, data: Any, *, exact: bool) -> Tensor:
        """Return ``data`` (nested lists, or one flat row) as rows.

        Raises
        ------
        InputError
            ``shape_mismatch``, ``value_mistyped`` or ``value_missing``.
        """
        import numpy as np

        leaves: list[Any] = []
        shape = _flatten(data, leaves)
        if self._field.dtype == "any":
            return Tensor(self._rows(np.array(leaves).reshape(shape)))
        cells = self._column.cells(leaves, exact=exact)
        dtype = np.dtype(self._field.storage or self._field.dtype)
        return Tensor(self._rows(np.array(cells, dtype=dtype).reshape(shape)))

    def _rows(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        shape = self._field.shape or [-1]
        if array.ndim == len(shape) - 1 and _fits(array.shape, shape[1:]):
            return array[None]
        if array.ndim == len(shape) and _fits(array.shape[1:], shape[1:]):
            return array
        if array.size == 0 and array.ndim == 1:
            return array.reshape([0, *(max(size, 0) for size in shape[1:])])
        wanted = " x ".join("rows" if size == -1 else str(size) for size in shape)
        raise InputError(
            "shape_mismatch",
            f"modelData has the shape {' x '.join(map(str, array.shape)) or 'of one value'}; "
            f"the model takes {wanted}.",
            "Send a list of rows, each of the example's shape.",
        )


def _fits(got: tuple[int, ...], wanted: list[int]) -> bool:
    return all(want in (-1, have) for have, want in zip(got, wanted, strict=True))


def _flatten(data: Any, into: list[Any]) -> tuple[int, ...]:
    """Append the leaves of nested lists to ``into`` and return their shape."""
    if not isinstance(data, list):
        into.append(data)
        return ()
    shapes = {_flatten(part, into) for part in data}
    if len(shapes) > 1:
        raise InputError(
            "shape_mismatch",
            "The nested lists differ in length, so they are not a matrix.",
            "Send as many values in every row.",
        )
    return (len(data), *(shapes.pop() if shapes else ()))
