"""Response times as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "times_table"]

COLUMNS = ("sent_at", "response_ms", "model_ms", "rows", "version", "status", "request_id")
"""Columns of a point, in the order in which the wire carries them."""


def times_table(points: list[list[Any]]) -> pd.DataFrame:
    """Return points as a table, oldest first.

    Parameters
    ----------
    points
        Lists in the order of `COLUMNS`; ``sent_at`` in seconds since 1970.

    Returns
    -------
    pandas.DataFrame
        ``sent_at`` as UTC times; ``response_ms`` and ``model_ms`` in milliseconds.
    """
    import pandas as pd

    table = pd.DataFrame(points, columns=list(COLUMNS))
    table["sent_at"] = pd.to_datetime(table["sent_at"].astype("float64"), unit="s", utc=True)
    typed: pd.DataFrame = table.astype(
        {
            "response_ms": "float64",
            "model_ms": "float64",
            "rows": "int64",
            "version": "int64",
            "status": "int64",
        }
    )
    return typed
