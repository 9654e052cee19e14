"""The port between the server and whatever runs a model."""

from __future__ import annotations

from typing import Any, Protocol

from mlkraken_serving._values import ModelInput

__all__ = ["Engine"]


class Engine(Protocol):
    """Loads one bundle and answers for it.

    At most `lanes` calls run at once, each in a thread of its own.
    """

    name: str
    """Shown in ``metaData.engine``: what really runs."""

    lanes: int
    """How many calls may run at once; 1 for a model in this process."""

    calls: tuple[str, ...]
    """Methods that a query may ask for by name, the bundle's own first; known after `load`."""

    classes: tuple[Any, ...]
    """A classifier's labels, in the order of its probabilities; empty where there are none."""

    parameters: tuple[str, ...]
    """Names that the parameters of a `Tuned` may have; empty for a model that takes none."""

    def load(self) -> None:
        """Make the model ready to predict.

        Raises
        ------
        EnvironmentMismatch
            The interpreter or a package is not what the bundle asks for.
        LoadError
            The model's own code or file failed.
        """

    def predict(self, data: ModelInput, calls: tuple[str, ...] = ()) -> Any:
        """Answer for all rows of ``data``.

        Parameters
        ----------
        data
            The rows.
        calls
            Methods to call, of `calls`; empty for the bundle's own.

        Returns
        -------
        object
            What the model returned, for a row-wise model with one entry a row; with several
            ``calls`` a tuple, one answer each.

        Raises
        ------
        InputError
            A value has no form in the model's own types.
        ModelError
            The model's own code raised or exited.
        """
