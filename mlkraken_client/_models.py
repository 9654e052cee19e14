"""Lists of models, as a notebook shows them."""

from __future__ import annotations

from typing import Any

from mlkraken_client import _display
from mlkraken_client._connection import Connection
from mlkraken_client._model import Model

__all__ = ["ModelList"]


class ModelList(list[Model]):
    """Models that show as a table."""

    def __init__(self, connection: Connection, told: list[dict[str, Any]]) -> None:
        super().__init__(Model(connection, model["name"]) for model in told)
        self._told = told

    def describe(self) -> list[dict[str, Any]]:
        """Return what the backend said of each model when the list was made."""
        return list(self._told)

    def __repr__(self) -> str:
        return _display.models_text(self._told)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return _display.models_bundle(self._told)
