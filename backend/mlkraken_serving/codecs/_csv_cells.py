"""One CSV cell's text to one Python value, by the dtype its column was signed with.

Text carries no types, so the column's own says how to read it; what could be read in two ways is
refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from mlkraken_serving._manifest import Field
from mlkraken_serving.codecs._cells import Reader, cell_reader

__all__ = ["guessed", "text_reader"]

_INT = re.compile(r"[+-]?\d+", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WHOLE_FLOAT = re.compile(r"([+-]?\d+)\.0*", re.ASCII)
_SPECIAL = {
    "nan": math.nan,
    **dict.fromkeys(["inf", "+inf", "infinity", "+infinity"], math.inf),
    **dict.fromkeys(["-inf", "-infinity"], -math.inf),
}
_TRUTHS = {"true": True, "false": False}
_DAYS = re.compile(r"-?\d+ days?(?: [+-]?\d\d:\d\d:\d\d(?:\.\d+)?)?", re.ASCII)
"""How pandas writes a duration."""


def text_reader(field: Field) -> Reader:
    """Return what reads the texts of one field's cells; it raises ValueError with the reason."""
    read = cell_reader(field)
    to_json = _TO_JSON.get(field.dtype)
    if field.dtype.startswith(("int", "uint")):
        to_json = _int
    elif field.dtype.startswith("float"):
        to_json = _number
    elif field.dtype == "category":
        to_json = _level_reader(field)
    elif field.dtype == "any":
        return _refused if field.storage == "object" else guessed
    elif field.dtype == "timedelta":
        return lambda text: text if _DAYS.fullmatch(text) else read(text)
    return read if to_json is None else lambda text: read(to_json(text))


def guessed(text: str) -> Any:
    """Return the number that a text spells, else the text."""
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) or text.lower() in _SPECIAL:
        return _number(text)
    return text


def _int(text: str) -> int:
    if _INT.fullmatch(text):
        return int(text)
    whole = _WHOLE_FLOAT.fullmatch(text)  # as pandas writes whole numbers among missing ones
    if whole is None:
        raise ValueError("is not a whole number")
    return int(whole[1])


def _number(text: str) -> float | int:
    if _INT.fullmatch(text) and len(text) > 15:
        return int(text) if text.lstrip("+-").strip("0") else float(text)  # -0 is no whole number
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise ValueError("is too large for a float")
        return number
    if text.lower() in _SPECIAL:
        return _SPECIAL[text.lower()]
    raise ValueError("is not a number")


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError("is not true or false")
    return _TRUTHS[text.lower()]


def _nested(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None


def _refused(text: str) -> Any:
    raise ValueError("is of a column that mixes types, which CSV cannot tell apart")


def _level_reader(field: Field) -> Callable[[str], Any]:
    """Return what finds a category by its text."""
    levels = field.levels or []
    by_text = {level: level for level in levels if isinstance(level, str)}
    truths = {str(level).lower(): level for level in levels if isinstance(level, bool)}
    numbers = [level for level in levels if type(level) in (int, float)]

    def read(text: str) -> Any:
        if text in by_text:
            return text
        if text.lower() in truths:
            return truths[text.lower()]
        number = guessed(text) if numbers else text
        return number

    return read


_TO_JSON: dict[str, Callable[[str], Any]] = {"bool": _truth, "json": _nested}
