"""The rows of an example: how many, the first ones, and whether each is answered on its own."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mlkraken_client._codec import plain
from mlkraken_client._errors import KrakenError
from mlkraken_client._objects import is_sparse
from mlkraken_client._pack._source import Source

__all__ = ["first_rows", "is_rowwise", "own_copy", "row_count"]

_TRIED_ROWS = 5


def first_rows(example: Any, count: int, kind: str) -> Any:
    """Return the first ``count`` rows of an example of this kind."""
    if is_sparse(example):  # of its kinds only some can be cut
        return type(example)(example.tocsr()[:count])
    return example.iloc[:count] if kind in ("dataframe", "series") else example[:count]


def row_count(example: Any) -> int:
    """Return the number of rows, which sparse matrices tell by their shape only."""
    return int(example.shape[0]) if hasattr(example, "shape") else len(example)


def own_copy(example: Any) -> Any:
    """A model that changes its input must not change the user's."""
    return example.copy() if hasattr(example, "copy") else copy.deepcopy(example)


def is_rowwise(source: Source, example: Any, answer: Any) -> bool | None:
    """Whether rows can be answered together: each tried row alone gets the very same answer.

    None when the example has one row only, or is not made of rows.
    """
    if source.rowwise:
        return True
    count = row_count(example) if hasattr(example, "__len__") else 1
    if count < 2 or isinstance(example, (Mapping, str)) or not hasattr(answer, "__len__"):
        return None
    if row_count(answer) != count:
        return False
    rows = getattr(example, "iloc", example)
    answers = getattr(answer, "iloc", answer)
    try:
        return all(
            _same(source.predict(own_copy(rows[place : place + 1])), answers[place : place + 1])
            for place in range(min(count, _TRIED_ROWS))
        )
    except (Exception, SystemExit):  # a model that refuses single rows cannot be joined either
        return False


def _same(alone: Any, among: Any) -> bool:
    try:
        return repr(plain(_cells(alone))) == repr(plain(_cells(among)))
    except (KrakenError, ValueError):
        return False


def _cells(value: Any) -> Any:
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return value.to_dict("list")
    return value.tolist() if hasattr(value, "tolist") else value
