"""The shapes in which a query's data travels through the server.

A codec makes one of these from bytes, batching joins several of one kind, an engine turns it
into what the model takes.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from mlkraken_serving._manifest import Signature

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Items", "ModelInput", "Single", "Table", "Tensor", "join"]


_NESTED = ("json", "any")


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns of equal length, as ``signature`` describes them; ``None`` is missing."""

    columns: dict[str, list[Any]]
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
    columns: dict[str, list[Any]] = {name: [] for name in first.columns}
    for part in parts:
        assert isinstance(part, Table)
        for name, values in part.columns.items():
            columns[name] += values
    for field in first.signature.fields:
        if field.dtype in _NESTED:
            columns[field.name] = [_own(value) for value in columns[field.name]]
    return Table(columns, sum(part.rows for part in parts), first.signature)


def _own(value: Any) -> Any:
    return copy.deepcopy(value) if isinstance(value, (dict, list)) else value


def _items(part: ModelInput) -> list[Any]:
    assert isinstance(part, Items)
    return part.values


def _array(part: ModelInput) -> np.typing.NDArray[Any]:
    assert isinstance(part, Tensor)
    return part.array
