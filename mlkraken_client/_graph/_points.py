"""Points kept for a graph: plain columns, the newest at the end, no more than a cap."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["DTYPES", "Columns", "Points"]

DTYPES = ("<f8", "<f4", "<f4", "<u2", "<u4")
"""Binary form of sent_at (s since 1970), response_ms, model_ms, status and version."""

MOST = 200_000
"""Points kept; older ones leave the graph, not the record."""

Columns = tuple[npt.NDArray[Any], ...]


class Points:
    """Columns that grow, safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._columns: Columns = tuple(np.empty(0, dtype) for dtype in DTYPES)

    def __len__(self) -> int:
        return len(self._columns[0])

    def append(self, rows: Sequence[Sequence[Any]]) -> Columns:
        """Add points as the wire carries them and return them as columns.

        Parameters
        ----------
        rows
            ``[sent_at, response_ms, model_ms, rows, version, status, request_id]`` each.
        """
        wanted = ([row[place] for row in rows] for place in (0, 1, 2, 5, 4))
        fresh = tuple(np.array(cells, dtype) for cells, dtype in zip(wanted, DTYPES, strict=True))
        with self._lock:
            self._columns = tuple(
                np.concatenate([old, new])[-MOST:]
                for old, new in zip(self._columns, fresh, strict=True)
            )
        return fresh

    def columns(self) -> Columns:
        """Return all points; the arrays are never changed afterwards."""
        with self._lock:
            return self._columns
