"""Where the next call of the model runs: on the event loop, or in the model's own thread."""

from __future__ import annotations

from collections import deque
from statistics import median

__all__ = ["Pace"]

_REMEMBERED = 16
_ALONE_MS = 10.0
_AMONG_OTHERS_MS = 2.0


class Pace:
    """Tells whether the next call may run on the event loop, by how long the last ones took.

    A hand-over to the model's thread and back costs a lone query a tenth of a millisecond and
    more. It buys that others are read meanwhile, so when there are others a call must be shorter
    to stay on the loop. A call of more rows than any of the last ones tells nothing of how long
    it will take.

    What counts is the time on the processor, which one call that was preempted does not change,
    and the usual time on the clock, as a model may also let other threads do its work.
    """

    def __init__(self, trusted: bool) -> None:
        self._trusted = trusted
        self._clock_ms: deque[float] = deque(maxlen=_REMEMBERED)
        self._processor_ms: deque[float] = deque(maxlen=_REMEMBERED)
        self._rows: deque[int] = deque(maxlen=_REMEMBERED)
        self._usual_ms = float("inf")
        self._most_rows = 0

    def note(self, clock_ms: float, processor_ms: float, rows: int) -> None:
        """Remember how long a call took."""
        self._clock_ms.append(clock_ms)
        self._processor_ms.append(processor_ms)
        self._rows.append(rows)
        if self._trusted and len(self._rows) == _REMEMBERED:
            self._usual_ms = max(median(self._clock_ms), *self._processor_ms)
            self._most_rows = max(self._rows)

    @property
    def known_short(self) -> bool:
        """Whether the last calls were all short enough for a lone query."""
        return self._usual_ms < _ALONE_MS

    def stays_on_loop(self, others: int, rows: int) -> bool:
        """Tell whether a call of ``rows`` may run there while ``others`` are not part of it."""
        most_ms = _AMONG_OTHERS_MS if others else _ALONE_MS
        return self._usual_ms < most_ms and rows <= self._most_rows
