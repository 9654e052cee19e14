"""ONNX graphs as models: what they take, and their answers here."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from mlkraken_client._errors import PackError

__all__ = ["OnnxGraph"]

_DTYPES = {
    **{f"tensor({name})": name for name in ("float16", "int8", "int16", "int32", "int64", "bool")},
    **{f"tensor(u{name})": f"u{name}" for name in ("int8", "int16", "int32", "int64")},
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(string)": "string",
}


class OnnxGraph:
    """A graph that answers like a model.

    Parameters
    ----------
    data
        The graph as bytes.

    Raises
    ------
    PackError
        ``model_unsupported`` when an input is not a tensor of numbers, truth values or text.
    """

    def __init__(self, data: bytes) -> None:
        runtime = importlib.import_module("onnxruntime")
        self._session = runtime.InferenceSession(data, providers=["CPUExecutionProvider"])
        self._inputs = self._session.get_inputs()
        for item in self._inputs:
            if item.type not in _DTYPES:
                raise PackError(
                    "model_unsupported",
                    f"The graph's input {item.name!r} is a {item.type}.",
                    "Export it with inputs that are tensors of numbers, truth values or text.",
                )

    @property
    def signature(self) -> dict[str, Any]:
        """A tensor for one input; a table with a column an input for several."""
        if len(self._inputs) > 1:
            return {"kind": "dataframe", "fields": [_column(item) for item in self._inputs]}
        (item,) = self._inputs
        shape = [-1, *(size if isinstance(size, int) else -1 for size in item.shape[1:])]
        return {"kind": "ndarray", "fields": [{**_field(item), "name": "value", "shape": shape}]}

    def prepared(self, example: Any) -> Any:
        """Return an example in the graph's own dtypes, as queries will come."""
        if len(self._inputs) == 1:
            (feed,) = self._feeds(example).values()
            return feed
        import pandas as pd

        columns = {
            item.name: self._cells(item, example[item.name]).tolist()
            if _column(item)["dtype"] == "json"
            else self._cells(item, example[item.name]).ravel()
            for item in self._inputs
        }
        return pd.DataFrame(columns)

    def predict(self, data: Any) -> Any:
        """Return the output, or with several of them a dictionary by name."""
        feeds = self._feeds(data)
        answers = self._session.run(None, feeds)
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, answers, strict=True)) if len(names) > 1 else answers[0]

    def _feeds(self, data: Any) -> dict[str, Any]:
        import numpy as np

        if len(self._inputs) == 1:
            rows = data.to_numpy() if hasattr(data, "to_numpy") else data
            (item,) = self._inputs
            return {item.name: np.ascontiguousarray(rows, dtype=_numpy(item))}
        if not isinstance(data, Mapping) and not hasattr(data, "columns"):
            raise TypeError(f"it takes a table with {', '.join(i.name for i in self._inputs)}")
        return {item.name: self._cells(item, data[item.name]) for item in self._inputs}

    def _cells(self, item: Any, column: Any) -> Any:
        import numpy as np

        array = np.array(list(column), dtype=_numpy(item))
        return array.reshape(-1, 1) if array.ndim == 1 and len(item.shape) == 2 else array


def _numpy(item: Any) -> str:
    dtype = _DTYPES[item.type]
    return "object" if dtype == "string" else dtype


def _field(item: Any) -> dict[str, Any]:
    import numpy as np

    dtype = _DTYPES[item.type]
    floating = dtype.startswith("float")
    return {
        "name": item.name,
        "dtype": dtype,
        "storage": "object" if dtype == "string" else np.dtype(dtype).str,
        "nullable": floating,
        "missing": "nan" if floating else "none",
    }


def _column(item: Any) -> dict[str, Any]:
    """Describe a column: single values, or for an input of several values a row, lists of them."""
    if [size for size in item.shape[1:] if size != 1]:
        return {"name": item.name, "dtype": "json", "storage": "object", "nullable": False}
    return {**_field(item), "storage": _numpy(item)}
