"""A matrix of many numbers from JSON to numpy without an object of Python for each of them.

simdjson writes all numbers of an array into one buffer, three times as fast as lists of floats
are made and turned into an array. It looks neither at how they are nested nor at whether a whole
number fits into a float, so that is checked here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlkraken_serving._values import Tensor
from mlkraken_serving.codecs._big_parser import parser_for

__all__ = ["read_big_matrix"]

_WHOLE = 2.0**53


def read_big_matrix(
    body: bytes, keys: tuple[str, str], width: int, dtype: np.dtype[Any]
) -> tuple[Tensor, dict[str, Any]] | None:
    """Return rows of ``width`` numbers and what is beside them; None for all but the plainest form.

    Parameters
    ----------
    body
        An object with two keys at most.
    keys
        The rows' and the other's, which holds an object.
    width
        Numbers in a row.
    dtype
        float64, float32 or int64.
    """
    import simdjson

    kind = "i" if dtype.kind == "i" else "d"
    try:
        message: Any = parser_for(body).parse(body)
        rows = message[keys[0]]
        meta = message[keys[1]].as_dict() if keys[1] in message else {}
        known = len(message) == 1 + (keys[1] in message) and isinstance(rows, simdjson.Array)
        if not known or set(map(len, rows)) != {width}:
            return None
        numbers = np.frombuffer(rows.as_buffer(of_type=kind), dtype=f"{kind}8".replace("d", "f"))
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError):  # a number too big
        return None
    count = len(rows)
    # One bracket a row and one around them: neither deeper lists, nor any beside them.
    flat = body.count(b"[") == count + 1 and numbers.size == count * width
    if not flat or (kind == "d" and np.abs(numbers).max() >= _WHOLE):
        return None
    return Tensor(numbers.reshape(count, width).astype(dtype)), meta
