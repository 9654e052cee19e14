"""The two models every server serves, their rows, and the answers of the notebook."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["MODELS", "Row", "Served", "made"]

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "peers"
Row = list[float] | dict[str, Any]

_TRAINED, _ASKED = 2000, 10_000


@dataclass(frozen=True)
class Served:
    """One model on disk.

    Attributes
    ----------
    name
        ``numbers`` or ``mixed``.
    tabular
        Whether it wants a DataFrame; otherwise a matrix.
    folder
        Has ``model.pkl``, ``example.npy`` or ``example.json``, and what adapters add.
    rows
        What may be asked.
    answers
        What ``model.predict`` says to each, in this process.
    """

    name: str
    tabular: bool
    folder: Path
    rows: list[Row]
    answers: list[Any]

    @property
    def file(self) -> Path:
        """The pickle."""
        return self.folder / "model.pkl"

    @property
    def columns(self) -> list[str]:
        """Names of the columns of a table; none for a matrix."""
        first = self.rows[0]
        return list(first) if isinstance(first, dict) else []


def made(name: str) -> Served:
    """Fit, or read back, one of `MODELS`."""
    folder = BUILD / "models" / name
    fit = MODELS[name]
    inputs, fitted = fit(folder / "model.pkl")
    tabular = hasattr(inputs, "columns")
    rows = inputs.to_dict("records") if tabular else inputs.tolist()
    if fitted is None:
        fitted = pickle.loads((folder / "model.pkl").read_bytes())
    return Served(name, tabular, folder, rows, fitted.predict(inputs).tolist())


def _numbers(file: Path) -> tuple[Any, Any]:
    """Return 20 floats a row for a logistic regression."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(0)
    X = random.normal(size=(_ASKED, 20))
    if file.exists():
        return X, None
    y = (X[:_TRAINED] @ random.normal(size=20) + random.normal(size=_TRAINED) > 0).astype(int)
    fitted = LogisticRegression().fit(X[:_TRAINED], y)
    _keep(fitted, file)
    np.save(file.with_name("example.npy"), X[:5])
    return X, fitted


def _mixed(file: Path) -> tuple[Any, Any]:
    """Return words and numbers in a DataFrame for gradient boosting."""
    import numpy as np
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    random = np.random.default_rng(1)
    numbers = [f"n{number}" for number in range(8)]
    X = pd.DataFrame(random.normal(size=(_TRAINED, 8)), columns=numbers)
    X["city"] = random.choice(["Kraków", "Łódź", "Gdańsk", "Poznań"], _TRAINED)
    X["plan"] = random.choice(["basic", "plus", "pro"], _TRAINED)
    if file.exists():
        return X, None
    y = ((X["n0"] + X["n1"] * (X["plan"] == "pro") + X["n2"] ** 2) > 1).astype(int)
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city", "plan"]), (StandardScaler(), numbers)
    )
    fitted = make_pipeline(columns, GradientBoostingClassifier(random_state=0)).fit(X, y)
    _keep(fitted, file)
    rows = X.head().to_dict("records")
    file.with_name("example.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    return X, fitted


def _keep(fitted: Any, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(fitted))


MODELS: dict[str, Callable[[Path], tuple[Any, Any]]] = {"numbers": _numbers, "mixed": _mixed}
