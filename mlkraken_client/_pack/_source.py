"""A model about to be packed, and how it will be called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Source"]


@dataclass(frozen=True)
class Source:
    """A model about to be packed.

    Parameters
    ----------
    model
        The live object.
    flavor
        The library it comes from, or ``function`` or ``object``.
    loader, call
        How the server gets it and what it calls.
    rowwise
        Whether its answers for a row are known not to depend on the other rows.
    path
        The file or folder to take as it is, instead of pickling ``model``.
    modules
        Import names that loading it needs beyond what its pickle names.
    content
        Name and bytes of the file to write, instead of pickling ``model``.
    variables
        Environment variables that loading it needs.
    signature
        What it takes, where the model itself knows it better than an example.
    """

    model: Any
    flavor: str
    loader: str = "pickle"
    call: str = "predict"
    rowwise: bool = False
    path: Path | None = None
    modules: frozenset[str] = field(default_factory=frozenset)
    content: tuple[str, bytes] | None = None
    variables: dict[str, str] = field(default_factory=dict)
    signature: dict[str, Any] | None = None

    def predict(self, data: Any) -> Any:
        """Answer as the served model will."""
        return self.function(data)

    @property
    def function(self) -> Callable[[Any], Any]:
        """What the server will call."""
        if self.call == "call":
            return self.model  # type: ignore[no-any-return]
        if self.call == "xgboost":
            matrix = importlib.import_module("xgboost").DMatrix
            return lambda data: self.model.predict(matrix(data, enable_categorical=True))
        if self.call == "torch":
            return self._torch
        if self.call == "keras":
            return lambda data: self.model.predict(data, verbose=0)
        return getattr(self.model, self.call)  # type: ignore[no-any-return]

    def prepared(self, example: Any) -> Any:
        """Return an example as the kinds of object that a query can carry."""
        if self.call == "torch" and hasattr(example, "detach"):
            return example.detach().cpu().numpy()
        own = getattr(self.model, "prepared", None) if self.loader == "onnx" else None
        return own(example) if own else example

    def _torch(self, data: Any) -> Any:
        """Answer in evaluation mode; leave the mode as it was, the notebook may go on training."""
        torch = importlib.import_module("torch")
        rows = torch.as_tensor(data.to_numpy() if hasattr(data, "to_numpy") else data)
        training = self.loader != "torch-export" and self.model.training
        if training:
            self.model.eval()
        try:
            with torch.no_grad():
                return _plain(torch, self.model(rows))
        finally:
            if training:
                self.model.train()


def _plain(torch: Any, answer: Any) -> Any:
    if isinstance(answer, torch.Tensor):
        return answer.detach().cpu().numpy()
    if isinstance(answer, dict):
        return {name: _plain(torch, item) for name, item in answer.items()}
    if isinstance(answer, (tuple, list)):
        return tuple(_plain(torch, item) for item in answer)
    return answer
