"""Plain JSON values to text that every JSON parser reads."""

from __future__ import annotations

import json
from typing import Any

import msgspec

__all__ = ["strict_json"]


def strict_json(value: Any) -> bytes:
    """Return ``value`` as UTF-8 JSON with null for NaN and the infinities.

    Parameters
    ----------
    value
        Strings, numbers, booleans, None, lists and dictionaries of them.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # half of a surrogate pair has no UTF-8, only an escape
        plain = json.loads(json.dumps(value), parse_constant=lambda literal: None)
        return json.dumps(plain, separators=(",", ":")).encode()
