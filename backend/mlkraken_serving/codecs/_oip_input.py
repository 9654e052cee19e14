"""Tensors of one request to the model's input, resolved by its signature."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlkraken_serving._errors import InputError
from mlkraken_serving._manifest import Field, Signature
from mlkraken_serving._values import Column, ModelInput, Single, Table
from mlkraken_serving.codecs._casts import cast
from mlkraken_serving.codecs._columns import ColumnReader, check_names
from mlkraken_serving.codecs._json_in import InputReader, parse_json
from mlkraken_serving.codecs._json_out import nested
from mlkraken_serving.codecs._oip_tensors import OipTensor, spoken
from mlkraken_serving.codecs._tensors import TensorReader

if TYPE_CHECKING:
    import numpy as np

__all__ = ["TensorInput"]

_NUMERIC = ("int", "uint", "float", "bool")


class TensorInput:
    """Reads the tensors of a request for one signature.

    A table takes one tensor a column, of the shape rows or rows x 1, or, where all its columns are
    numbers, a single one of rows x columns. Everything else takes one tensor, of any name.

    Parameters
    ----------
    signature
        The model's signature; kind ``any`` takes one array as it is, or several by name.
    """

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._fields = {field.name: field for field in signature.fields}
        self._readers = {field.name: ColumnReader(field) for field in signature.fields}
        self._dtypes = {field.name: _array_dtype(field) for field in signature.fields}
        self._plain = InputReader(signature)
        self._array = TensorReader(signature.fields[0]) if signature.kind == "ndarray" else None

    def read(self, tensors: Sequence[OipTensor], *, frame: bool = False) -> ModelInput:
        """Return the rows in ``tensors``, checked against the signature.

        ``frame`` asks for a DataFrame, one tensor a column, where the signature says nothing.

        Raises
        ------
        InputError
            ``columns_missing``, ``columns_unexpected``, ``columns_ragged``, ``value_mistyped``,
            ``value_missing`` or ``shape_mismatch``.
        """
        kind = self._signature.kind
        if kind == "any":
            return Single(_frame(tensors) if frame else _whole(tensors))
        if kind in ("dataframe", "series"):
            return self._uniform(tensors) or self._table(self._columns(tensors))
        if kind in ("records", "dict"):
            return self._objects(self._columns(tensors))
        (tensor,) = self._only(tensors)
        if self._array is not None:
            if not isinstance(tensor.values, list):
                return self._array.fit(tensor.values)
            return self._array.read(nested(_texts(tensor), tensor.shape), exact=False)
        cells = _texts(tensor)
        return self._plain.read(cells[0] if kind == "scalar" and len(cells) == 1 else cells)

    def _only(self, tensors: Sequence[OipTensor]) -> Sequence[OipTensor]:
        if len(tensors) != 1:
            check_names(self._fields, [tensor.name for tensor in tensors])
        return tensors

    def _uniform(self, tensors: Sequence[OipTensor]) -> Table | None:
        """Return a table of columns that are all of the type of the one matrix they come in."""
        values = tensors[0].values
        if len(tensors) > 1 or isinstance(values, list) or values.ndim != 2:
            return None
        if tensors[0].name in self._fields or values.shape[1] != len(self._fields):
            return None
        if set(self._dtypes.values()) != {values.dtype}:
            return None
        columns: dict[str, Column] = dict(zip(self._fields, values.T.copy(), strict=True))
        return Table(columns, values.shape[0], self._signature)

    def _columns(self, tensors: Sequence[OipTensor]) -> dict[str, OipTensor]:
        """Return one tensor a column, in the model's order."""
        if len(tensors) == 1:
            (tensor,) = tensors
            if len(self._fields) == 1:
                return dict.fromkeys(self._fields, tensor)
            if len(tensor.shape) == 2 and tensor.name not in self._fields:
                return self._sliced(tensor)
        given = {tensor.name: tensor for tensor in tensors}
        check_names(self._fields, given)
        return {name: given[name] for name in self._fields}

    def _sliced(self, tensor: OipTensor) -> dict[str, OipTensor]:
        rows, width = tensor.shape
        if isinstance(tensor.values, list) and tensor.datatype == "BYTES":
            check_names(self._fields, [tensor.name])
        if width != len(self._fields):
            raise InputError(
                "shape_mismatch",
                f"Input {tensor.name!r} has {width} columns; the model takes {len(self._fields)}: "
                f"{', '.join(self._fields)}.",
                "Send a column for each, in this order, or one input a column by its name.",
            )
        values = tensor.values
        parts: list[Any] = (
            [values[place::width] for place in range(width)]
            if isinstance(values, list)
            else list(values.T.copy())
        )
        return {
            name: OipTensor(name, tensor.datatype, (rows,), part)
            for name, part in zip(self._fields, parts, strict=True)
        }

    def _table(self, tensors: dict[str, OipTensor]) -> Table:
        rows = _rows(tensors)
        columns = {name: self._column(self._fields[name], part) for name, part in tensors.items()}
        return Table(columns, rows, self._signature)

    def _column(self, field: Field, tensor: OipTensor) -> Column:
        reader = self._readers[field.name]
        if isinstance(tensor.values, list) or _is_vectors(tensor):
            return reader.cells(_cells(field, tensor), exact=False)
        flat = tensor.values.reshape(-1)
        dtype = self._dtypes[field.name]
        if field.dtype == "any" and not field.storage:
            dtype = flat.dtype
        # Where a whole number is missing, pandas' nullable types have a place for it, or none has.
        if dtype is None or (dtype.kind != "f" and (flat != flat).any()):  # noqa: PLR0124
            return reader.cells(flat.tolist(), exact=False)
        return cast(flat, dtype, lambda number: f"Column {field.name!r}, row {number}")

    def _objects(self, tensors: dict[str, OipTensor]) -> ModelInput:
        rows = _rows(tensors)
        cells = {name: _cells(self._fields[name], part) for name, part in tensors.items()}
        objects = [{name: column[row] for name, column in cells.items()} for row in range(rows)]
        if self._signature.kind == "dict" and rows == 1:
            return self._plain.read(objects[0])
        return self._plain.read(objects)


