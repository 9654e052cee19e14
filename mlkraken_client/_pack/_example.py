"""The example a bundle carries: some input, and the notebook's own answers to it."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from typing import Any

from mlkraken_client._codec import plain, series_cells
from mlkraken_client._errors import KrakenError, PackError
from mlkraken_client._objects import is_sparse
from mlkraken_client._pack._arrow import write_arrow
from mlkraken_client._pack._rows import first_rows, is_rowwise, own_copy, row_count
from mlkraken_client._pack._source import Source
from mlkraken_client._signature import describe_input, kind_of

__all__ = ["Example", "answer_example"]

MOST_ROWS = 100
"""Longer examples are cut: this many rows tell a type, and every start predicts them."""

TOLERANCE = 1e-9
"""Relative difference up to which answers count as close; sums depend on the memory's layout."""

_TABULAR = ("dataframe", "series")
_ANSWER = "answer"


class Example:
    """What goes into a bundle's ``example/`` folder.

    Parameters
    ----------
    signature
        Read off the input.
    files
        Contents by path below the bundle.
    rowwise
        Whether every tried row was answered the same alone as among the others.
    sample
        ``modelData`` for the first row, for people to try the model with.
    """

    def __init__(
        self,
        signature: dict[str, Any],
        files: dict[str, bytes],
        rowwise: bool | None,
        sample: Any,
    ) -> None:
        self.signature = signature
        self.sample = sample
        self.files = files
        self.rowwise = rowwise

    def manifest(self) -> dict[str, Any]:
        """Return the manifest's ``example``."""
        of = {path.rpartition("/")[2].partition(".")[0]: path for path in self.files}
        return {
            "input": of["input"],
            "output": of.get("output", ""),
            "tolerance": TOLERANCE,
            "sample": self.sample,
        }


def answer_example(source: Source, example: Any) -> Example:
    """Describe the example, answer it here, and return both as files.

    Raises
    ------
    PackError
        ``example_refused`` when the model raises on it, and what `describe_input` raises.
    """
    signature = describe_input(example)
    cut = _cut(example, signature["kind"])
    try:
        answer = source.predict(own_copy(cut))
    except KrakenError:
        raise
    except (Exception, SystemExit) as error:  # the model's own code may raise anything
        raise PackError(
            "example_refused",
            f"The model refuses its own example: {type(error).__name__}: {error}.",
            "Pass an example that model.predict takes here in the notebook, such as X.head().",
        ) from error
    name, content = _input_file(cut, signature)
    files = {f"example/{name}": content}
    stored = _output_file(answer)
    if stored is not None:
        files[f"example/{stored[0]}"] = stored[1]
    rowwise, sample = is_rowwise(source, cut, answer), _sample(cut, signature["kind"])
    return Example(_with_outputs(signature, answer), files, rowwise, sample)


def _sample(example: Any, kind: str) -> Any:
    """The first row as plain, strict JSON: a row object where columns have names."""
    if kind == "dataframe":
        row = {str(name): series_cells(column.iloc[:1])[0] for name, column in example.items()}
    elif kind in ("dict", "scalar"):
        row = plain(example)
    else:
        first = first_rows(example, 1, kind)
        row = plain(first.tolist() if hasattr(first, "tolist") else first)
    return _strict(row)


def _strict(value: Any) -> Any:
    """Write null for what strict JSON has no word for."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_strict(item) for item in value]
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    return value


def _cut(example: Any, kind: str) -> Any:
    if kind in ("dict", "scalar") or row_count(example) <= MOST_ROWS:
        return example
    return first_rows(example, MOST_ROWS, kind)


def _input_file(example: Any, signature: Mapping[str, Any]) -> tuple[str, bytes]:
    kind, fields = signature["kind"], signature["fields"]
    if kind == "ndarray" and example.dtype.kind != "O" and not is_sparse(example):
        return "input.npy", _npy(example)
    if kind == "dataframe":
        columns = {
            field["name"]: series_cells(example.iloc[:, place])
            for place, field in enumerate(fields)
        }
        return "input.arrow", write_arrow(columns, fields)
    if kind == "series":
        return "input.arrow", write_arrow({fields[0]["name"]: series_cells(example)}, fields)
    cells = example.tolist() if hasattr(example, "tolist") else example
    return "input.json", _json(plain(cells))


def _output_file(answer: Any) -> tuple[str, bytes] | None:
    """Arrow for tables and columns, ``.npy`` for numbers, JSON for the rest; None if none fits."""
    module = type(answer).__module__.partition(".")[0]
    if module == "numpy" and getattr(answer, "shape", None) and answer.dtype.kind in "biuf":
        return "output.npy", _npy(answer)
    try:
        kind = kind_of(answer)
        if kind == "dataframe":
            return "output.arrow", _table(answer)
        if kind in ("series", "ndarray") and _plain_column(answer):
            return "output.arrow", _column(answer)
        cells = answer.tolist() if hasattr(answer, "tolist") else answer
        return "output.json", _json(plain(cells))
    except (KrakenError, ValueError, TypeError):
        return None  # parity cannot be checked; the service itself says what it cannot send


def _plain_column(answer: Any) -> bool:
    return getattr(answer, "ndim", 1) == 1 and len(answer) > 0


def _table(answer: Any) -> bytes:
    fields = describe_input(answer)["fields"]
    if not all(_comparable(field) for field in fields):
        raise ValueError
    columns = {
        field["name"]: series_cells(answer.iloc[:, place]) for place, field in enumerate(fields)
    }
    return write_arrow(columns, fields)


def _column(answer: Any) -> bytes:
    (field,) = describe_input(answer)["fields"]
    if not _comparable(field):
        raise ValueError
    cells = series_cells(answer) if hasattr(answer, "iloc") else plain(answer.tolist())
    return write_arrow({_ANSWER: cells}, [{**field, "name": _ANSWER}])


def _comparable(field: Mapping[str, Any]) -> bool:
    """Whether a column read back from Arrow is what the service's JSON says, cell by cell."""
    dtype = field["dtype"]
    return dtype in ("string", "category", "bool") or dtype.startswith(("int", "uint", "float"))


def _with_outputs(signature: dict[str, Any], answer: Any) -> dict[str, Any]:
    try:
        described = describe_input(answer)
    except (KrakenError, TypeError):
        return signature
    return {**signature, "outputs": described}


def _npy(array: Any) -> bytes:
    import numpy as np

    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=True).encode()
