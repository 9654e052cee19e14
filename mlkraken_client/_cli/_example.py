"""Examples from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlkraken_client._errors import ConfigurationError

__all__ = ["read_example"]


def read_example(file: str | None) -> Any:
    """Return the example in a file: a table for CSV and Parquet, an array for ``.npy``.

    JSON is taken as it is; a list of row objects or a column object becomes a table.

    Raises
    ------
    ConfigurationError
        ``example_unreadable``.
    """
    if file is None:
        return None
    path = Path(file).expanduser()
    try:
        return _read(path)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigurationError(
            "example_unreadable",
            f"The example {path} cannot be read: {error}.",
            "Give a .csv, .json, .parquet or .npy file with a few rows of input.",
        ) from error


def _read(path: Path) -> Any:
    import pandas as pd

    suffix = path.suffix.lower()
    if suffix == ".csv":
        return pd.read_csv(path)
    if suffix in (".parquet", ".pq"):
        return pd.read_parquet(path)
    if suffix == ".npy":
        import numpy as np

        return np.load(path, allow_pickle=False)
    if suffix == ".json":
        document = json.loads(path.read_text("utf-8"))
        rows = isinstance(document, list) and document and isinstance(document[0], dict)
        columns = isinstance(document, dict) and all(
            isinstance(cells, list) for cells in document.values()
        )
        return pd.DataFrame(document) if rows or columns else document
    raise ValueError(f"files ending in {suffix or 'nothing'} are not known")
