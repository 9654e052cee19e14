"""Where the next call of the model runs: on the event loop, or in the model's own thread."""

from __future__ import annotations

from collections import deque

__all__ = ["Pace"]

_REMEMBERED = 16
_ALONE_MS = 10.0
_AMONG_OTHERS_MS = 2.0


class Pace:
    """Tells whether the next call may run on the event loop, by how long the last ones took.

    A hand-over to the model's thread and back costs a lone query a tenth of a millisecond and
    more. It buys that others are read meanwhile, so the more others there are, the shorter a
    call must be to stay on the loop. A call of more rows than any of the last ones tells nothing
    of how long it will take.
    """

    def __init__(self, trusted: bool) -> None:
        self._trusted = trusted
        self._recent_ms: deque[float] = deque(maxlen=_REMEMBERED)
        self._recent_rows: deque[int] = deque(maxlen=_REMEMBERED)

    def note(self, model_ms: float, rows: int) -> None:
        self._recent_ms.append(model_ms)
        self._recent_rows.append(rows)

    @property
    def known_short(self) -> bool:
        """Whether the last calls were all short enough for a lone query."""
        return self._below(_ALONE_MS)

    def stays_on_loop(self, in_flight: int, rows: int) -> bool:
        most_ms = _ALONE_MS if in_flight <= 1 else _AMONG_OTHERS_MS
        return self._below(most_ms) and rows <= max(self._recent_rows)

    def _below(self, most_ms: float) -> bool:
        known = self._trusted and len(self._recent_ms) == _REMEMBERED
        return known and max(self._recent_ms) < most_ms
