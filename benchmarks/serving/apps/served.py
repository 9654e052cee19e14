"""The model that a peer's program serves, and what all programs share, to stay comparable."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

MODEL = pickle.loads(Path(os.environ["SERVED_MODEL"]).read_bytes())
TABULAR = os.environ["SERVED_TABULAR"] == "1"


def inputs(rows: list[Any]) -> Any:
    """Return rows as the model wants them."""
    if TABULAR:
        import pandas as pd

        return pd.DataFrame(rows)
    import numpy as np

    return np.array(rows)


def predict(rows: list[Any]) -> list[Any]:
    """Return the model's answer to each row."""
    return MODEL.predict(inputs(rows)).tolist()
