"""Arrow streams, and what was rewritten as one, to a model's input."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from typing import Any

from mlkraken_serving._manifest import Field, Signature
from mlkraken_serving._values import ModelInput
from mlkraken_serving.codecs._arrow import ArrowTable, read_arrow
from mlkraken_serving.codecs._arrow_column import ArrowColumn
from mlkraken_serving.codecs._arrow_columns import column_cells, python_cells
from mlkraken_serving.codecs._columnar import model_input, stacked
from mlkraken_serving.codecs._tensors import TensorReader

__all__ = ["ArrowColumns", "read_arrow_input"]


def read_arrow_input(body: bytes, signature: Signature) -> ModelInput:
    """Return the rows of an Arrow IPC stream for a model of this signature.

    Numbers without nulls reach the model as numpy views of the body. An array's model takes
    columns in order, or one column of fixed-size lists.

    Raises
    ------
    BodyError
        ``body_not_arrow`` or ``arrow_type_unknown``.
    InputError
        ``columns_missing``, ``columns_unexpected``, ``shape_mismatch``, ``value_mistyped`` or
        ``value_missing``.
    """
    return model_input(ArrowColumns(read_arrow(body), signature), signature)


class ArrowColumns:
    """The columns of a stream; see `Columns`.

    Parameters
    ----------
    table
        What was read.
    signature
        Of the model: an index that pandas wrote along is dropped unless it is among its fields.
    """

    def __init__(self, table: ArrowTable, signature: Signature) -> None:
        known = {field.name for field in signature.fields}
        index = _index_columns(table.schema.metadata.get("pandas", "")) - known
        self._columns = {
            name: column for name, column in table.columns.items() if name not in index
        }
        self.names: Sequence[str] = list(self._columns)
        self.rows = table.rows

    def cells(self, name: str, field: Field) -> Any:
        return column_cells(field, self._columns[name])

    def free(self, name: str) -> list[Any]:
        return python_cells(self._columns[name])

    def described(self) -> Signature:
        return _described(tuple(_field(column) for column in self._columns.values()))

    def tensor(self, field: Field) -> Any:
        columns = list(self._columns.values())
        if len(columns) == 1 and columns[0].field.kind in _LISTS:
            return self._nested(columns[0], field, (field.shape or [-1])[1:])
        return stacked(self, field)

    def _nested(self, column: ArrowColumn, field: Field, shape: list[int]) -> Any:

        values = column.values
        reader, values = TensorReader(field), column.values
        if isinstance(values, list) or values.dtype.kind not in "iuf":
            return reader.read(python_cells(column), exact=False).array
        if values.ndim == 2 and math.prod(shape) == values.shape[1]:
            values = values.reshape(len(values), *shape)  # as Arrow's own tensors lie
        if field.dtype.startswith(("int", "uint", "float", "any")):
            return reader.fit(values).array
        return reader.read(values.tolist(), exact=False).array


_LISTS = ("list", "large_list", "fixed_size_list")


def _index_columns(noted: str) -> frozenset[str]:
    """Return the columns that pandas wrote for an index."""
    try:
        names = json.loads(noted)["index_columns"] if noted else []
        return frozenset(name for name in names if isinstance(name, str))
    except (ValueError, TypeError, KeyError):
        return frozenset()


def _field(column: ArrowColumn) -> Field:
    told = column.field
    if told.kind in ("timestamp", "duration"):
        stamp = told.kind == "timestamp"
        dtype = "datetime" if stamp else "timedelta"
        zone = f", {told.zone}" if told.zone else ""
        storage = f"{dtype}64[{told.unit}{zone}]"
        return Field(told.name, dtype, storage=storage, unit=told.unit, tz=told.zone)  # type: ignore[arg-type]
    return Field(told.name, "any")


@functools.lru_cache(maxsize=64)
def _described(fields: tuple[Field, ...]) -> Signature:
    """The same object for the same columns, so that queries are joined."""
    return Signature("dataframe", list(fields))
