"""The four JSON forms of MLflow's scoring protocol, by the signature to a `ModelInput`.

``dataframe_split``, ``dataframe_records``, ``instances`` (rows) and ``inputs`` (columns or a
tensor). As there, a frame may carry columns that the model does not take, a row of records may
leave out what it has no value for, and a model without a signature gets a frame whose types
pandas infers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from mlkraken_serving._errors import BodyError, InputError
from mlkraken_serving._manifest import Field, Signature
from mlkraken_serving._values import ModelInput
from mlkraken_serving.codecs._json_in import InputReader

__all__ = ["FORMS", "ScoringReader"]

_Columns: TypeAlias = Mapping[str, list[Any]]

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
"""The keys of which a body has exactly one."""

_BY_ROW = ("records", "dict")
_ONE_COLUMN = ("series", "list", "scalar")
_SPLIT = {"columns", "index", "data"}


class ScoringReader:
    """Reads what stands below one of `FORMS`.

    Parameters
    ----------
    signature
        The model's signature.
    """

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._reader = InputReader(signature)
        self._names = {field.name for field in signature.fields}
        self._nested = all(field.dtype == "json" for field in signature.fields)
        self._forms: dict[str, Callable[[Any], ModelInput]] = {
            "dataframe_split": self._split,
            "dataframe_records": self._records,
            "instances": self._instances,
            "inputs": self._inputs,
        }

    def read(self, form: str, data: Any) -> ModelInput:
        """Return the rows in ``data``, checked against the signature.

        Parameters
        ----------
        form
            One of `FORMS`.
        data
            Parsed JSON.

        Raises
        ------
        BodyError
            ``split_form``, ``records_form`` or ``instances_form``.
        InputError
            What `InputReader.read` raises.
        """
        return self._forms[form](data)

    def whole(self, data: Any) -> ModelInput:
        """Return parsed JSON as it is, for bodies that wrap nothing."""
        return self._reader.read(data)

    # -- forms --------------------------------------------------------------------------------

    def _split(self, data: Any) -> ModelInput:
        if not isinstance(data, dict) or "data" not in data or not data.keys() <= _SPLIT:
            raise _wrong("split", 'an object with "columns", "data" and, if you like, "index"')
        rows = data["data"]
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise _wrong("split", 'an object whose "data" is a list of rows, each a list')
        if data.get("columns") is None:
            return self._reader.read(rows)
        names = _names(data["columns"])
        for number, row in enumerate(rows):
            if len(row) != len(names):
                raise InputError(
                    "shape_mismatch",
                    f"Row {number} has {len(row)} values, but there are {len(names)} columns.",
                    "Send one value a column in every row, null where one is missing.",
                )
        if self._signature.kind == "ndarray" and len(names) > 1:
            return self._reader.read(rows)
        columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
        return self._columns(columns, len(rows))

    def _records(self, data: Any) -> ModelInput:
        if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
            raise _wrong("records", "a list of row objects")
        if self._signature.kind in _BY_ROW:
            return self._reader.read(data)
        names = dict.fromkeys(name for row in data for name in row)
        if not names:  # no rows, or rows of nothing: there the signature knows what is missing
            return self._reader.read(data)
        columns = {name: [row.get(name) for row in data] for name in names}
        return self._columns(columns, len(data))

    def _instances(self, data: Any) -> ModelInput:
        if not isinstance(data, list):
            raise _wrong("instances", "a list of rows")
        if self._signature.kind != "any" and data and all(isinstance(row, dict) for row in data):
            return self._records(data)
        return self._reader.read(data)

    def _inputs(self, data: Any) -> ModelInput:
        kind = self._signature.kind
        kept = kind in ("any", *_BY_ROW) or any(field.sparse for field in self._signature.fields)
        columns = isinstance(data, dict) and all(isinstance(c, list) for c in data.values())
        if kept or not columns:
            return self._reader.read(data)
        lengths = {len(cells) for cells in data.values()}
        if len(lengths) > 1:
            raise InputError(
                "columns_ragged",
                "The columns in inputs differ in length.",
                "Send as many values in every column, null where one is missing.",
            )
        return self._columns(data, lengths.pop() if lengths else 0)

    # -- named columns to what the model takes --------------------------------------------------

    def _columns(self, columns: _Columns, rows: int) -> ModelInput:
        kind = self._signature.kind
        if kind == "dataframe":
            known = {name: cells for name, cells in columns.items() if name in self._names}
            return self._reader.read(_rows(known, rows) if self._nested else known)
        if kind in _ONE_COLUMN:
            return self._reader.read(self._only(columns))
        if kind == "ndarray":
            return self._reader.read(self._matrix(columns))
        if kind == "any":
            return _inferring(tuple(columns)).read(dict(columns))
        return self._reader.read(_rows(columns, rows))

    def _only(self, columns: _Columns) -> list[Any]:
        """Return the one column that the model takes, whatever the sender calls it."""
        (field,) = self._signature.fields
        if len(columns) == 1:
            return next(iter(columns.values()))
        if field.name in columns:
            return columns[field.name]
        raise InputError(
            "columns_unexpected",
            f"There are {len(columns)} columns; the model takes one list of values.",
            f"Send one column, or name the one that is meant {field.name!r}.",
        )

    def _matrix(self, columns: _Columns) -> list[Any]:
        (field,) = self._signature.fields
        cells = next(iter(columns.values()), [])
        flat = len(field.shape or [-1]) == 1
        if len(columns) == 1 and (flat or any(isinstance(cell, list) for cell in cells)):
            return cells
        return [list(row) for row in zip(*columns.values(), strict=True)]


@functools.lru_cache(maxsize=64)
def _inferring(names: tuple[str, ...]) -> InputReader:
    """Return a reader of frames of which only the columns' names are known.

    The same names give the same reader, so that their queries can be predicted together.
    """
    return InputReader(Signature("dataframe", [Field(name, "any") for name in names]))


def _rows(columns: _Columns, rows: int) -> list[dict[str, Any]]:
    return [{name: cells[row] for name, cells in columns.items()} for row in range(rows)]


def _names(columns: Any) -> list[str]:
    """Return column labels as text; pandas' own, where there are none, are whole numbers."""
    if not isinstance(columns, list) or not all(type(name) in (str, int) for name in columns):
        raise _wrong("split", 'an object whose "columns" is a list of names')
    names = [str(name) for name in columns]
    if len(set(names)) < len(names):
        raise _wrong("split", 'an object whose "columns" are all different')
    return names


def _wrong(form: str, wanted: str) -> BodyError:
    key = f"dataframe_{form}" if form in ("split", "records") else form
    return BodyError(
        f"{form}_form",
        f"{key} is not {wanted}.",
        "pandas writes it: frame.to_json(orient='split') or orient='records'.",
    )
