"""What a model answered, as named columns and tensors: for every encoding that is not plain JSON.

`outputs_of` turns any answer into `Output`s; an encoding writes their arrays. `spelled` gives
encodings without types for times the ISO 8601 text instead.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from mlkraken_serving.codecs._output_cells import array_of, object_array, refused

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["LABEL", "PROBABILITIES", "Output", "outputs_of", "outputs_of_calls", "spelled"]

LABEL = "label"
PROBABILITIES = "probabilities"
_NULLABLE = {"Int", "UInt", "Float", "boolean"}


@dataclass(frozen=True, slots=True)
class Output:
    """One column or tensor of an answer; its first axis is the rows.

    Attributes
    ----------
    name
        Unique among the answer's outputs.
    values
        Of a numpy dtype of kind b, i, u, f (numbers), M (times), m (durations), or O.
    kind
        What the cells are; the cells of an object array are all `str` (``text``) or all
        `bytes` (``bytes``).
    missing
        Where a value only fills the place of a missing one, in the shape of ``values``; None
        where nothing is missing. Floats say it by NaN and times by NaT, so theirs is mostly None.
    tz
        Time zone that times, which are in UTC, are shown in; "" for times without one.
    """

    name: str
    values: npt.NDArray[Any]
    kind: Literal["number", "text", "bytes", "time", "duration"] = "number"
    missing: npt.NDArray[np.bool_] | None = None
    tz: str = ""


def outputs_of_calls(
    value: Any, calls: Sequence[str], classes: Sequence[Any], rows: int
) -> list[Output]:
    """Return the outputs of an answer to `Ask.calls`, named as the calls are understood.

    Parameters
    ----------
    value
        `Prediction.value`: with several calls a tuple.
    calls
        What was called, never empty. ``predict`` of a classifier is called ``label``,
        ``predict_proba`` is called ``probabilities``; other calls keep their name.
    classes
        `Engine.classes`: tells a classifier.
    rows
        Rows of the query.
    """
    answers = value if len(calls) > 1 else (value,)
    named = {"predict": LABEL if classes else "predict", "predict_proba": PROBABILITIES}
    outputs = [
        output
        for call, answer in zip(calls, answers, strict=True)
        for output in outputs_of(answer, named.get(call, call), rows)
    ]
    return _unique(outputs)


def outputs_of(value: Any, name: str, rows: int) -> list[Output]:
    """Return an answer's columns and tensors.

    Parameters
    ----------
    value
        What the model returned. A DataFrame, a dictionary and a list of objects give one output
        a column, a tuple one an item; everything else is one. The index of pandas objects is
        left out: rows are told apart by their place.
    name
        The name of an answer that has none; items of a tuple are ``{name}_0`` and so on.
    rows
        Rows of the query, which tell a list of arrays (one an output) from a list of rows.

    Raises
    ------
    ModelError
        ``result_unserialisable``, naming what has no such form.
    """
    try:
        return _unique(_outputs(value, name, rows))
    except RecursionError:
        raise refused("a value that is nested too deep or contains itself") from None


def spelled(output: Output) -> Output:
    """Return ``output`` with times and durations as ISO 8601 text; others as they are."""
    if output.kind not in ("time", "duration"):
        return output
    import numpy as np
    import pandas as pd

    flat = output.values.ravel()
    absent = np.isnat(flat)
    if output.kind == "duration":
        cells = [pd.Timedelta(cell).isoformat() for cell in flat]
    elif output.tz:
        zoned = pd.DatetimeIndex(flat).tz_localize("UTC").tz_convert(output.tz)
        cells = [stamp.isoformat() for stamp in zoned]
    else:
        cells = np.datetime_as_string(flat).tolist()
    text = object_array(["" if gone else cell for cell, gone in zip(cells, absent, strict=True)])
    shape = output.values.shape
    missing = absent.reshape(shape) if absent.any() else None
    return replace(output, values=text.reshape(shape), kind="text", missing=missing, tz="")


def _unique(outputs: list[Output]) -> list[Output]:
    names = [output.name for output in outputs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise refused(f"two outputs of the name {twice!r}")
    return outputs


def _outputs(value: Any, name: str, rows: int) -> list[Output]:
    kind = type(value).__name__
    module = type(value).__module__.partition(".")[0]
    if module == "scipy" and hasattr(value, "toarray"):
        return [_tensor(value.toarray(), name)]
    if module == "pandas" and kind == "DataFrame":
        return [_column(value.iloc[:, at], str(label)) for at, label in enumerate(value.columns)]
    if module == "pandas" and kind == "Series":
        return [_column(value, name if value.name is None else str(value.name))]
    if module == "pandas" and hasattr(value, "to_numpy") and hasattr(value, "__len__"):
        return [_column(importlib.import_module("pandas").Series(value), name)]
    if isinstance(value, Mapping):
        return [_only(item, str(key), rows) for key, item in value.items()]
    if isinstance(value, tuple) or _is_one_per_output(value, rows):
        parts = enumerate(value)
        return [output for at, part in parts for output in _outputs(part, f"{name}_{at}", rows)]
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        columns = dict.fromkeys(key for item in value for key in item)
        cells = {key: [item.get(key) for item in value] for key in columns}
        return [_only(column, str(key), rows) for key, column in cells.items()]
    return [_tensor(value, name)]


def _only(value: Any, name: str, rows: int) -> Output:
    """Return an item of a dictionary, which has a name for one output."""
    if isinstance(value, Mapping):
        raise refused("a dictionary in a dictionary")
    outputs = _outputs(value, name, rows)
    if len(outputs) != 1:
        raise refused(f"a {type(value).__name__} of {len(outputs)} outputs in a dictionary")
    return replace(outputs[0], name=name)


def _is_one_per_output(value: Any, rows: int) -> bool:
    """Tell scikit-learn's list of probabilities, one matrix an output, from a list of rows."""
    if not isinstance(value, list) or not value or len(value) == rows == 1:
        return False
    most = 1 if len(value) == rows else 0
    return all(getattr(item, "ndim", 0) > most and len(item) == rows for item in value)


