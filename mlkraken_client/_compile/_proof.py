"""Whether a compiled model answers as the original does, and for which inputs that is known."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlkraken_client._compile._boundaries import boundary_rows
from mlkraken_client._compile._errors import Unconvertible
from mlkraken_client._compile._layout import Layout
from mlkraken_client._compile._rows import Cells, Maker, Special

__all__ = ["DOUBLE", "SINGLE", "Contest", "Limits", "Precision", "Proof", "prove"]


@dataclass(frozen=True)
class Precision:
    """How close floats must be: relative, and for small ones relative to a part of the largest."""

    tolerance: float
    floor: float


DOUBLE = Precision(1e-9, 1e-3)
SINGLE = Precision(1e-5, 1e-1)
"""For libraries that compute in float32 themselves."""


@dataclass
class Limits:
    """What is known of one column: beyond it the original answers.

    ``most`` is the largest size of a number; ``known`` the only texts, None for any.
    """

    most: float = 0.0
    missing: bool = False
    known: list[str] | None = None


@dataclass(frozen=True)
class Proof:
    """``rows`` were compared; ``difference`` is the largest that was seen."""

    rows: int
    difference: float
    limits: list[Limits]


@dataclass(frozen=True)
class Contest:
    """The two that are compared, method by method.

    Parameters
    ----------
    original, compiled
        What answers rows, by the name of the model's method.
    precision
        How close floats must be.
    """

    original: Mapping[str, Callable[[Any], Any]]
    compiled: Callable[[Any], Mapping[str, npt.NDArray[Any]]]
    precision: Precision

    def difference(self, rows: Any, scales: Mapping[str, float]) -> float:
        """Return the largest difference of floats.

        Raises
        ------
        Unconvertible
            An answer that is not the same.
        """
        there = self.compiled(rows)
        worst = 0.0
        for name, call in self.original.items():
            here = np.asarray(call(rows))
            found = _difference(here, there[name], scales.get(name, 0.0) * self.precision.floor)
            if found > self.precision.tolerance:
                raise Unconvertible(f"{name} differs by {found:.1e}, more than is tolerated")
            worst = max(worst, found)
        return worst


def _difference(here: npt.NDArray[Any], there: npt.NDArray[Any], floor: float) -> float:
    if here.shape != there.shape or here.dtype != there.dtype:
        raise Unconvertible(
            f"the answers are {there.dtype}{there.shape} instead of {here.dtype}{here.shape}"
        )
    same = here == there
    if here.dtype.kind != "f":
        if not same.all():
            raise Unconvertible("a row gets another label")
        return 0.0
    same |= np.isnan(here) & np.isnan(there)
    if same.all():
        return 0.0
    mine, other = here[~same].astype(float), there[~same].astype(float)
    if not (np.isfinite(mine).all() and np.isfinite(other).all()):
        return float("inf")
    size = np.maximum(np.maximum(np.abs(mine), np.abs(other)), floor)
    return float(np.max(np.abs(mine - other) / size))


def prove(contest: Contest, model: Any, layout: Layout, maker: Maker) -> Proof:
    """Compare on the example, on rows around it, at thresholds, and beyond.

    What is beyond the example (a missing value, a text never seen, a number of another size) may
    be refused by the original or have no form in the graph: then it becomes a limit, and the
    original is asked. Everything else must agree.

    Raises
    ------
    Unconvertible
        They do not agree; says where.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return _proven(contest, model, layout, maker)


def _proven(contest: Contest, model: Any, layout: Layout, maker: Maker) -> Proof:
    base = maker.base()
    rows = maker.rows(base)
    try:
        scales = {name: _scale(call(rows)) for name, call in contest.original.items()}
    except Exception as error:  # the model's own code may raise anything
        raise Unconvertible(
            f"the model refuses rows made like its example: {type(error).__name__}: {error}"
        ) from error
    count, worst = len(base[0]), contest.difference(rows, scales)
    edges = boundary_rows(model, layout, maker)
    if edges is not None:
        worst = max(worst, _at_thresholds(contest, maker.rows(edges), scales))
        count += len(edges[0])
    limits, allowed = _limits(contest, maker, base, scales)
    mixed = maker.mixed(allowed)
    worst = max(worst, contest.difference(maker.rows(mixed), scales))
    count += len(mixed[0]) + sum(len(special.cells[0]) for special in allowed)
    return Proof(count, worst, limits)


def _limits(
    contest: Contest, maker: Maker, base: Cells, scales: Mapping[str, float]
) -> tuple[list[Limits], list[Special]]:
    """Find out how far beyond the example both agree; return also what was agreed on."""
    limits = [_limits_of(cells) for cells in base]
    allowed: list[Special] = []
    closed: set[int] = set()
    for special in maker.specials():
        if special.kind == "size" and special.place in closed:
            continue
        try:
            contest.difference(maker.rows(special.cells), scales)
        except Exception:  # refused by one, or answered differently: then it is a limit
            closed |= {special.place} if special.kind == "size" else set()
            continue
        _widen(limits[special.place], special)
        allowed.append(special)
    for column, limit in zip(maker.columns, limits, strict=True):
        if column.whole:  # beyond this, double precision no longer tells them apart
            limit.most = min(limit.most, 2.0**53 - 1)
    return limits, allowed


def _at_thresholds(contest: Contest, rows: Any, scales: Mapping[str, float]) -> float:
    try:
        return contest.difference(rows, scales)
    except Unconvertible as error:
        raise Unconvertible(f"at the model's own thresholds {error}") from error


def _scale(answer: Any) -> float:
    numbers = np.asarray(answer)
    if numbers.dtype.kind != "f":
        return 0.0
    finite = numbers[np.isfinite(numbers)]
    return float(np.max(np.abs(finite))) if finite.size else 0.0


def _limits_of(cells: npt.NDArray[Any]) -> Limits:
    """Return the limits that the compared rows around the example stand for."""
    if cells.dtype == object:
        texts = dict.fromkeys(cell for cell in cells.tolist() if cell is not None)
        return Limits(missing=None in cells.tolist(), known=list(texts))
    finite = cells[np.isfinite(cells)]
    return Limits(
        most=float(np.max(np.abs(finite))) if finite.size else 0.0,
        missing=bool(np.isnan(cells).any()),
    )


def _widen(limits: Limits, special: Special) -> None:
    if special.kind == "missing":
        limits.missing = True
    elif special.kind == "unseen":
        limits.known = None
    else:
        limits.most = max(limits.most, special.size)
