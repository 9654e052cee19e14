"""How a Python model comes back from the file it was saved to, by the bundle's word for it."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["LOADERS"]


def _pickle(path: Path) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)


def _joblib(path: Path) -> Any:
    return importlib.import_module("joblib").load(path)


def _mlflow(path: Path) -> Any:
    return importlib.import_module("mlflow.pyfunc").load_model(str(path))


def _xgboost(path: Path) -> Any:
    return importlib.import_module("xgboost").Booster(model_file=str(path))


def _lightgbm(path: Path) -> Any:
    return importlib.import_module("lightgbm").Booster(model_file=str(path))


def _catboost(kind: str) -> Callable[[Path], Any]:
    return lambda path: getattr(importlib.import_module("catboost"), kind)().load_model(str(path))


def _torchscript(path: Path) -> Any:
    return importlib.import_module("torch").jit.load(str(path), map_location="cpu")


def _torch_export(path: Path) -> Any:
    return importlib.import_module("torch").export.load(str(path)).module()


def _keras(path: Path) -> Any:
    return importlib.import_module("keras").models.load_model(str(path))


LOADERS: dict[str, Callable[[Path], Any]] = {
    "pickle": _pickle,
    "joblib": _joblib,
    "mlflow": _mlflow,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost("CatBoost"),
    "catboost-classifier": _catboost("CatBoostClassifier"),
    "catboost-regressor": _catboost("CatBoostRegressor"),
    "torchscript": _torchscript,
    "torch-export": _torch_export,
    "keras": _keras,
}
