"""Large requests of the Open Inference Protocol in JSON, without an object of Python a number.

simdjson writes all numbers of an array into one buffer. It looks neither at how they are nested
nor at whether a whole number fits into a float, so that is checked here; whatever is not of the
plainest form is left to the ordinary reader, which has the words for what is wrong.
"""

from __future__ import annotations

import math
from typing import Any

from mlkraken_serving.codecs._big_parser import parser_for
from mlkraken_serving.codecs._oip_tensors import DATATYPES

__all__ = ["LARGE", "parse_large"]

LARGE = 16_384
"""Shorter bodies, in bytes, are as quick by the ordinary reader."""

_WHOLE = 2.0**53
_OF_REQUEST = {"id", "parameters", "inputs", "outputs"}
_OF_TENSOR = {"name", "shape", "datatype", "data", "parameters"}


def parse_large(body: bytes) -> dict[str, Any] | None:
    """Return the request with the data of each input as an array of its datatype, flat.

    None for all but numbers, each tensor flat or as rows of its shape's width.
    """
    try:
        message: Any = parser_for(body).parse(body)
        head = {key: _plain(message[key]) for key in _keys(message, _OF_REQUEST) - {"inputs"}}
        brackets = 1 + ("outputs" in head)
        inputs = []
        for described in message["inputs"]:
            tensor, lists = _tensor(described)
            inputs.append(tensor)
            brackets += lists
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError):
        return None
    # Every bracket is accounted for, so there are neither deeper lists nor any beside the numbers.
    return {**head, "inputs": inputs} if body.count(b"[") == brackets else None


def _keys(value: Any, known: set[str]) -> set[str]:
    names = list(value.keys())
    if len(set(names)) < len(names) or not known.issuperset(names):
        raise ValueError
    return set(names)


def _plain(value: Any) -> Any:
    if hasattr(value, "as_dict"):
        return value.as_dict()
    return value.as_list() if hasattr(value, "as_list") else value


def _tensor(described: Any) -> tuple[dict[str, Any], int]:
    """Return an input, and how many lists it is made of; raises for what is not plain."""
    keys = _keys(described, _OF_TENSOR)
    tensor = {key: described[key] for key in ("name", "datatype")}
    shape = tensor["shape"] = described["shape"].as_list()
    if "parameters" in keys:
        tensor["parameters"] = described["parameters"].as_dict()
    data = described["data"]
    tensor["data"] = _numbers(data, tensor["datatype"])
    lists = 2
    if hasattr(data[0], "as_buffer"):
        rows, width = shape
        if len(data) != rows or any(len(row) != width for row in data):
            raise ValueError
        lists += rows
    if tensor["data"].size != math.prod(shape):
        raise ValueError
    return tensor, lists


def _numbers(data: Any, datatype: str) -> Any:
    import numpy as np

    dtype = np.dtype(DATATYPES[datatype])
    kind = {"f": "d", "i": "i"}[dtype.kind]
    numbers = np.frombuffer(data.as_buffer(of_type=kind), dtype=kind.replace("i", "<i8"))
    if kind == "d":
        most = min(_WHOLE, float(np.finfo(dtype).max))
        if np.abs(numbers).max() >= most:
            raise ValueError
        return numbers.astype(dtype)
    limits = np.iinfo(dtype)
    if numbers.min() < limits.min or numbers.max() > limits.max:
        raise ValueError
    return numbers.astype(dtype)
