"""``modelData`` in any of its five forms to a `ModelInput`, resolved by the signature.

The forms: a row object, a list of row objects, a column object, a matrix (list of lists), a
list of scalars. An object whose values are all lists is a column object, except where every
column of the model holds lists or objects itself: then it is one row, unless the values are
lists of lists.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import msgspec

from mlkraken_serving._errors import BodyError, InputError
from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import Items, ModelInput, Single, Table, Tensor
from mlkraken_serving.codecs._columns import ColumnReader, check_names, shown
from mlkraken_serving.codecs._sparse import read_sparse
from mlkraken_serving.codecs._tensors import TensorReader

__all__ = ["InputReader", "parse_json"]

_NAMED = ("dataframe", "records", "dict")
_HUGE = re.compile(rb"[eE]\+?\d{3}|\d{309}")  # may be a number that would become an infinity

_Form: TypeAlias = Callable[[Any, bool], ModelInput]


def parse_json(body: bytes) -> Any:
    """Parse JSON, also with the literals NaN, Infinity and -Infinity that Python clients send.

    Raises
    ------
    BodyError
        ``body_not_json``, naming the place.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    try:
        return json.loads(body, parse_float=_finite if _HUGE.search(body) else None)
    except RecursionError as error:
        raise BodyError(
            "body_not_json", "The body is nested too deep.", "Send rows of plain values."
        ) from error
    except ValueError as error:
        raise BodyError(
            "body_not_json",
            f"The body is not JSON: {error}.",
            'Send {"modelData": ..., "metaData": {"modelId": "..."}} as UTF-8 JSON.',
        ) from error


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is too large for a float")
    return number


