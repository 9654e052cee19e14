"""The shapes in which a query's data travels through the server.

A codec makes one of these from bytes, batching joins several of one kind, an engine turns it
into what the model takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Items", "ModelInput", "Single", "Table", "Tensor", "join"]


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns of equal length; ``None`` stands for a missing value."""

    columns: dict[str, list[Any]]
    rows: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """A numpy array whose first axis is the rows."""

    array: npt.NDArray[Any]

    @property
    def rows(self) -> int:
        return int(self.array.shape[0])


@dataclass(frozen=True, slots=True)
class Items:
    """A list of values, one a row."""

    values: list[Any]

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
    """Put the rows of ``parts``, all of one kind and none a `Single`, below each other."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, Table):
        columns: dict[str, list[Any]] = {name: [] for name in first.columns}
        for part in parts:
            assert isinstance(part, Table)
            for name, values in part.columns.items():
                columns[name] += values
        return Table(columns, sum(part.rows for part in parts))
    if isinstance(first, Items):
        return Items([value for part in parts for value in _items(part)])
    import numpy as np

    return Tensor(np.concatenate([_array(part) for part in parts]))


def _items(part: ModelInput) -> list[Any]:
    assert isinstance(part, Items)
    return part.values


def _array(part: ModelInput) -> np.typing.NDArray[Any]:
    assert isinstance(part, Tensor)
    return part.array
