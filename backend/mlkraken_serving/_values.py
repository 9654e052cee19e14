"""The shapes in which a query's data travels through the server.

A codec makes one of these from bytes, batching joins several of one kind, an engine turns it
into what the model takes.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from mlkraken_serving._manifest import Signature

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Column", "Items", "ModelInput", "Rows", "Single", "Table", "Tensor", "Tuned", "join"]

Column: TypeAlias = "list[Any] | npt.NDArray[Any]"
"""Cells of one column: Python values, ``None`` where one is missing; or, where nothing is, an array
of the dtype that the field's storage is made of, which the model may write to."""

_NESTED = ("json", "any")


class Table(msgspec.Struct, frozen=True):
    """Named columns of equal length, as ``signature`` describes them."""

    columns: Mapping[str, Column]
    rows: int
    signature: Signature


class Tensor:
    """A numpy array, or scipy's sparse matrix, whose first axis is the rows.

    Parameters
    ----------
    array
        The array; see `of_rows` for one that is made only when it is needed.
    """

    __slots__ = ("_array", "_values", "dtype", "rows", "shape")

    def __init__(self, array: npt.NDArray[Any]) -> None:
        self._array: npt.NDArray[Any] | None = array
        self._values: list[list[Any]] = []
        self.dtype = array.dtype
        self.shape: tuple[int, ...] = array.shape
        self.rows: int = array.shape[0]

    @classmethod
    def of_rows(cls, values: list[list[Any]], width: int, dtype: np.dtype[Any]) -> Tensor:
        """Return a matrix of ``values``, lists of ``width`` numbers each.

        Rows of many queries are made into one array at once: an array a query would take as
        long as the rest of its reading.
        """
        tensor = cls.__new__(cls)
        tensor._array = None
        tensor._values = values
        tensor.dtype = dtype
        tensor.rows = len(values)
        tensor.shape = (tensor.rows, width)
        return tensor

    @property
    def array(self) -> npt.NDArray[Any]:
        if self._array is None:
            import numpy as np

            self._array = np.array(self._values, dtype=self.dtype)
        return self._array

    @staticmethod
    def joined(parts: Sequence[Tensor]) -> Tensor:
        """Return the rows of all below each other."""
        import numpy as np

        if all(part._array is None for part in parts):
            values = [row for part in parts for row in part._values]
            return Tensor.of_rows(values, parts[0].shape[1], parts[0].dtype)
        arrays = [part.array for part in parts]
        sparse = next((type(array) for array in arrays if hasattr(array, "tocsr")), None)
        if sparse is not None:
            vstack = importlib.import_module("scipy.sparse").vstack
            return Tensor(sparse(vstack([sparse(array) for array in arrays])))
        return Tensor(np.concatenate(arrays))


class Items(msgspec.Struct, frozen=True):
    """A list of values, one a row.

    ``each`` tells that the model takes them one by one, not as a list.
    """

    values: list[Any]
    each: bool = False

    @property
    def rows(self) -> int:
        return len(self.values)


class Single(msgspec.Struct, frozen=True):
    """One value that the model takes whole and answers with one value."""

    value: Any
    rows: int = 1


Rows: TypeAlias = Table | Tensor | Items | Single


class Tuned(msgspec.Struct, frozen=True):
    """Rows, and parameters of the model's method for this call only: never joined with others."""

    data: Rows
    parameters: dict[str, Any]

    @property
    def rows(self) -> int:
        return self.data.rows


ModelInput: TypeAlias = Rows | Tuned


def join(parts: Sequence[ModelInput]) -> ModelInput:
    """Put the rows of ``parts``, all of one kind and none a `Single`, below each other.

    What the model changes in the joined rows does not change ``parts``: when one row makes the
    call fail, they are predicted again on their own.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, Table):
        return _joined_tables(first, parts)
    if isinstance(first, Items):
        return Items([_own(value) for part in parts for value in _items(part)], first.each)
    return Tensor.joined([_tensor(part) for part in parts])


def _joined_tables(first: Table, parts: Sequence[ModelInput]) -> Table:
    cells: dict[str, list[Any]] = {name: [] for name in first.columns}
    arrays: dict[str, list[npt.NDArray[Any]]] = {}
    for part in parts:
        assert isinstance(part, Table)
        for name, values in part.columns.items():
            if type(values) is list:
                cells[name] += values
            else:
                arrays.setdefault(name, []).append(values)  # type: ignore[arg-type]
    for field in first.signature.fields:
        if field.dtype in _NESTED:
            cells[field.name] = [_own(value) for value in cells[field.name]]
    columns = {**cells, **{name: _stacked(name, some, parts) for name, some in arrays.items()}}
    return Table(columns, sum(part.rows for part in parts), first.signature)


def _stacked(name: str, arrays: list[npt.NDArray[Any]], parts: Sequence[ModelInput]) -> Column:
    """Join a column that some parts, or all, have as an array."""
    import numpy as np

    if len(arrays) == len(parts):
        return np.concatenate(arrays)
    return [cell for part in parts if isinstance(part, Table) for cell in part.columns[name]]


def _own(value: Any) -> Any:
    return copy.deepcopy(value) if isinstance(value, (dict, list)) else value


def _items(part: ModelInput) -> list[Any]:
    assert isinstance(part, Items)
    return part.values


def _tensor(part: ModelInput) -> Tensor:
    assert isinstance(part, Tensor)
    return part
