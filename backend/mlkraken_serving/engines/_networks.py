"""Calls of neural networks: numpy in, numpy out, without gradients."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

__all__ = ["keras_call", "torch_call"]


def torch_call(model: Any) -> Callable[[Any], Any]:
    """Return what asks a module of PyTorch: in evaluation mode, on the processor.

    A table is handed over as one matrix, so its columns must be of one dtype.
    """
    torch = importlib.import_module("torch")
    if hasattr(model, "training") and not _exported(model):
        model.eval()

    def call(data: Any) -> Any:
        rows = data.to_numpy() if hasattr(data, "to_numpy") else data
        with torch.no_grad():
            return _plain(torch, model(torch.as_tensor(rows)))

    return call


def _exported(model: Any) -> bool:
    """Exported programs are in evaluation mode for good, and refuse to be told so."""
    return type(model).__name__ == "GraphModule" or "_guards_fn" in dir(model)


def _plain(torch: Any, answer: Any) -> Any:
    if isinstance(answer, torch.Tensor):
        return answer.detach().cpu().numpy()
    if isinstance(answer, dict):
        return {name: _plain(torch, item) for name, item in answer.items()}
    if isinstance(answer, (tuple, list)):
        return tuple(_plain(torch, item) for item in answer)
    return answer


def keras_call(model: Any) -> Callable[[Any], Any]:
    """Return what asks a model of Keras, without a line in the log for every query."""
    return lambda data: model.predict(data, verbose=0)
