"""Sparse matrices as JSON: ``{"shape": [3, 9], "row": [0], "col": [8], "data": [1.5]}``.

The coordinate form of scipy, with its names: ``data[i]`` stands at ``row[i]``, ``col[i]``.
"""

from __future__ import annotations

import importlib
from typing import Any

from mlkraken_serving._errors import InputError, ModelError
from mlkraken_serving._manifest import Field
from mlkraken_serving._values import Tensor
from mlkraken_serving.codecs._columns import ColumnReader

__all__ = ["describe_sparse", "read_sparse"]

_PARTS = ("shape", "row", "col", "data")
_MOST_ROWS = 1 << 20
"""A row takes memory also when nothing is in it."""


def describe_sparse(matrix: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a scipy matrix as plain JSON values, and its type.

    Raises
    ------
    ModelError
        ``result_unserialisable``.
    """
    coordinates = matrix.tocoo()
    if coordinates.ndim != 2 or coordinates.dtype.kind not in "biuf":
        raise ModelError(
            "result_unserialisable",
            f"The model answered with a sparse array of {coordinates.ndim} axes and the dtype "
            f"{coordinates.dtype}, which has no JSON form.",
            "Let it return a matrix of numbers, or .toarray() of it.",
        )
    plain = {
        "shape": list(coordinates.shape),
        "row": coordinates.row.tolist(),
        "col": coordinates.col.tolist(),
        "data": coordinates.data.tolist(),
    }
    told = {"kind": "sparse", "format": type(matrix).__name__, "dtype": coordinates.dtype.str}
    return plain, told


def read_sparse(data: dict[str, Any], field: Field, *, exact: bool) -> Tensor:
    """Return the rows of a matrix in coordinate form, as the field's kind of matrix.

    Raises
    ------
    InputError
        ``model_data_form``, ``shape_mismatch``, ``value_mistyped`` or ``value_missing``.
    """
    import numpy as np

    if set(data) != set(_PARTS) or not all(isinstance(part, list) for part in data.values()):
        raise InputError(
            "model_data_form",
            f"modelData is an object with {', '.join(map(repr, data)) or 'nothing'}, but a sparse "
            "matrix has shape, row, col and data.",
            "Send these four, or the matrix as a list of rows.",
        )
    shape = _shape(data["shape"], (field.shape or [-1, -1])[1])
    lengths = {len(data[part]) for part in ("row", "col", "data")}
    if len(lengths) > 1:
        raise _misshapen("row, col and data differ in length")
    places = [
        _places(data[part], size, part) for part, size in zip(("row", "col"), shape, strict=True)
    ]
    reader = ColumnReader(field, lambda number: f"data, place {number}")
    cells = np.array(reader.cells(data["data"], exact=exact), dtype=field.storage or None)
    return Tensor(_matrix(field.sparse, cells, places, shape))


def _matrix(kind: str, cells: Any, places: list[Any], shape: tuple[int, int]) -> Any:
    """Return the matrix with its cells in the order in which they were sent.

    By way of coordinates scipy would sort them, and a model's sums end in other bits.
    """
    import numpy as np

    scipy = importlib.import_module("scipy.sparse")
    row, col = places
    for name, major, minor, size in (("csr", row, col, shape[0]), ("csc", col, row, shape[1])):
        if kind.startswith(name) and (major[1:] >= major[:-1]).all():
            starts = np.cumsum([0, *np.bincount(major, minlength=size)])
            return getattr(scipy, kind)((cells, minor, starts), shape=shape)
    return getattr(scipy, kind)(scipy.coo_matrix((cells, (row, col)), shape=shape))


def _shape(given: list[Any], width: int) -> tuple[int, int]:
    whole = len(given) == 2 and all(type(size) is int and size >= 0 for size in given)
    if not whole or given[0] > _MOST_ROWS or (width != -1 and given[1] != width):
        takes = "any number of" if width == -1 else width
        raise _misshapen(
            f"The shape is {given!r}; the model takes up to {_MOST_ROWS} rows of {takes} columns"
        )
    return given[0], given[1]


def _places(given: list[Any], size: int, part: str) -> Any:
    import numpy as np

    for number, place in enumerate(given):
        if type(place) is not int or not 0 <= place < size:
            raise _misshapen(f"{part} has {place!r} at place {number}, which is not below {size}")
    return np.array(given, dtype="int64")


def _misshapen(what: str) -> InputError:
    return InputError(
        "shape_mismatch",
        f"{what}.",
        "Send the matrix as scipy's coo_matrix has it: shape, row, col and data.",
    )
