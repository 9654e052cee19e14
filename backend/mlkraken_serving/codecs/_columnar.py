"""Columns of any encoding to what the signature's kind of model takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from mlkraken_serving._errors import InputError
from mlkraken_serving._manifest import Field, Signature
from mlkraken_serving._values import Items, ModelInput, Table, Tensor
from mlkraken_serving.codecs._columns import check_names

__all__ = ["Columns", "model_input", "stacked"]


class Columns(Protocol):
    """What one encoding has read: columns by name, of equal length."""

    names: Sequence[str]
    rows: int

    def cells(self, name: str, field: Field) -> Any:
        """Return a column's cells as ``field`` has them: an array or a list of Python values.

        Raises
        ------
        InputError
            ``value_mistyped`` or ``value_missing``.
        """

    def free(self, name: str) -> list[Any]:
        """Return the Python values of a column of which no signature tells anything."""

    def described(self) -> Signature:
        """Return a signature of kind ``dataframe`` of what was sent."""

    def tensor(self, field: Field) -> Any:
        """Return all columns as an array of the shape and dtype of ``field``.

        Raises
        ------
        InputError
            ``shape_mismatch``, ``value_mistyped`` or ``value_missing``.
        """


def model_input(columns: Columns, signature: Signature) -> ModelInput:
    """Return the rows of ``columns`` for a model of this signature.

    A model without a signature gets a table as its sender described it.

    Raises
    ------
    InputError
        ``columns_missing``, ``columns_unexpected``, or what `Columns` raises.
    """
    kind, fields = signature.kind, signature.fields
    if kind == "ndarray":
        return Tensor(columns.tensor(fields[0]))
    if kind == "any" or not fields:
        signature = columns.described()
        return _table(columns, signature)
    if kind == "dataframe":
        check_names([field.name for field in fields], columns.names)
        return _table(columns, signature)
    if kind in ("records", "dict"):
        return Items(_rows(columns, fields), each=kind == "dict")
    cells = columns.cells(_only(columns, fields[0]), fields[0])
    if kind == "series":
        return Table({fields[0].name: cells}, columns.rows, signature)
    return Items(_listed(cells), each=kind == "scalar")


def stacked(columns: Columns, field: Field) -> Any:
    """Return columns of single cells as one array of the shape of ``field``, in their order.

    Raises
    ------
    InputError
        ``shape_mismatch``, or what `Columns.cells` raises.
    """
    import numpy as np

    shape, width = (field.shape or [-1])[1:], len(columns.names)
    if math.prod(shape) != width and (len(shape) != 1 or shape[0] != -1):
        takes = " x ".join(["rows", *("any" if size == -1 else str(size) for size in shape)])
        raise InputError(
            "shape_mismatch",
            f"The body has {width} columns; the model takes an array of {takes}.",
            "Send as many columns as a row has values, in their order.",
        )
    one = msgspec.structs.replace(field, shape=None)
    cells = [
        _array(columns.cells(name, msgspec.structs.replace(one, name=name)), field)
        for name in columns.names
    ]
    matrix = np.stack(cells, axis=1) if cells else np.empty((columns.rows, 0), field.storage or "O")
    sizes = shape if -1 not in shape else [width]
    return np.ascontiguousarray(matrix).reshape(columns.rows, *sizes)


def _array(cells: Any, field: Field) -> Any:
    import numpy as np

    if isinstance(cells, list) and field.storage and np.dtype(field.storage).hasobject:
        return np.fromiter(cells, dtype=object, count=len(cells))
    return np.asarray(cells, dtype=field.storage or None)


def _table(columns: Columns, signature: Signature) -> Table:
    cells = {field.name: columns.cells(field.name, field) for field in signature.fields}
    return Table(cells, columns.rows, signature)


def _only(columns: Columns, field: Field) -> str:
    if len(columns.names) != 1:
        check_names([field.name], columns.names)
    return columns.names[0]


def _rows(columns: Columns, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """Rows for a function of objects; columns beyond the example's are its own business."""
    known: Mapping[str, Field] = {field.name: field for field in fields}
    if any(name not in columns.names for name in known):
        check_names(list(known), columns.names)
    cells = [
        _listed(columns.cells(name, known[name])) if name in known else columns.free(name)
        for name in columns.names
    ]
    return [dict(zip(columns.names, row, strict=True)) for row in zip(*cells, strict=True)]


def _listed(cells: Any) -> list[Any]:
    listed: list[Any] = cells if isinstance(cells, list) else cells.tolist()
    return listed
