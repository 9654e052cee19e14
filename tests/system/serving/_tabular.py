"""Models that clients of other protocols ask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tests.system.serving import _models

_WEIGHED = [f"c{place}" for place in range(20)]
FEATURES = np.random.default_rng(0).normal(size=(60, 4))


def classifier() -> Any:
    """Return a classifier of rows of four numbers, with text as labels."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(FEATURES, np.where(FEATURES[:, 0] > 0, "yes", "no"))


def odd_answers(frame: pd.DataFrame) -> pd.DataFrame:
    """Answer with a column of every kind that a tensor has no place for, missing values too."""
    rows = len(frame)
    return pd.DataFrame(
        {
            "float": [float("nan"), *[1.5] * (rows - 1)],
            "infinite": [float("inf")] * rows,
            "text": [None, *["żółw 🦀"] * (rows - 1)],
            "whole": pd.array([None, *[2**60 + 1] * (rows - 1)], dtype="Int64"),
            "half": np.full(rows, 0.5, dtype="float16"),
            "time": pd.to_datetime(["2026-01-31T12:00"] * rows).tz_localize("Europe/Warsaw"),
            "raw": pd.Series([b"\x00\xff"] * rows, dtype=object),
        }
    )


def weighed(frame: pd.DataFrame) -> Any:
    """Sum by a matrix product, whose last bits depend on the number of rows; wait at gates."""
    _models.pass_gates(frame)
    return frame[_WEIGHED].to_numpy() @ np.linspace(-1, 1, len(_WEIGHED)) / 3


def seen(frame: pd.DataFrame) -> pd.DataFrame:
    """Answer with what was seen: the very table."""
    return frame


def refusing(frame: pd.DataFrame) -> Any:
    """Raise for a negative number."""
    if (frame["x"] < 0).any():
        raise ValueError("a negative number")
    return frame["x"].to_numpy() * 2
