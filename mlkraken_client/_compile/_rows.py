"""Rows made to provoke differences: around the example, at its edges, beyond what it knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlkraken_client._compile._convert import parts
from mlkraken_client._compile._layout import Layout

__all__ = ["BASE_ROWS", "POWERS", "Cells", "Maker", "Special"]

BASE_ROWS = 1000
POWERS = (1e3, 1e6, 1e9, 1e15, 1e30, 3e38, 1e100, 1e300)
"""Sizes of numbers that are tried, one after the other, until both no longer agree."""

Cells = list[npt.NDArray[Any]]
"""One array a column; a missing number is NaN, a missing text None."""

_STRANGE = (
    *("", " ", "nan", "None", "unseen", "UNSEEN", "0", "1.0", "true", "Kraków", "🐙", "a" * 300),
)
_PLAIN_NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-12, -1e-12, 5e-324, 2.0**-126)


@dataclass(frozen=True)
class Special:
    """Rows with one column out of the ordinary: ``missing``, ``unseen``, or of a size."""

    kind: str
    place: int
    cells: Cells
    size: float = 0.0


class Maker:
    """Makes rows like an example's.

    Parameters
    ----------
    example
        The rows the model was shown: a DataFrame or a matrix.
    layout
        Their columns.
    model
        Looked through for categories that the example does not have.
    """

    def __init__(self, example: Any, layout: Layout, model: Any) -> None:
        self._example = example
        self._layout = layout
        self.columns = layout.columns
        self._random = np.random.default_rng(0)
        self.given = self._read(example)
        known = _categories(model) if any(c.kind == "text" for c in layout.columns) else []
        self.pools = [
            self._texts(cells, known) if column.kind == "text" else self._numbers(cells)
            for column, cells in zip(layout.columns, self.given, strict=True)
        ]

    def rows(self, cells: Cells) -> Any:
        """Return cells as the model takes them, every number rounded to its column's dtype."""
        if not self._layout.table:
            dtype = self._example.dtype
            columns = [_whole(column, dtype) for column in cells]
            return np.column_stack(columns).astype(dtype)
        import pandas as pd

        by_place = {
            place: self._column(self._example.iloc[:, place].dtype, column)
            for place, column in enumerate(cells)
        }
        frame = pd.DataFrame(by_place)
        frame.columns = self._example.columns
        return frame

    def base(self) -> Cells:
        """Return the example's rows, and rows with some columns drawn from all that is known."""
        count = len(self.given[0]) if self.given else 0
        places = self._random.integers(0, count, BASE_ROWS)
        drawn = self._random.random((BASE_ROWS, len(self.given)))
        share = self._random.random(BASE_ROWS)[:, None]  # from nearly the example's to all new
        cells = []
        for place, (given, pool) in enumerate(zip(self.given, self.pools, strict=True)):
            other = pool[self._random.integers(0, len(pool), BASE_ROWS)]
            mixed = np.where(drawn[:, place] < share[:, 0], other, given[places])
            cells.append(np.concatenate([given, mixed]))
        return cells

    def like(self, count: int) -> Cells:
        """Return the example's rows again and again."""
        return [np.resize(given, count) for given in self.given]

    def specials(self) -> Iterator[Special]:
        """Yield what lies outside of what the example tells, each kind and column on its own."""
        for place, column in enumerate(self._layout.columns):
            if not column.whole:
                gone = None if column.kind == "text" else np.nan
                yield Special("missing", place, self._with(place, [gone] * 4))
            if column.kind == "text":
                yield Special("unseen", place, self._with(place, _STRANGE))
                continue
            for size in POWERS:
                if not column.whole or size < 2**53:
                    sizes = [size, -size, size / 3, -size / 3]
                    yield Special("size", place, self._with(place, sizes), size)

    def mixed(self, allowed: Sequence[Special]) -> Cells:
        """Return rows that are out of the ordinary in several columns at once, as is allowed."""
        cells = [column[:BASE_ROWS] for column in self.base()]
        for special in allowed:
            chosen = np.flatnonzero(self._random.random(len(cells[0])) < 1 / (2 + len(POWERS)))
            values = special.cells[special.place]
            cells[special.place][chosen] = values[
                self._random.integers(0, len(values), len(chosen))
            ]
        return cells

    def _with(self, place: int, values: Sequence[Any]) -> Cells:
        cells = self.like(len(values))
        column = np.empty(len(values), dtype=cells[place].dtype)
        column[:] = values
        cells[place] = column
        return cells

    def _read(self, example: Any) -> Cells:
        if not self._layout.table:
            matrix = np.asarray(example, dtype=np.float64)
            return [matrix[:, place] for place in range(matrix.shape[1])]
        found: Cells = []
        for place, column in enumerate(self._layout.columns):
            cells = example.iloc[:, place]
            if column.kind == "number":
                found.append(cells.to_numpy(dtype=np.float64, na_value=np.nan))
            else:
                texts = np.empty(len(cells), dtype=object)
                texts[:] = cells
                texts[cells.isna()] = None
                found.append(texts)
        return found

    def _numbers(self, cells: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        known = cells[np.isfinite(cells)]
        if not known.size:
            return np.array(_PLAIN_NUMBERS)
        low, high = float(known.min()), float(known.max())
        span = (high - low) or abs(high) or 1.0
        around = np.linspace(low - span, high + span, 200)
        far = [low - 10 * span, high + 10 * span]
        return np.concatenate([known, around, far, _PLAIN_NUMBERS])

    def _texts(self, cells: npt.NDArray[Any], known: list[list[str]]) -> npt.NDArray[Any]:
        present = [cell for cell in cells.tolist() if cell is not None]
        mine = [levels for levels in known if set(present) <= set(levels)]
        every = dict.fromkeys([*present, *(level for levels in mine for level in levels)])
        return np.array([*every] or [""], dtype=object)

    def _column(self, dtype: Any, cells: npt.NDArray[Any]) -> Any:
        import pandas as pd

        if cells.dtype == object:
            if isinstance(dtype, pd.CategoricalDtype):
                return pd.Categorical(cells, dtype=dtype)
            return pd.Series(cells, dtype=dtype)
        return pd.Series(_whole(cells, dtype)).astype(dtype)


def _whole(cells: npt.NDArray[Any], dtype: Any) -> npt.NDArray[Any]:
    """Return numbers that a column of whole numbers can hold."""
    kind = np.dtype(str(dtype).lower().replace("boolean", "bool"))
    if kind.kind == "b":
        return cells > 0
    if kind.kind not in "iu":
        with np.errstate(over="ignore"):
            return cells.astype(kind).astype(np.float64) if kind.itemsize < 8 else cells
    limits = np.iinfo(kind)
    low, high = max(limits.min, -(2**53)), min(limits.max, 2**53)
    rounded = np.clip(np.rint(cells), low, high)
    return np.asarray(rounded.astype(np.int64).astype(kind) if kind.itemsize < 8 else rounded)


def _categories(model: Any) -> list[list[str]]:
    """Return the categories that the encoders in a model know, a list a column."""
    return [
        [level for level in levels.tolist() if isinstance(level, str)]
        for part in parts(model)
        for levels in getattr(part, "categories_", ())
        if levels.dtype.kind in "OU"
    ]
