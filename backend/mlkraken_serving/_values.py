"""The shapes in which a query's data travels through the server.

A codec makes one of these from bytes, batching joins several of one kind, an engine turns it
into what the model takes.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from mlkraken_serving._manifest import Signature

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Column", "Items", "ModelInput", "Single", "Table", "Tensor", "join"]

Column: TypeAlias = "list[Any] | npt.NDArray[Any]"
"""Cells of one column: Python values, ``None`` where one is missing; or, where nothing is, an array
of the dtype that the field's storage is made of, which the model may write to."""

_NESTED = ("json", "any")


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns of equal length, as ``signature`` describes them."""

    columns: Mapping[str, Column]
    rows: int
    signature: Signature


@dataclass(frozen=True, slots=True)
class Tensor:
    """A numpy array whose first axis is the rows."""

    array: npt.NDArray[Any]

    @property
    def rows(self) -> int:
        return int(self.array.shape[0])


@dataclass(frozen=True, slots=True)
class Items:
    """A list of values, one a row.

    ``each`` tells that the model takes them one by one, not as a list.
    """

    values: list[Any]
    each: bool = False

    @property
    def rows(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Single:
    """One value that the model takes whole and answers with one value."""

    value: Any
    rows: int = 1


ModelInput: TypeAlias = Table | Tensor | Items | Single


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
    import numpy as np

    return Tensor(np.concatenate([_array(part) for part in parts]))


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


def _array(part: ModelInput) -> np.typing.NDArray[Any]:
    assert isinstance(part, Tensor)
    return part.array
