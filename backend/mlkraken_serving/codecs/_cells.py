"""One JSON cell to one Python value, by the dtype its column was signed with.

A dtype is checked, never guessed: a value that would need rounding, parsing of numbers out of
strings, or truncation is refused with the place it stands at.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import decimal
import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from mlkraken_serving._manifest import Field

__all__ = ["Reader", "cell_reader", "expected"]

Reader: TypeAlias = Callable[[Any], Any]
"""Takes a non-null JSON value; returns the Python value or raises ValueError with the reason."""

_INT_BITS = {f"{sign}int{bits}": (sign, bits) for sign in ("", "u") for bits in (8, 16, 32, 64)}
_FLOAT_NAMES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_LARGEST = {"float32": 3.4028235677973366e38, "float16": 65520.0}
"""What rounds to infinity in the narrow types; the wide one takes any."""

_DECIMAL = re.compile(
    r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?Infinity|[+-]?s?NaN\d*", re.ASCII
)
_DATETIME = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_DURATION = re.compile(
    r"[+-]?P(?=.)(?:-?\d+W)?(?:-?\d+D)?"
    r"(?:T(?=.)(?:-?\d+H)?(?:-?\d+M)?(?:-?\d+(?:\.\d+)?S)?)?",
    re.ASCII,
)
_EXPECTED = {
    "bool": "true or false",
    "string": "a string",
    "bytes": "a base64 string",
    "datetime": "an ISO 8601 date and time such as 2026-01-31T12:00:00",
    "date": "an ISO 8601 date such as 2026-01-31",
    "timedelta": "an ISO 8601 duration such as P1DT2H30M",
    "decimal": "a number written as a string such as '12.50'",
    "category": "one of the column's categories",
}


def expected(dtype: str) -> str:
    """What a value of ``dtype`` looks like in JSON, for error messages."""
    if dtype in _INT_BITS:
        return f"a whole number ({dtype})"
    if dtype.startswith("float"):
        return f"a number ({dtype})"
    return _EXPECTED.get(dtype, "any JSON value")


def cell_reader(field: Field) -> Reader:
    """Return the reader for one field's cells."""
    if field.dtype in _INT_BITS:
        return _int_reader(*_INT_BITS[field.dtype])
    if field.dtype in _LARGEST:
        return _narrow_float_reader(field.dtype)
    if field.dtype == "category":
        return _category_reader(field)
    return _SIMPLE.get(field.dtype, _anything)


def _anything(value: Any) -> Any:
    return value


def _bool(value: Any) -> bool:
    if value is True or value is False:
        return value
    raise ValueError("is not true or false")


def _float(value: Any) -> float:
    kind = type(value)
    if kind is float:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return _whole_as_float(value)
    if kind is str and value in _FLOAT_NAMES:
        return _FLOAT_NAMES[value]
    raise ValueError("is not a number")


def _whole_as_float(value: int) -> float:
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("is too large for a float") from None
    if int(number) != value:
        raise ValueError("has more digits than a float can hold")
    return number


def _narrow_float_reader(dtype: str) -> Reader:
    largest = _LARGEST[dtype]

    def read(value: Any) -> float:
        number = _float(value)
        if math.isfinite(number) and abs(number) >= largest:
            raise ValueError(f"is too large for {dtype}")
        return number

    return read


def _int_reader(sign: str, bits: int) -> Reader:
    low = 0 if sign else -(1 << (bits - 1))
    high = (1 << bits) - 1 if sign else (1 << (bits - 1)) - 1
    name = f"{sign}int{bits}"

    def read(value: Any) -> int:
        kind = type(value)
        if kind is float and value.is_integer():
            value = int(value)
        elif kind is not int:
            raise ValueError("is not a whole number")
        if not low <= value <= high:
            raise ValueError(f"does not fit into {name}")
        return value  # type: ignore[no-any-return]

    return read


def _string(value: Any) -> str:
    if type(value) is str:
        return value
    raise ValueError("is not a string")


def _category_reader(field: Field) -> Reader:
    levels = field.levels or []
    # True == 1 in Python but not in JSON, so the key keeps truth values apart.
    known = {(isinstance(level, bool), level): level for level in levels}
    shown = ", ".join(repr(level) for level in levels[:12]) + (", ..." if len(levels) > 12 else "")

    def read(value: Any) -> Any:
        try:
            return known[isinstance(value, bool), value]
        except (KeyError, TypeError):
            raise ValueError(f"is not a known category; known are {shown}") from None

    return read


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(_string(value), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None


def _decimal(value: Any) -> decimal.Decimal:
    if type(value) is int or (type(value) is str and _DECIMAL.fullmatch(value)):
        return decimal.Decimal(value)
    raise ValueError("is not a decimal number written as a string")


def _date(value: Any) -> dt.date:
    try:
        return dt.date.fromisoformat(_string(value))
    except ValueError:
        raise ValueError("is not an ISO 8601 date") from None


def _datetime(value: Any) -> str:
    if type(value) is str and _DATETIME.fullmatch(value):
        return value
    raise ValueError("is not an ISO 8601 date and time")


def _timedelta(value: Any) -> str:
    if type(value) is str and _DURATION.fullmatch(value):
        return value
    raise ValueError("is not an ISO 8601 duration")


_SIMPLE: dict[str, Reader] = {
    "bool": _bool,
    "float64": _float,
    "string": _string,
    "bytes": _bytes,
    "decimal": _decimal,
    "date": _date,
    # The engine parses these two: only it knows the unit and the time zone they end up in.
    "datetime": _datetime,
    "timedelta": _timedelta,
}
