"""Rows at a model's own tree thresholds and one step of a float either side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mlkraken_client._compile._convert import ensemble_of, last_step
from mlkraken_client._compile._layout import Layout
from mlkraken_client._compile._rows import Cells, Maker

__all__ = ["boundary_rows"]

MOST_THRESHOLDS = 400
_SIGN = np.int64(2**63 - 1)


def boundary_rows(model: Any, layout: Layout, maker: Maker) -> Cells | None:
    """Return rows on both sides of splits, None when the model has none.

    A split is a threshold for what the steps before the trees make of a column. The column's own
    value at which the row changes sides is found by halving, down to two neighbouring floats.
    """
    ensemble = ensemble_of(last_step(model))
    if ensemble is None:
        return None
    prepare = _preparation(model, maker, ensemble.rounds)
    tasks = _tasks(prepare, layout, maker, ensemble.thresholds)
    if not tasks:
        return None
    places, features, thresholds = (np.array(column) for column in zip(*tasks, strict=True))
    less = np.less if ensemble.strict else np.less_equal

    def goes_left(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        cells = _placed(maker.like(len(tasks)), places, values)
        reached = prepare(cells)[np.arange(len(tasks)), features]
        return np.asarray(less(reached, thresholds))

    low, high = _range(maker, places)
    below = goes_left(low)
    found = below != goes_left(high)
    low, high = _halved(low, high, lambda values: goes_left(values) == below)
    near = [low, high, *_steps(low), *_steps(high)]
    repeated = [np.resize(cells, len(tasks)) for cells in maker.like(len(tasks))]
    parts = [_placed(repeated, places, values, found) for values in near]
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def _halved(
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
    is_low: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.bool_]],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the neighbouring floats between which the side changes, in at most 64 steps."""
    first, last = _numbered(low), _numbered(high)
    while (first + 1 < last).any():  # their difference may be too large for 64 bits
        middle = (first >> 1) + (last >> 1) + (first & last & 1)
        same = is_low(_floats(middle))
        first, last = np.where(same, middle, first), np.where(same, last, middle)
    return _floats(first), _floats(last)


def _numbered(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return whole numbers in the floats' order, neighbours for neighbours."""
    bits = values.view(np.int64)
    return np.where(bits < 0, -(bits & _SIGN), bits)


def _floats(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    magnitudes = np.abs(numbers).view(np.float64)
    return np.where(numbers < 0, -magnitudes, magnitudes)


def _steps(values: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
    """Return the neighbours in double and in single precision."""
    narrow = values.astype(np.float32)
    singles = [
        narrow,
        np.nextafter(narrow, np.float32(-np.inf)),
        np.nextafter(narrow, np.float32(np.inf)),
    ]
    doubles = [np.nextafter(values, -np.inf), np.nextafter(values, np.inf)]
    return [*doubles, *(single.astype(np.float64) for single in singles)]


def _preparation(
    model: Any, maker: Maker, rounds: bool
) -> Callable[[Cells], npt.NDArray[np.float64]]:
    """Return what makes of cells the matrix that the trees compare."""
    steps = model[:-1] if type(model).__name__ == "Pipeline" and len(model.steps) > 1 else None

    def prepare(cells: Cells) -> npt.NDArray[np.float64]:
        rows = maker.rows(cells)
        matrix = rows if steps is None else steps.transform(rows)
        dense = matrix.toarray() if hasattr(matrix, "toarray") else matrix
        numbers = np.asarray(dense, dtype=np.float64)
        return numbers.astype(np.float32).astype(np.float64) if rounds else numbers

    return prepare


def _tasks(
    prepare: Callable[[Cells], npt.NDArray[np.float64]],
    layout: Layout,
    maker: Maker,
    thresholds: list[tuple[int, float]],
) -> list[tuple[int, int, float]]:
    """Return a column, the feature that it moves, and a threshold of that feature, many times."""
    numbers = [place for place, column in enumerate(layout.columns) if column.kind == "number"]
    if len(thresholds) > MOST_THRESHOLDS:
        chosen = np.random.default_rng(1).choice(len(thresholds), MOST_THRESHOLDS, replace=False)
        thresholds = [thresholds[place] for place in sorted(chosen)]
    moved_by: dict[int, int] = {}
    still = prepare(maker.like(1))[0]
    for place in numbers:
        low, high = _range(maker, np.array([place]))
        for value in (low, high):
            cells = _placed(maker.like(1), np.array([place]), value)
            for feature in np.flatnonzero(prepare(cells)[0] != still):
                moved_by.setdefault(int(feature), place)
    return [
        (moved_by[feature], feature, threshold)
        for feature, threshold in thresholds
        if feature in moved_by
    ]


def _range(
    maker: Maker, places: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return values that lie far out on both sides of a column."""
    reach = np.array([np.nanmax(np.abs(maker.pools[place])) * 1e3 + 1e3 for place in places])
    return -reach, reach


def _placed(
    cells: Cells,
    places: npt.NDArray[Any],
    values: npt.NDArray[np.float64],
    where: npt.NDArray[np.bool_] | None = None,
) -> Cells:
    """Put one value into every row, each into its own column."""
    rows = np.arange(len(values))
    placed = [column.copy() for column in cells]
    for place in np.unique(places):
        mine = places == place if where is None else (places == place) & where
        placed[place][rows[mine]] = values[mine]
    return placed