def _tensor(value: Any, name: str) -> Output:
    import numpy as np

    array = value if isinstance(value, np.ndarray) else None
    if array is None and isinstance(value, np.generic):
        array = np.asarray(value)
    if array is None or array.dtype.kind in "OUS":
        leaves: list[Any] = []
        return _cells(leaves, _flatten(value, leaves), name)
    shaped = array.reshape(1) if array.ndim == 0 else array
    kind = array.dtype.kind
    if kind in "Mm":
        return Output(name, shaped, "time" if kind == "M" else "duration")
    if kind not in "biuf":
        raise refused(f"a numpy array of dtype {array.dtype}")
    if array.dtype.char == "g":
        shaped = _narrowed(shaped)
    return Output(name, shaped)


def _narrowed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a long double as the widest float that travels, if that loses nothing."""
    narrow = array.astype("float64")
    if not ((narrow == array) | (array != array)).all():  # noqa: PLR0124
        raise refused("numbers with more digits than a float of 64 bits")
    return narrow


def _cells(leaves: list[Any], shape: tuple[int, ...], name: str) -> Output:
    values, missing = array_of(leaves, shape or (1,))
    if values.dtype.kind != "O":
        return Output(name, values, "number", missing)
    raw = any(isinstance(cell, bytes) for cell in values.flat[:1])
    return Output(name, values, "bytes" if raw else "text", missing)


def _flatten(data: Any, into: list[Any]) -> tuple[int, ...]:
    """Append what nested lists and arrays hold to ``into`` and return their shape."""
    import numpy as np

    if isinstance(data, np.ndarray) and data.dtype.kind != "O":
        into += list(data.ravel()) if data.dtype.kind in "Mm" else data.ravel().tolist()
        return tuple(data.shape)
    if not isinstance(data, (list, tuple, np.ndarray)):
        into.append(data)
        return ()
    shapes = {_flatten(part, into) for part in data}
    if len(shapes) > 1:
        raise refused("lists of different lengths in a list")
    return (len(data), *(shapes.pop() if shapes else ()))


def _column(series: Any, name: str) -> Output:
    storage = str(series.dtype)
    kind = getattr(series.dtype, "kind", "O")
    if getattr(series.dtype, "tz", None) is not None:
        zone = str(series.dt.tz)
        return Output(name, series.dt.tz_convert(None).to_numpy(), "time", tz=zone)
    if storage.rstrip("0123456789") in _NULLABLE:
        absent = series.isna().to_numpy()
        values = series.to_numpy(dtype=storage.lower().replace("boolean", "bool"), na_value=0)
        return Output(name, values, missing=absent if absent.any() else None)
    if kind in "biufMm" and storage == str(getattr(series.to_numpy(), "dtype", "")):
        return _tensor(series.to_numpy(), name)
    leaves: list[Any] = []
    cells = series.tolist()
    if storage.startswith("str"):  # which marks a missing text by NaN, the word of floats
        cells = [cell if isinstance(cell, str) else None for cell in cells]
    shape = _flatten(cells, leaves)  # a column of vectors of one length is a tensor
    return _cells(leaves, shape, name)
