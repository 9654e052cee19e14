"""How many answers for a row differ in their last bits when others are predicted beside it.

Sums are added in another order for another number of rows, in the notebook as in a service that
predicts several queries in one call. Prints a line a model; there is no bar, for nothing of this
is ours: ``deploy(..., batch=False)`` predicts every query on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier

ROWS, FEATURES = 2_000, 20
TOGETHER = (2, 7, 64, 1_000)


def main() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(ROWS, FEATURES))
    labels = X @ random.normal(size=FEATURES) + random.normal(size=ROWS) > 0
    models: dict[str, tuple[Any, str]] = {
        "LinearRegression, predict": (LinearRegression().fit(X, X @ np.arange(20.0)), "predict"),
        "LogisticRegression, probabilities": (LogisticRegression().fit(X, labels), _PROBA),
        "MLPClassifier, probabilities": (MLPClassifier(max_iter=30).fit(X, labels), _PROBA),
        "RandomForestClassifier, probabilities": (
            RandomForestClassifier(50).fit(X, labels),
            _PROBA,
        ),
        "GradientBoostingClassifier, probabilities": (
            GradientBoostingClassifier(n_estimators=50).fit(X, labels),
            _PROBA,
        ),
    }
    print(f"Of {ROWS} rows, answers whose bits differ from those of the row alone, by rows a call")
    print(f"{'':<44}" + "".join(f"{rows:>8}" for rows in TOGETHER) + "   largest difference")
    for name, (model, method) in models.items():
        print(f"{name:<44}" + _line(getattr(model, method), X))
    for name, (model, _) in models.items():
        if hasattr(model, "classes_"):
            print(f"{name.partition(',')[0] + ', labels':<44}" + _line(model.predict, X))


_PROBA = "predict_proba"


def _line(predict: Callable[[Any], Any], X: Any) -> str:
    alone = np.concatenate([predict(X[place : place + 1]) for place in range(ROWS)])
    counts, furthest = [], 0.0
    for rows in TOGETHER:
        among = np.concatenate([predict(X[place : place + rows]) for place in range(0, ROWS, rows)])
        differs = (among != alone).reshape(ROWS, -1).any(axis=1)
        counts.append(int(differs.sum()))
        if alone.dtype.kind == "f":
            furthest = max(furthest, float(np.abs(among - alone).max()))
    return "".join(f"{count:>8}" for count in counts) + f"{furthest:>21.1e}"


if __name__ == "__main__":
    main()
