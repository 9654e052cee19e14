"""Nested JSON lists to a numpy array of the example's dtype and shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mlkraken_serving._errors import InputError
from mlkraken_serving._manifest import Field
from mlkraken_serving._values import Tensor
from mlkraken_serving.codecs._casts import cast, owned
from mlkraken_serving.codecs._columns import ColumnReader

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["TensorReader"]

_AXES = 32
"""Most axes that every numpy can hold."""


class TensorReader:
    """Reads tensors like the example's, whose first axis is the rows."""

    def __init__(self, field: Field) -> None:
        import numpy as np

        self._field = field
        self._column = ColumnReader(field, self._place)
        self._shape = field.shape or [-1]
        self._per_row = math.prod(max(size, 1) for size in self._shape[1:])
        self._dtype = np.dtype(field.storage or (object if field.dtype == "any" else field.dtype))

    def read(self, data: Any, *, exact: bool) -> Tensor:
        """Return ``data`` (nested lists, or one flat row) as rows.

        Raises
        ------
        InputError
            ``shape_mismatch``, ``value_mistyped`` or ``value_missing``.
        """
        import numpy as np

        keeps_lists = self._dtype.hasobject and bool(self._field.storage)
        leaves: list[Any] = []
        shape = self._fitted(_flatten(data, leaves, len(self._shape) if keeps_lists else _AXES))
        if keeps_lists:
            cells = self._column.cells(leaves, exact=exact)
            return Tensor(np.fromiter(cells, dtype=object, count=len(cells)).reshape(shape))
        if self._field.dtype == "any":
            return Tensor(_guessed(leaves).reshape(shape))
        cells = self._column.cells(leaves, exact=exact)
        return Tensor(np.array(cells, dtype=self._dtype).reshape(shape))

    def fit(self, array: npt.NDArray[Any]) -> Tensor:
        """Return an array of numbers as rows of the model's own dtype.

        Raises
        ------
        InputError
            ``shape_mismatch`` or ``value_mistyped``.
        """
        untyped = self._field.dtype == "any" and not self._field.storage
        if self._dtype.kind not in "biuf" and not untyped:
            return self.read(array.tolist(), exact=False)
        shaped = array.reshape(self._fitted(array.shape))
        if untyped:
            return Tensor(owned(shaped))
        return Tensor(cast(shaped, self._dtype, self._place))

    def _place(self, number: int) -> str:
        row, place = divmod(number, self._per_row)
        return f"Row {row}" + (f", value {place}" if self._per_row > 1 else "")

    def _fitted(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape with its axis of rows, if it is one that the model takes."""
        wanted = self._shape
        if len(shape) == len(wanted) - 1 and _fits(shape, wanted[1:]):
            return (1, *shape)
        if len(shape) == len(wanted) and _fits(shape[1:], wanted[1:]):
            return shape
        if shape == (0,):
            return (0, *(max(size, 0) for size in wanted[1:]))
        takes = " x ".join("rows" if size == -1 else str(size) for size in wanted)
        raise InputError(
            "shape_mismatch",
            f"The data has the shape {' x '.join(map(str, shape)) or 'of one value'}; "
            f"the model takes {takes}.",
            "Send a list of rows, each of the example's shape.",
        )


def _guessed(leaves: list[Any]) -> npt.NDArray[Any]:
    """Return an array for a model of which only the number of columns is known."""
    import numpy as np

    if any(isinstance(leaf, str) for leaf in leaves):
        return np.array(leaves, dtype=object)
    return np.array([np.nan if leaf is None else leaf for leaf in leaves])


def _fits(got: tuple[int, ...], wanted: list[int]) -> bool:
    return all(want in (-1, have) for have, want in zip(got, wanted, strict=True))


def _flatten(data: Any, into: list[Any], axes: int) -> tuple[int, ...]:
    """Append the leaves of lists nested up to ``axes`` deep to ``into`` and return their shape."""
    if axes == 0 or not isinstance(data, list):
        into.append(data)
        return ()
    shapes = {_flatten(part, into, axes - 1) for part in data}
    if len(shapes) > 1:
        raise InputError(
            "shape_mismatch",
            "The nested lists differ in length, so they are not a matrix.",
            "Send as many values in every row.",
        )
    return (len(data), *(shapes.pop() if shapes else ()))
