"""Compiled models: every kind agrees to the last step of a threshold, or is refused by name."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from scipy.sparse import csr_matrix
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeClassifier

from mlkraken_client._compile import Attempt, _convert, compile_model
from mlkraken_client._compile._errors import Unconvertible
from mlkraken_client._compile._trees import Ensemble, node_attributes
from mlkraken_client._signature import describe_input

_RANDOM = np.random.default_rng(7)
_ROWS = 300
_TABLE = pd.DataFrame(
    {
        "age": _RANDOM.normal(40, 12, _ROWS),
        "rate": _RANDOM.random(_ROWS).astype("float32"),
        "visits": _RANDOM.integers(0, 9, _ROWS),
        "city": _RANDOM.choice(["Kraków", "Gdańsk", "Łódź"], _ROWS),
        "plan": _RANDOM.choice(["a", "b"], _ROWS),
    }
)
_NUMBERS = ["age", "rate", "visits"]
_SCORE = (_TABLE.age / 20 + np.sin(9 * _TABLE.rate) + (_TABLE.city == "Łódź")).to_numpy()
_BINARY = np.greater(_SCORE, np.median(_SCORE)).astype(int)
_WORDS = np.array(["low", "middle", "high"])[np.digitize(_SCORE, np.quantile(_SCORE, [0.3, 0.7]))]
_THREE = np.unique(_WORDS, return_inverse=True)[1]
_GAPS = _TABLE[_NUMBERS].mask(_RANDOM.random((_ROWS, 3)) < 0.1)


def _compiled(model: Any, X: Any, y: Any) -> tuple[Attempt, Any]:
    model.fit(X, y)
    example = X[:40]
    library = type(model).__module__.partition(".")[0]
    return compile_model(model, library, model.predict, example, describe_input(example)), model


def _prepared(last: Any, encoder: Any = None) -> Any:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = make_pipeline(
        SimpleImputer(strategy="most_frequent"), encoder or OneHotEncoder(handle_unknown="ignore")
    )
    return make_pipeline(
        make_column_transformer((numbers, _NUMBERS), (words, ["city", "plan"])), last
    )


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (LinearRegression(), _SCORE),
        (LogisticRegression(), _WORDS),
        (MLPRegressor(max_iter=500, tol=1e-2), _SCORE),
        (DecisionTreeClassifier(), _WORDS),
        (RandomForestClassifier(12, max_depth=4), _WORDS),
        (RandomForestRegressor(12), _SCORE),
        (ExtraTreesClassifier(12), _BINARY > 0),
        (GradientBoostingClassifier(n_estimators=9), _BINARY),
        (GradientBoostingClassifier(n_estimators=9, loss="exponential"), _BINARY),
        (GradientBoostingClassifier(n_estimators=9), _WORDS),
        (GradientBoostingRegressor(n_estimators=9, loss="huber"), _SCORE),
        (HistGradientBoostingClassifier(max_iter=9), _WORDS),
        (HistGradientBoostingRegressor(max_iter=9, loss="poisson"), np.abs(_SCORE)),
        (xgboost.XGBClassifier(n_estimators=9), _BINARY),
        (xgboost.XGBClassifier(n_estimators=9), _THREE),
        (xgboost.XGBRegressor(n_estimators=9), _SCORE),
        (lightgbm.LGBMClassifier(n_estimators=9, verbose=-1), _BINARY),
        (lightgbm.LGBMClassifier(n_estimators=9, verbose=-1), _THREE),
        (lightgbm.LGBMRegressor(n_estimators=9, verbose=-1, objective="poisson"), np.abs(_SCORE)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_models_agree_alone_and_behind_a_column_transformer(model: Any, y: Any) -> None:
    alone, _ = _compiled(model, _TABLE[_NUMBERS].to_numpy(dtype=float), y)
    assert alone.document.get("reason") is None
    behind, _ = _compiled(_prepared(model), _TABLE, y)
    assert behind.document.get("reason") is None
    assert behind.document["rows"] > 2000
    assert behind.document["largest_difference"] <= behind.document["tolerance"]
    (_, texts) = behind.document["inputs"]
    assert (texts["known"], texts["missing"]) == ([None, None], [True, True])


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingRegressor(max_iter=9),
        RandomForestRegressor(9),
        xgboost.XGBRegressor(n_estimators=9),
        lightgbm.LGBMRegressor(n_estimators=9, verbose=-1),
    ],
    ids=lambda model: type(model).__name__,
)
def test_trees_send_missing_numbers_the_way_they_learned(model: Any) -> None:
    attempt, _ = _compiled(model, _GAPS, _SCORE)
    assert attempt.agrees, attempt.document
    assert attempt.document["inputs"][0]["missing"] == [True] * 3


def test_what_the_original_refuses_becomes_a_limit() -> None:
    attempt, _ = _compiled(_prepared(LogisticRegression(), OneHotEncoder()), _TABLE, _BINARY)
    (_, texts) = attempt.document["inputs"]
    assert sorted(texts["known"][0]) == ["Gdańsk", "Kraków", "Łódź"]
    attempt, _ = _compiled(LogisticRegression(max_iter=999), _TABLE[_NUMBERS], _BINARY)
    (numbers,) = attempt.document["inputs"]
    assert numbers["missing"] == [False] * 3
    assert numbers["most"][2] < 2**53


def test_encoders_of_categories_to_numbers_agree() -> None:
    attempt, _ = _compiled(_prepared(DecisionTreeClassifier(), OrdinalEncoder()), _TABLE, _WORDS)
    assert attempt.agrees, attempt.document


def test_a_search_is_compiled_as_the_best_it_found() -> None:
    search = GridSearchCV(RandomForestClassifier(5), {"max_depth": [2, 3]}, cv=2)
    attempt, _ = _compiled(search, _TABLE[_NUMBERS], _WORDS)
    assert attempt.agrees
    assert attempt.document["classes"] == sorted(set(_WORDS.tolist()))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (SVR(), "the runtime says"),
        (KernelRidge(), "the converter says"),
        (xgboost.XGBRegressor(n_estimators=3, booster="gblinear"), "gblinear"),
    ],
    ids=["no double precision", "no converter", "not trees"],
)
def test_what_cannot_be_compiled_is_refused_by_name(model: Any, reason: str) -> None:
    attempt, _ = _compiled(model, _TABLE[_NUMBERS], _SCORE)
    assert not attempt.agrees
    assert reason in attempt.document["reason"]


def test_no_example_no_library_of_ours_and_odd_columns_are_refused() -> None:
    model = LinearRegression().fit(_TABLE[_NUMBERS], _SCORE)
    none = compile_model(model, "sklearn", model.predict, None, {"kind": "any", "fields": []})
    assert "example=" in none.document["reason"]
    other = compile_model(model, "object", model.predict, _TABLE, describe_input(_TABLE))
    assert "sklearn" in other.document["reason"]
    dated = _TABLE.assign(at=pd.Timestamp("2026-01-01"))
    dates = compile_model(model, "sklearn", model.predict, dated, describe_input(dated))
    assert "'at' is datetime" in dates.document["reason"]


def test_what_nobody_has_thought_of_is_refused_and_fails_nothing() -> None:
    sparse = csr_matrix(_TABLE[_NUMBERS].to_numpy(dtype=float))
    attempt, model = _compiled(LogisticRegression(max_iter=999), sparse, _BINARY)
    assert attempt.document["verdict"] == "refused"
    odd = compile_model(model, "sklearn", model.predict, object(), {"fields": 5})
    assert odd.document["reason"].startswith("compiling failed: KeyError")


@pytest.mark.parametrize("step", [1, -1])
def test_a_threshold_one_step_off_is_caught(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """The proof is worth what it finds: one float's step in one split of a whole forest."""

    def nudged(ensemble: Ensemble) -> dict[str, Any]:
        tree = ensemble.trees[3]
        tree.threshold.flags.writeable = True
        tree.threshold[0] = np.nextafter(np.float32(tree.threshold[0]), np.float32(step * np.inf))
        return node_attributes(ensemble)

    model = HistGradientBoostingRegressor(max_iter=9).fit(_TABLE[["age"]], _SCORE)
    example = _TABLE[["age"]][:40]
    monkeypatch.setattr("mlkraken_client._compile._heads.node_attributes", nudged)
    attempt = compile_model(model, "sklearn", model.predict, example, describe_input(example))
    assert not attempt.agrees
    assert "thresholds" in attempt.document["reason"]


def test_the_same_model_compiles_to_the_same_bytes() -> None:
    one, model = _compiled(_prepared(RandomForestClassifier(5)), _TABLE, _WORDS)
    example = _TABLE[:40]
    two = compile_model(model, "sklearn", model.predict, example, describe_input(example))
    assert one.graph == two.graph
    assert one.document == two.document


def test_trees_with_several_outputs_are_refused() -> None:
    both = RandomForestRegressor(3).fit(_TABLE[_NUMBERS], np.column_stack([_SCORE, _SCORE]))
    with pytest.raises(Unconvertible, match="several outputs"):
        _convert.ensemble_of(both)
