"""The port between the server and whatever runs a model."""

from __future__ import annotations

from typing import Any, Protocol

from mlkraken_serving._values import ModelInput

__all__ = ["Engine"]


class Engine(Protocol):
    """Loads one bundle and answers for it.

    Calls come from one thread at a time, never two at once.
    """

    name: str
    """Shown in ``metaData.engine``: what really runs."""

    def load(self) -> None:
        """Make the model ready to predict.

        Raises
        ------
        EnvironmentMismatch
            The interpreter or a package is not what the bundle asks for.
        LoadError
            The model's own code or file failed.
        """

    def predict(self, data: ModelInput) -> Any:
        """Answer for all rows of ``data`` in one call.

        Returns
        -------
        object
            What the model returned, for a row-wise model with one entry a row.

        Raises
        ------
        InputError
            A value has no form in the model's own types.
        ModelError
            The model's own code raised or exited.
        """
