"""Which methods of a Python model a query may ask for, and what they are in code."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeAlias

from mlkraken_serving.engines._networks import keras_call, torch_call

__all__ = ["Call", "calls_of", "classes_of", "parameters_of"]

Call: TypeAlias = Callable[..., Any]

_ANSWERING = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score_samples",
    "transform",
)
"""scikit-learn's names for methods that answer for rows and change nothing."""


def calls_of(model: Any, own: str) -> dict[str, Call]:
    """Return what may be called by name; ``own``, which the bundle names, comes first."""
    calls = {own: _own_call(model, own)}
    if own in _ANSWERING:
        for name in _ANSWERING:
            method = getattr(model, name, None)
            if callable(method):
                calls.setdefault(name, method)
    return calls


def _own_call(model: Any, call: str) -> Call:
    if call == "call":
        return model  # type: ignore[no-any-return]
    if call == "xgboost":
        matrix = importlib.import_module("xgboost").DMatrix
        return lambda data: model.predict(matrix(data, enable_categorical=True))
    if call == "torch":
        return torch_call(model)
    if call == "keras":
        return keras_call(model)
    return getattr(model, call)  # type: ignore[no-any-return]


def classes_of(model: Any) -> tuple[Any, ...]:
    """Return a classifier's labels as plain values; empty for all that has not one list of them."""
    classes: Any = getattr(model, "classes_", None)
    if getattr(classes, "ndim", None) != 1:
        return ()
    return tuple(classes.tolist())


def parameters_of(model: Any) -> tuple[str, ...]:
    """Return the parameters that an MLflow model was logged with; others take none."""
    if type(model).__module__.partition(".")[0] != "mlflow":
        return ()
    schema = model.metadata.get_params_schema()
    return tuple(parameter.name for parameter in schema.params) if schema else ()
