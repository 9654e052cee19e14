"""Generated columns of every dtype that may travel to a service, and what equal means for them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

ROWS = 4
_INTS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
_ZONES = ["UTC", "Europe/Warsaw", "Asia/Kathmandu", "America/New_York"]
TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
LABELS = st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(["żółw", "🦀", "a b"])


def _cells(cell: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(cell, min_size=ROWS, max_size=ROWS)


@st.composite
def _whole_numbers(draw: Any) -> Any:
    dtype = draw(st.sampled_from(_INTS))
    limits = np.iinfo(dtype)
    cell = st.integers(int(limits.min), int(limits.max))
    if draw(st.booleans()):
        name = dtype.replace("int", "Int").replace("uI", "UI")
        return pd.array(draw(_cells(st.none() | cell)), dtype=name)
    return np.array(draw(_cells(cell)), dtype=dtype)


@st.composite
def _floats(draw: Any) -> Any:
    width = draw(st.sampled_from([16, 32, 64]))
    cell = st.floats(width=width)
    if width > 16 and draw(st.booleans()):
        cell = st.none() | st.floats(width=width, allow_nan=False)
        return pd.array(draw(_cells(cell)), dtype=f"Float{width}")
    return np.array(draw(_cells(cell)), dtype=f"float{width}")


@st.composite
def _times(draw: Any) -> Any:
    unit = draw(st.sampled_from(["s", "ms", "us", "ns"]))
    limit = {"s": 4 * 10**9, "ms": 4 * 10**12, "us": 4 * 10**15, "ns": 4 * 10**18}[unit]
    whole = draw(_cells(st.integers(-limit, limit) | st.just(-(2**63))))
    if draw(st.booleans()):
        return pd.array(np.array(whole, dtype="int64").view(f"timedelta64[{unit}]"))
    times = pd.DatetimeIndex(np.array(whole, dtype="int64").view(f"datetime64[{unit}]"))
    zone = draw(st.none() | st.sampled_from(_ZONES))
    return times.tz_localize("UTC").tz_convert(zone).array if zone else times.array


@st.composite
def _categories(draw: Any) -> Any:
    level = draw(
        st.sampled_from(
            [
                TEXT,
                st.integers(-(2**60), 2**60),
                st.booleans(),
                st.floats(allow_nan=False, allow_infinity=False),
            ]
        )
    )
    levels = draw(st.lists(level, min_size=1, max_size=4, unique=True))
    codes = draw(_cells(st.integers(-1, len(levels) - 1)))
    dtype = pd.CategoricalDtype(pd.Index(levels), ordered=draw(st.booleans()))
    return pd.Categorical.from_codes(codes, dtype=dtype)


def _objects(cells: list[Any]) -> pd.Series:
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return pd.Series(column, dtype=object)


_MISSING = st.none() | st.just(math.nan)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "whole numbers": _whole_numbers(),
    "floats": _floats(),
    "truth values": _cells(st.booleans()).map(np.array),
    "nullable truth values": _cells(st.none() | st.booleans()).map(
        lambda cells: pd.array(cells, dtype="boolean")
    ),
    "times": _times(),
    "categories": _categories(),
    "text": _cells(st.none() | TEXT).map(lambda cells: pd.array(cells, dtype="str")),
    "nullable text": _cells(st.none() | TEXT).map(lambda cells: pd.array(cells, dtype="string")),
    "text objects": _cells(_MISSING | TEXT).map(_objects),
    "truth objects": _cells(_MISSING | st.booleans()).map(_objects),
    "dates": _cells(_MISSING | st.dates()).map(_objects),
    "decimals": _cells(_MISSING | st.decimals(allow_nan=False)).map(_objects),
    "bytes": _cells(_MISSING | st.binary(max_size=6)).map(_objects),
    "nested": _cells(st.lists(_JSON, max_size=3) | st.dictionaries(TEXT, _JSON, max_size=3)).map(
        _objects
    ),
    "a mix": _cells(_JSON).map(_objects),
}


@st.composite
def frames(draw: Any) -> pd.DataFrame:
    """A frame of one to four columns of any kind, with text or whole numbers as labels."""
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4))
    label = draw(st.sampled_from([LABELS, st.integers(-5, 5)]))
    labels = draw(st.lists(label, min_size=len(kinds), max_size=len(kinds), unique=True))
    columns = {name: draw(COLUMNS[kind]) for name, kind in zip(labels, kinds, strict=True)}
    return pd.DataFrame(columns, columns=pd.Index(labels, dtype=object))


def same(one: Any, other: Any) -> bool:
    """Equal in type and value, where NaN equals NaN but never None, and 0.0 is not -0.0."""
    if isinstance(one, pd.DataFrame):
        return (
            isinstance(other, pd.DataFrame)
            and list(one.columns) == list(other.columns)
            and [type(label) for label in one.columns] == [type(label) for label in other.columns]
            and same_index(one.index, other.index)
            and all(same(one.iloc[:, place], other.iloc[:, place]) for place in range(one.shape[1]))
        )
    if isinstance(one, pd.Series):
        return (
            isinstance(other, pd.Series)
            and one.dtype == other.dtype
            and one.name == other.name
            and same_index(one.index, other.index)
            and same(one.tolist(), other.tolist())
        )
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and one.dtype == other.dtype
            and one.shape == other.shape
            and same(one.ravel().tolist(), other.ravel().tolist())
        )
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (float, np.floating)):
        return repr(one) == repr(other)
    return one is other or bool(one == other)


def same_index(one: pd.Index, other: pd.Index) -> bool:
    return one.dtype == other.dtype and one.name == other.name and same(list(one), list(other))
