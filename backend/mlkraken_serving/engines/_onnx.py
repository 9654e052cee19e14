"""The ONNX engine: graphs that others made, run as they are."""

from __future__ import annotations

import importlib
from typing import Any

from mlkraken_serving._errors import InputError, LoadError, ModelError
from mlkraken_serving._manifest import Bundle
from mlkraken_serving._values import ModelInput, Table, Tensor
from mlkraken_serving.engines._environment import check_environment
from mlkraken_serving.engines._onnx_session import open_session

__all__ = ["OnnxEngine"]


class OnnxEngine:
    """Runs an ONNX graph in this process.

    A graph with one input takes a tensor; one with several takes a table with a column an input.
    It answers with its output, or with several outputs by name, each of which can also be asked
    for as a method.

    Parameters
    ----------
    bundle
        The bundle to serve.
    """

    name = "onnx"
    lanes = 1
    classes: tuple[Any, ...] = ()
    parameters: tuple[str, ...] = ()

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._session: Any = None
        self._inputs: list[Any] = []
        self._outputs: list[str] = []
        self.calls: tuple[str, ...] = ()

    def load(self) -> None:
        """Open the graph; see `Engine.load`."""
        check_environment(self._bundle)
        self._session = open_session(self._bundle.path(self._bundle.manifest.entry.path))
        self._inputs = self._session.get_inputs()
        self._outputs = [output.name for output in self._session.get_outputs()]
        unknown = [item.type for item in self._inputs if item.type not in _DTYPES]
        if unknown:
            raise LoadError(
                "load_failed",
                f"The graph takes a {unknown[0]}, which no query can carry.",
                "Export it with inputs that are tensors of numbers, truth values or text.",
            )
        several = [name for name in self._outputs if name != "predict"]
        self.calls = ("predict", *(several if len(self._outputs) > 1 else ()))

    def predict(self, data: ModelInput, calls: tuple[str, ...] = ()) -> Any:
        """Answer for all rows of ``data``; see `Engine.predict`."""
        names = calls or ("predict",)
        feeds = self._feeds(data)
        try:
            values = dict(zip(self._outputs, self._session.run(None, feeds), strict=True))
        except Exception as error:  # the runtime's errors have no common base
            raise ModelError(
                "predict_failed",
                f"The graph failed: {str(error).partition(' : ')[2] or error}",
                "Compare shape and dtype of the rows with what /metadata says it takes.",
            ) from error
        whole = values if len(values) > 1 else next(iter(values.values()))
        answers = tuple(whole if name == "predict" else values[name] for name in names)
        return answers if len(calls) > 1 else answers[0]

    def _feeds(self, data: ModelInput) -> dict[str, Any]:
        numpy = importlib.import_module("numpy")
        if isinstance(data, Tensor):
            (item,) = self._inputs
            array = numpy.ascontiguousarray(data.array)
            return {item.name: array.astype(_DTYPES[item.type], copy=False)}
        if isinstance(data, Table):
            return {item.name: self._column(numpy, item, data) for item in self._inputs}
        raise InputError(
            "model_data_form",
            "This graph takes a matrix, or a table with a column for each of its inputs.",
            f"Its inputs are {', '.join(item.name for item in self._inputs)}.",
        )

    def _column(self, numpy: Any, item: Any, data: Table) -> Any:
        cells = data.columns[item.name]
        try:
            array = numpy.array(list(cells), dtype=_DTYPES[item.type])
        except (TypeError, ValueError) as error:
            raise InputError(
                "value_mistyped",
                f"Column {item.name!r} does not fit the graph's {item.type}: {error}.",
                "Send a value, or a list of values of the input's shape, in every row.",
            ) from error
        return array.reshape(-1, 1) if array.ndim == 1 and len(item.shape) == 2 else array


_DTYPES = {
    **{f"tensor({name})": name for name in ("float16", "int8", "int16", "int32", "int64", "bool")},
    **{f"tensor(u{name})": f"u{name}" for name in ("int8", "int16", "int32", "int64")},
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(string)": "object",
}
