"""How a query's columns go into the graph: numbers in one array, texts in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mlkraken_client._compile._errors import Unconvertible

__all__ = ["MISSING", "Column", "Layout", "layout_of"]

MISSING = "\ue000missing"
"""Stands for a missing text, for which the graph has no word."""

_NUMBERS = ("int", "uint", "float", "bool")


@dataclass(frozen=True)
class Column:
    """One column of the model's input.

    ``storage`` is the dtype that the notebook's data had: a number is rounded to it before it
    goes on in double precision.
    """

    name: str
    kind: Literal["number", "text"]
    storage: str

    @property
    def whole(self) -> bool:
        return np.dtype(self.storage).kind in "biu" if self.kind == "number" else False


@dataclass(frozen=True)
class Layout:
    """All columns in order, and whether the model takes a table or a matrix."""

    table: bool
    columns: Sequence[Column]

    @property
    def groups(self) -> dict[str, list[int]]:
        """Places of the columns that travel together, by the name of the graph's input."""
        found: dict[str, list[int]] = {}
        for place, column in enumerate(self.columns):
            found.setdefault(f"{column.kind}s", []).append(place)
        return found

    def feeds(self, rows: Any) -> dict[str, npt.NDArray[Any]]:
        """Return rows of the model's own type as the arrays that the graph takes."""
        if not self.table:
            return {"numbers": np.ascontiguousarray(rows, dtype=np.float64)}
        return {
            name: np.column_stack([self._cells(rows, place) for place in places])
            for name, places in self.groups.items()
        }

    def _cells(self, rows: Any, place: int) -> npt.NDArray[Any]:
        column = rows.iloc[:, place]
        if self.columns[place].kind == "number":
            return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
        cells = np.empty(len(column), dtype=object)
        cells[:] = column
        cells[column.isna()] = MISSING
        return cells


def layout_of(signature: Mapping[str, Any]) -> Layout:
    """Return the layout for a signature.

    Raises
    ------
    Unconvertible
        A column is neither numbers nor text, or the input is neither a table nor a matrix.
    """
    fields = signature["fields"]
    if signature["kind"] == "ndarray" and len(fields[0].get("shape", ())) == 2:
        field = fields[0]
        if _kind(field) == "number":
            width = field["shape"][1]
            return Layout(False, [Column("", "number", field["storage"])] * width)
    if signature["kind"] != "dataframe" or not all("storage" in field for field in fields):
        raise Unconvertible("only models with an example that is a DataFrame or matrix of numbers")
    return Layout(True, [_column(field) for field in fields])


def _column(field: Mapping[str, Any]) -> Column:
    kind = _kind(field)
    if not kind:
        what = "categories that are not text" if field["dtype"] == "category" else field["dtype"]
        raise Unconvertible(f"the column {field['name']!r} is {what}")
    # pandas' nullable Int64 and boolean are numpy's int64 and bool with a capital or a longer name
    storage = {"boolean": "bool"}.get(field["storage"], field["storage"].lower())
    return Column(field["name"], kind, storage if kind == "number" else "object")


def _kind(field: Mapping[str, Any]) -> Literal["number", "text"] | None:
    dtype = field["dtype"]
    if dtype.startswith(_NUMBERS):
        return "number"
    texts = dtype == "category" and all(isinstance(level, str) for level in field["levels"])
    return "text" if dtype == "string" or texts else None
