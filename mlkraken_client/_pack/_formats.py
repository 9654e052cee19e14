"""Models in the files that their own libraries write."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlkraken_client._errors import PackError
from mlkraken_client._pack._onnx import OnnxGraph
from mlkraken_client._pack._source import Source

__all__ = ["FORMATS", "from_format", "from_graph", "from_keras", "from_network"]


def from_format(path: Path) -> Source:
    """Return how to pack a file in one of `FORMATS`.

    Raises
    ------
    PackError
        ``module_missing`` or ``file_unreadable``.
    """
    try:
        return FORMATS[path.suffix.lower()](path)
    except PackError:
        raise
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        raise PackError(
            "module_missing",
            f"{path.name} needs the module {name!r}, which is not installed here.",
            f"pip install {name}",
        ) from error
    except Exception as error:  # libraries raise anything for a file that is not theirs
        raise PackError(
            "file_unreadable",
            f"{path.name} cannot be loaded: {type(error).__name__}: {error}.",
            "Load it here as you saved it.",
        ) from error


def _source(model: Any, library: str, path: Path, loader: str, **more: Any) -> Source:
    return Source(model, library, loader, path=path, modules=frozenset([library]), **more)


def _xgboost(path: Path) -> Source:
    model = importlib.import_module("xgboost").Booster(model_file=str(path))
    return _source(model, "xgboost", path, "xgboost", call="xgboost", rowwise=True)


def _lightgbm(path: Path) -> Source:
    model = importlib.import_module("lightgbm").Booster(model_file=str(path))
    return _source(model, "lightgbm", path, "lightgbm", rowwise=True)


def _catboost(path: Path) -> Source:
    """Load as what it was trained as, which a file tells by its loss only."""
    library = importlib.import_module("catboost")
    loss = str(library.CatBoost().load_model(str(path)).get_all_params().get("loss_function"))
    classifies = loss.partition(":")[0] in ("Logloss", "CrossEntropy", "MultiClass")
    kind = "CatBoostClassifier" if classifies else "CatBoostRegressor"
    model = getattr(library, kind)().load_model(str(path))
    loader = f"catboost-{'classifier' if classifies else 'regressor'}"
    return _source(model, "catboost", path, loader, rowwise=True)


def _torchscript(path: Path) -> Source:
    model = importlib.import_module("torch").jit.load(str(path), map_location="cpu")
    return _source(model, "torch", path, "torchscript", call="torch")


def _torch_export(path: Path) -> Source:
    model = importlib.import_module("torch").export.load(str(path)).module()
    return _source(model, "torch", path, "torch-export", call="torch")


def _keras(path: Path) -> Source:
    model = importlib.import_module("keras").models.load_model(str(path))
    return replace(from_keras(model), loader="keras", path=path)


def from_graph(data: bytes, name: str = "model.onnx") -> Source:
    """Return how to pack an ONNX graph."""
    graph = OnnxGraph(data)
    return Source(
        graph,
        "onnx",
        "onnx",
        modules=frozenset(["onnxruntime"]),
        content=(name, data),
        signature=graph.signature,
    )


def from_network(model: Any) -> Source:
    """Return how to pack a module of PyTorch; scripted ones cannot be pickled."""
    torch = importlib.import_module("torch")
    if not isinstance(model, torch.jit.ScriptModule):
        return Source(model, "torch", call="torch", modules=frozenset(["torch"]))
    stream = io.BytesIO()
    torch.jit.save(model, stream)
    return Source(
        model,
        "torch",
        "torchscript",
        call="torch",
        modules=frozenset(["torch"]),
        content=("model.pt", stream.getvalue()),
    )


def from_keras(model: Any) -> Source:
    """Return how to pack a model of Keras, which is one for the library that computes here."""
    backend = str(importlib.import_module("keras").backend.backend())
    return Source(
        model,
        "keras",
        call="keras",
        modules=frozenset(["keras", backend]),
        variables={"KERAS_BACKEND": backend},
    )


def _onnx(path: Path) -> Source:
    return from_graph(path.read_bytes(), path.name)


FORMATS: dict[str, Callable[[Path], Source]] = {
    ".onnx": _onnx,
    ".ubj": _xgboost,
    ".json": _xgboost,
    ".txt": _lightgbm,
    ".cbm": _catboost,
    ".pt": _torchscript,
    ".pt2": _torch_export,
    ".keras": _keras,
}
"""What reads a file, by its suffix."""
