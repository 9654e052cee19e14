"""What was given to be deployed: an object, or a path to one, and how it will be called."""

from __future__ import annotations

import importlib
import inspect
import os
from pathlib import Path
from typing import Any

from mlkraken_client._errors import PackError
from mlkraken_client._pack._formats import (
    FORMATS,
    from_format,
    from_graph,
    from_keras,
    from_network,
)
from mlkraken_client._pack._source import Source

__all__ = ["Source", "recognise"]

_PICKLES = {".pkl": "pickle", ".pickle": "pickle", ".joblib": "joblib"}
_ROWWISE = ("xgboost", "lightgbm", "catboost", "sklearn")
_LATER = {".rds": "R models", ".h5": "Keras files of the old form", ".pth": "weights of PyTorch"}


def recognise(model: Any) -> Source:
    """Return how to pack ``model``.

    Raises
    ------
    PackError
        ``model_unsupported``, ``model_is_class``, ``path_missing`` or ``file_unreadable``.
    """
    if isinstance(model, (str, os.PathLike)):
        return _from_path(os.fspath(model))
    if inspect.isclass(model):
        raise PackError(
            "model_is_class",
            f"{model.__name__} is a class, not a trained model.",
            f"Pass an instance: {model.__name__}(...).",
        )
    return _from_object(model)


def _from_object(model: Any) -> Source:
    libraries = _libraries(model)
    if "xgboost" in libraries and type(model).__name__ == "Booster":
        return Source(model, "xgboost", call="xgboost", rowwise=True)
    if type(model).__name__ == "ModelProto" and "onnx" in libraries:
        return from_graph(model.SerializeToString())
    if "torch" in libraries and "keras" not in libraries and hasattr(model, "eval"):
        return from_network(model)
    if "keras" in libraries and callable(getattr(model, "predict", None)):
        return from_keras(model)
    if callable(getattr(model, "predict", None)):
        known = next((name for name in (*_ROWWISE, "statsmodels") if name in libraries), "")
        return Source(model, known or "object", rowwise=known in _ROWWISE)
    if inspect.isroutine(model) or callable(model):
        return Source(model, "function", call="call")
    raise PackError(
        "model_unsupported",
        f"A {type(model).__module__}.{type(model).__qualname__} has no predict method and cannot "
        "be called.",
        "Pass a fitted estimator, a function of the input, or the path of a saved model.",
    )


def _libraries(model: Any) -> set[str]:
    named = [kind.__module__ for kind in type(model).__mro__]
    return {module.partition(".")[0] for module in named if isinstance(module, str)}


def _from_path(text: str) -> Source:
    if "://" in text or text.startswith(("models:/", "runs:/")):
        return _from_mlflow(Path(_mlflow("artifacts").download_artifacts(artifact_uri=text)))
    path = Path(text).expanduser()
    if not path.exists():
        raise PackError(
            "path_missing", f"There is nothing at {path}.", "Pass the model itself or its file."
        )
    if path.is_dir():
        if (path / "MLmodel").is_file():
            return _from_mlflow(path)
        raise PackError(
            "model_unsupported",
            f"The folder {path} holds no MLmodel file, so it is no MLflow model.",
            "Pass an MLflow model folder, a bundle, or a .joblib or .pkl file.",
        )
    return _from_file(path)


def _from_file(path: Path) -> Source:
    suffix = path.suffix.lower()
    if suffix in FORMATS:
        return from_format(path)
    loader = _PICKLES.get(suffix)
    if loader is None:
        what = _LATER.get(suffix, f"{path.suffix or 'such'} files")
        raise PackError(
            "model_unsupported",
            f"This version of mlkraken does not deploy {what} ({path.name}).",
            f"It takes {', '.join([*_PICKLES, *FORMATS])}, MLflow model folders, and live objects.",
        )
    model = _load(path, loader)
    source = _from_object(model)
    modules = frozenset(["joblib"] if loader == "joblib" else [])
    return Source(
        model,
        source.flavor,
        loader=loader,
        call=source.call,
        rowwise=source.rowwise,
        path=path,
        modules=modules,
    )


def _load(path: Path, loader: str) -> Any:
    import pickle

    try:
        if loader == "joblib":
            return importlib.import_module("joblib").load(path)
        with path.open("rb") as file:
            return pickle.load(file)
    except ModuleNotFoundError as error:
        raise PackError(
            "module_missing",
            f"{path.name} needs the module {error.name!r}, which is not installed here.",
            f"pip install {(error.name or '').partition('.')[0]}",
        ) from error
    except Exception as error:  # a pickle may raise anything while it is read
        raise PackError(
            "file_unreadable",
            f"{path.name} cannot be loaded: {type(error).__name__}: {error}.",
            "Load it here as you saved it; if it refers to __main__, deploy the live object.",
        ) from error


def _from_mlflow(path: Path) -> Source:
    try:
        model = _mlflow("pyfunc").load_model(str(path))
    except PackError:
        raise
    except Exception as error:  # any flavor's loader may raise anything
        raise PackError(
            "file_unreadable",
            f"MLflow cannot load {path}: {type(error).__name__}: {error}.",
            "Install what the model's own requirements.txt names.",
        ) from error
    return Source(
        model, "mlflow", loader="mlflow", rowwise=False, path=path, modules=frozenset(["mlflow"])
    )


def _mlflow(name: str) -> Any:
    try:
        return importlib.import_module(f"mlflow.{name}")
    except ModuleNotFoundError as error:
        raise PackError(
            "module_missing",
            f"An MLflow model needs the module {error.name!r}, which is not installed here.",
            "pip install mlflow-skinny",
        ) from error