class InputReader:
    """Reads ``modelData`` for one signature.

    Parameters
    ----------
    signature
        The model's signature; kind ``any`` passes the data on as it came.
    """

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._columns = {field.name: ColumnReader(field) for field in signature.fields}
        self._named = bool(signature.fields) and signature.kind in _NAMED
        self._all_json = all(field.dtype == "json" for field in signature.fields)
        self._tensor_reader = (
            TensorReader(signature.fields[0]) if signature.kind == "ndarray" else None
        )
        forms: dict[str, _Form] = {
            "dataframe": self._table,
            "series": self._series,
            "ndarray": self._tensor,
            "list": self._list,
            "records": self._records,
            "dict": self._dict,
            "scalar": self._scalar,
            "any": _whole,
        }
        self._read = forms[signature.kind]

    def read(self, data: Any, *, exact: bool = False) -> ModelInput:
        """Return the rows in ``data``, checked against the signature.

        Parameters
        ----------
        data
            Parsed JSON.
        exact
            The sender tells missing values apart: ``null`` is None and a literal NaN is NaN.
            Otherwise ``null`` becomes what the notebook's own data used for missing.

        Raises
        ------
        InputError
            ``columns_missing``, ``columns_unexpected``, ``columns_ragged``, ``value_mistyped``,
            ``value_missing``, ``shape_mismatch`` or ``model_data_form``.
        """
        return self._read(data, exact)

    # -- tables -------------------------------------------------------------------------------

    def _table(self, data: Any, exact: bool) -> Table:
        if isinstance(data, dict):
            if self._is_columns(data):
                return self._from_columns(data, exact)
            return self._from_rows([data], exact)
        if not isinstance(data, list):
            raise self._wrong_form(data, "a row object, rows, columns or a matrix")
        if not data or isinstance(data[0], dict):
            return self._from_rows(data, exact)
        if isinstance(data[0], list) and not (self._all_json and len(self._columns) == 1):
            return self._from_matrix(data, exact)
        if len(self._columns) == 1:
            return self._from_columns({next(iter(self._columns)): data}, exact)
        return self._from_matrix([data], exact)

    def _is_columns(self, data: dict[str, Any]) -> bool:
        if not data or not all(isinstance(value, list) for value in data.values()):
            return False
        return not self._all_json or all(
            all(isinstance(cell, (list, dict)) for cell in value) for value in data.values()
        )

    def _from_columns(self, data: dict[str, list[Any]], exact: bool) -> Table:
        self._check_names(data)
        lengths = {name: len(values) for name, values in data.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(
                "columns_ragged",
                "The columns differ in length: "
                + ", ".join(f"{name!r} has {length}" for name, length in lengths.items())
                + ".",
                "Send as many values in every column, null where one is missing.",
            )
        rows = next(iter(lengths.values()), 0)
        return self._checked({name: data[name] for name in self._columns}, rows, exact)

    def _from_rows(self, rows: list[Any], exact: bool) -> Table:
        names = self._columns.keys()
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise self._wrong_form(row, f"a row object in place {number}")
            if row.keys() != names:
                self._check_names(row, f"Row {number}: " if len(rows) > 1 else "")
        columns = {name: [row[name] for row in rows] for name in names}
        return self._checked(columns, len(rows), exact)

    def _from_matrix(self, rows: list[Any], exact: bool) -> Table:
        width = len(self._columns)
        for number, row in enumerate(rows):
            if not isinstance(row, list) or len(row) != width:
                got = len(row) if isinstance(row, list) else "no"
                raise InputError(
                    "shape_mismatch",
                    f"Row {number} of the matrix has {got} values; the model takes {width}: "
                    f"{', '.join(self._columns)}.",
                    "Send the values of every row in this order, or name them in row objects.",
                )
        columns = {name: [row[place] for row in rows] for place, name in enumerate(self._columns)}
        return self._checked(columns, len(rows), exact)

    def _checked(self, columns: dict[str, list[Any]], rows: int, exact: bool) -> Table:
        readers = self._columns
        checked = {name: readers[name].cells(cells, exact=exact) for name, cells in columns.items()}
        return Table(checked, rows, self._signature)

    def _check_names(self, given: Iterable[str], where: str = "") -> None:
        check_names(self._columns, given, where)

    # -- other kinds --------------------------------------------------------------------------

    def _series(self, data: Any, exact: bool) -> Table:
        if isinstance(data, list) and self._all_json:
            return self._from_columns({next(iter(self._columns)): data}, exact)
        return self._table(data if isinstance(data, (list, dict)) else [data], exact)

    def _tensor(self, data: Any, exact: bool) -> Tensor:
        assert self._tensor_reader is not None
        if isinstance(data, dict):
            field = self._signature.fields[0]
            if field.sparse:
                return read_sparse(data, field, exact=exact)
            raise self._wrong_form(data, "a matrix (a list of rows), as its example was an array")
        return self._tensor_reader.read(data, exact=exact)

    def _list(self, data: Any, exact: bool) -> Items:
        (column,) = self._columns.values()
        return Items(column.cells(data if isinstance(data, list) else [data], exact=exact))

    def _records(self, data: Any, exact: bool) -> Items:
        return Items(self._rows(data if isinstance(data, list) else [data], exact))

    def _dict(self, data: Any, exact: bool) -> Items | Single:
        if isinstance(data, list):
            return Items(self._rows(data, exact), each=True)
        return Single(self._rows([data], exact)[0])

    def _scalar(self, data: Any, exact: bool) -> Items | Single:
        (column,) = self._columns.values()
        if isinstance(data, list) and column.field.dtype != "json":
            return Items(column.cells(data, exact=exact), each=True)
        return Single(column.cells([data], exact=exact)[0])

    def _rows(self, rows: list[Any], exact: bool) -> list[dict[str, Any]]:
        """Rows for a function of objects; keys beyond the example's are its own business."""
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise self._wrong_form(row, "a row object or a list of row objects")
            if any(name not in row for name in self._columns):
                self._check_names(row, f"Row {number}: " if len(rows) > 1 else "")
        checked = [dict(row) for row in rows]
        for name, column in self._columns.items():
            cells = column.cells([row[name] for row in rows], exact=exact)
            for row, cell in zip(checked, cells, strict=True):
                row[name] = cell
        return checked

    def _wrong_form(self, data: Any, wanted: str) -> InputError:
        return InputError(
            "model_data_form",
            f"modelData is {_form_name(data)}, but this model takes {wanted}.",
            f"Send {wanted}; GET /openapi.json has the names, the types and an example.",
        )


def _whole(data: Any, exact: bool) -> Single:
    return Single(data)


def _form_name(data: Any) -> str:
    if isinstance(data, dict):
        return "an object"
    if isinstance(data, list):
        return "a list"
    return "null" if data is None else f"the single value {shown(data)}"
