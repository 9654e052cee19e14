"""The model most benchmarks use: penguins through a mixed-type scikit-learn pipeline."""

from __future__ import annotations

from typing import Any

__all__ = ["penguins"]


def penguins(regularisation: float = 1.0) -> tuple[Any, Any]:
    """Return a fitted pipeline and the table it was fitted on."""
    from palmerpenguins import load_penguins
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    table = load_penguins()
    X, y = table.drop(columns="species"), table["species"]
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer(
        (words, ["island", "sex"]),
        (numbers, X.select_dtypes("number").columns.tolist()),
    )
    model = make_pipeline(columns, LogisticRegression(C=regularisation, max_iter=1000))
    return model.fit(X, y), X
