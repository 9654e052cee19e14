"""A query's rows as the arrays of a compiled graph, if all of them are such as were proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlkraken_serving._manifest import CompiledInput, Signature
from mlkraken_serving._values import ModelInput, Table, Tensor

__all__ = ["FeedBuilder"]

_MISSING = "\ue000missing"
"""What the compiled graph knows a missing text by; the client's layout has the same word."""


class FeedBuilder:
    """Builds the arrays for one compiled graph.

    Parameters
    ----------
    inputs
        The graph's inputs, and for which values agreement was proven.
    signature
        The model's signature, for the precision of every column.
    """

    def __init__(self, inputs: Sequence[CompiledInput], signature: Signature) -> None:
        self._numbers = [_Numbers(item, signature) for item in inputs if item.most is not None]
        self._texts = [_Texts(item) for item in inputs if item.known is not None]

    def build(self, data: ModelInput) -> dict[str, npt.NDArray[Any]] | None:
        """Return the arrays; None when the original has to answer."""
        if data.rows == 0:
            return None
        if isinstance(data, Table):
            return self._of_table(data)
        if isinstance(data, Tensor) and not self._texts:
            return _all({group.name: group.of_matrix(data.array) for group in self._numbers})
        return None

    def _of_table(self, data: Table) -> dict[str, npt.NDArray[Any]] | None:
        feeds = {group.name: group.of_columns(data.columns) for group in self._numbers}
        feeds |= {group.name: group.of_columns(data.columns) for group in self._texts}
        return _all(feeds)


def _all(feeds: dict[str, npt.NDArray[Any] | None]) -> dict[str, npt.NDArray[Any]] | None:
    whole = {name: array for name, array in feeds.items() if array is not None}
    return whole if len(whole) == len(feeds) else None


class _Numbers:
    """The numbers of a query in double precision, each rounded to its column's own first."""

    def __init__(self, item: CompiledInput, signature: Signature) -> None:
        self.name = item.name
        self._columns = item.columns
        self._most = np.array(item.most)
        self._strict = ~np.array(item.missing, dtype=bool)
        storage = {field.name: field.storage for field in signature.fields}
        narrow = ("float16", "float32", "Float32")
        self._narrow = [
            (place, storage[name].lower())
            for place, name in enumerate(item.columns)
            if storage[name] in narrow
        ]

    def of_columns(self, columns: Mapping[str, Any]) -> npt.NDArray[Any] | None:
        try:
            by_column = np.array([columns[name] for name in self._columns], dtype=np.float64)
        except (TypeError, ValueError, OverflowError):  # what only the original knows how to take
            return None
        matrix = np.ascontiguousarray(by_column.T)
        for place, storage in self._narrow:
            matrix[:, place] = matrix[:, place].astype(storage)
        return self._checked(matrix)

    def of_matrix(self, array: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        if array.ndim != 2 or array.shape[1] != len(self._most) or array.dtype.kind not in "biuf":
            return None
        return self._checked(np.ascontiguousarray(array, dtype=np.float64))

    def _checked(self, matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
        within = np.abs(matrix) <= self._most
        if within.all():
            return matrix
        missing = np.isnan(matrix)
        return matrix if (within | missing).all() and not missing[:, self._strict].any() else None


class _Texts:
    def __init__(self, item: CompiledInput) -> None:
        self.name = item.name
        assert item.known is not None
        self._columns = [
            (name, missing, None if known is None else frozenset(known))
            for name, missing, known in zip(item.columns, item.missing, item.known, strict=True)
        ]

    def of_columns(self, columns: Mapping[str, Any]) -> npt.NDArray[Any] | None:
        feeds = []
        for name, missing, known in self._columns:
            column = columns[name]
            cells = column if isinstance(column, list) else column.tolist()
            if any(type(cell) is not str for cell in cells):
                if not missing:
                    return None
                present = [cell for cell in cells if type(cell) is str]
                cells = [cell if type(cell) is str else _MISSING for cell in cells]
            else:
                present = cells
            if known is not None and not known.issuperset(present):
                return None
            feeds.append(cells)
        return np.array(list(zip(*feeds, strict=True)), dtype=object)
