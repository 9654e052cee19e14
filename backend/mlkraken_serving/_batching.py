"""Natural batching: whoever waits while the model is busy is predicted together.

There is no timer. A lone query goes to the model at once; queries that arrive while the model
works queue up, and when it is free it takes all that fit, in order, in one call. The decision
is made here without I/O; `mlkraken_serving._core` runs it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any, Generic, TypeVar

import msgspec

from mlkraken_serving._values import Items, ModelInput, Table, Tensor

__all__ = ["Queued", "Waiting", "cut"]

T = TypeVar("T")


class Queued(msgspec.Struct, Generic[T], frozen=True, eq=False):
    """One query in the queue and whatever its owner needs to be told by."""

    data: ModelInput
    owner: T
    calls: tuple[str, ...] = ()


@dataclass(slots=True)
class Waiting(Generic[T]):
    """The queue in front of one model.

    Parameters
    ----------
    joinable
        Whether rows of different queries may be predicted in one call.
    most_rows
        Cap on the rows of a joined call; a single query may have more.
    """

    joinable: bool
    most_rows: int = 4096
    _queue: deque[Queued[T]] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, query: Queued[T]) -> None:
        self._queue.append(query)

    def remove(self, query: Queued[T]) -> None:
        """Forget a query whose caller has gone; harmless when it was taken already."""
        if query in self._queue:
            self._queue.remove(query)

    def take(self, most: int | None = None) -> list[Queued[T]]:
        """Take the next call's queries, oldest first and at most ``most``; empty when none wait."""
        if not self._queue:
            return []
        taken = [self._queue.popleft()]
        rows = taken[0].data.rows
        while self._queue and len(taken) != most and self._joins(taken[0], self._queue[0], rows):
            rows += self._queue[0].data.rows
            taken.append(self._queue.popleft())
        return taken

    def _joins(self, first: Queued[T], candidate: Queued[T], rows: int) -> bool:
        return (
            self.joinable
            and rows + candidate.data.rows <= self.most_rows
            and first.calls == candidate.calls
            and _same_shape(first.data, candidate.data)
        )


def _same_shape(first: ModelInput, other: ModelInput) -> bool:
    """Tell whether rows of both can stand below each other; never for a `Single`."""
    if isinstance(first, Tensor) and isinstance(other, Tensor):
        return first.shape[1:] == other.shape[1:] and first.dtype == other.dtype
    if isinstance(first, Table) and isinstance(other, Table):
        # Comparing field by field would cost more than most predictions; callers who bring a
        # signature of their own get the same object for the same text.
        return first.signature is other.signature
    return isinstance(first, Items) and isinstance(other, Items) and first.each == other.each


def cut(answer: Any, rows: Sequence[int]) -> list[Any] | None:
    """Cut a joined call's answer back into one part a query.

    Returns
    -------
    list or None
        None when the answer does not have one entry a row, so that it cannot be cut.
    """
    try:
        return _cut(answer, rows)
    except Exception:  # an object of the model's own class, which looks like rows but is none
        return None


def _cut(answer: Any, rows: Sequence[int]) -> list[Any] | None:
    if isinstance(answer, tuple) and answer:
        parts = [_cut(item, rows) for item in answer]
        if any(part is None for part in parts):
            return None
        return [tuple(items) for items in zip(*(part or [] for part in parts), strict=True)]
    if isinstance(answer, list) and _is_one_per_output(answer, sum(rows)):
        outputs = _cut(tuple(answer), rows)
        return None if outputs is None else [list(part) for part in outputs]
    shape = getattr(answer, "shape", None)
    length = shape[0] if shape else len(answer) if isinstance(answer, list) else None
    if length != sum(rows):
        return None
    rowwise = getattr(answer, "iloc", answer)
    starts = list(accumulate(rows, initial=0))
    cuts = [rowwise[start:stop] for start, stop in pairwise(starts)]
    if rowwise is answer:
        return cuts
    return [_renumbered(part, start) for part, start in zip(cuts, starts, strict=False)]


def _is_one_per_output(answer: list[Any], rows: int) -> bool:
    """Tell scikit-learn's list of probabilities, a matrix an output, from a list of rows."""
    if len(answer) < 2:
        return False
    return all(getattr(item, "ndim", 0) == 2 and len(item) == rows for item in answer)


def _renumbered(part: Any, before: int) -> Any:
    """Let a pandas part count its rows as if it had been predicted without those before it."""
    index: Any = getattr(part, "index", None)
    if type(index).__name__ == "RangeIndex":
        return part.set_axis(index - before * index.step)
    whole = getattr(getattr(index, "dtype", None), "kind", "") == "i"
    if whole and list(index) == list(range(before, before + len(part))):
        return part.set_axis(index - before)
    return part