def _rows(tensors: dict[str, OipTensor]) -> int:
    lengths = {name: tensor.shape[0] if tensor.shape else 1 for name, tensor in tensors.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(
            "columns_ragged",
            "The inputs differ in rows: "
            + ", ".join(f"{name!r} has {length}" for name, length in lengths.items())
            + ".",
            "Send as many rows in every input.",
        )
    return next(iter(lengths.values()), 0)


def _array_dtype(field: Field) -> np.dtype[Any] | None:
    """Return what dtype a column has as an array; None where it is made of cells."""
    import numpy as np

    if not field.dtype.startswith(_NUMERIC) or field.storage in ("", "object"):
        return None
    return np.dtype(field.dtype)


def _is_vectors(tensor: OipTensor) -> bool:
    return len(tensor.shape) > 1 and tensor.shape[1:] != (1,)


def _cells(field: Field, tensor: OipTensor) -> list[Any]:
    """Return cells, one a row, as the column's reader takes them."""
    if _is_vectors(tensor):
        if field.dtype in ("json", "any"):
            return list(nested(_texts(tensor), tensor.shape))
        raise InputError(
            "shape_mismatch",
            f"Input {tensor.name!r} has {spoken(tensor.shape)}; a column has one value a row.",
            "Send the shape rows, or rows x 1.",
        )
    if field.dtype == "bytes":
        # The reader takes base64, as plain JSON has no bytes; here they come as they are.
        return [None if cell is None else _base64(cell) for cell in tensor.flat()]
    cells = _texts(tensor)
    if field.dtype == "json" and tensor.datatype == "BYTES":
        return [None if cell is None else parse_json(cell.encode()) for cell in cells]
    return cells


def _base64(cell: Any) -> Any:
    if isinstance(cell, str):
        cell = cell.encode()
    return base64.b64encode(cell).decode("ascii") if isinstance(cell, bytes) else cell


def _texts(tensor: OipTensor) -> list[Any]:
    """Return a tensor's cells, BYTES as text."""
    if tensor.datatype != "BYTES":
        return tensor.flat()
    try:
        return [cell.decode() if isinstance(cell, bytes) else cell for cell in tensor.values]
    except UnicodeDecodeError as error:
        raise InputError(
            "value_mistyped",
            f"Input {tensor.name!r} has bytes that are not UTF-8 text: {error}.",
            "Send text; only a column of bytes takes any.",
        ) from error


def _whole(tensors: Sequence[OipTensor]) -> Any:
    """Return what a model without a signature gets: one array, or several by their names."""
    import numpy as np

    arrays = {
        tensor.name: tensor.values.copy()
        if not isinstance(tensor.values, list)
        else np.array(_texts(tensor), dtype=object).reshape(tensor.shape)
        for tensor in tensors
    }
    return next(iter(arrays.values())) if len(arrays) == 1 else arrays


def _frame(tensors: Sequence[OipTensor]) -> Any:
    import pandas as pd

    _rows({tensor.name: tensor for tensor in tensors})
    columns = {
        tensor.name: _texts(tensor)
        if isinstance(tensor.values, list)
        else tensor.values.reshape(-1).copy()
        for tensor in tensors
    }
    return pd.DataFrame(columns)
