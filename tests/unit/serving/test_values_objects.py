"""Functions of plain Python values see what the notebook gave them: lists, rows, single values."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkraken_client._pack import pack
from mlkraken_serving._manifest import read_bundle
from mlkraken_serving._parity import read_example
from mlkraken_serving.engines._frames import native
from tests.unit.serving._services import Served
from tests.unit.serving._strategies import TEXT, same

BOUNDED = settings(max_examples=40, deadline=None)
ANY_TEXT = st.text(max_size=4)
"""With halves of surrogate pairs, too."""

CELLS: dict[str, st.SearchStrategy[Any]] = {
    "whole numbers": st.integers(),
    "floats": st.floats(),
    "text": ANY_TEXT,
    "truth values": st.booleans(),
    "bytes": st.binary(max_size=3),
    "decimals": st.decimals(allow_nan=False),
    "dates": st.dates(),
    "whole numbers or none": st.none() | st.integers(-5, 5),
    "floats or none": st.none() | st.floats(),
    "text or none": st.none() | TEXT,
    "a mix": st.none() | st.integers() | TEXT | st.booleans(),
    "lists": st.lists(st.integers() | TEXT, max_size=3),
    "objects": st.dictionaries(TEXT, st.lists(TEXT, max_size=2), max_size=2),
}
SHAPES: dict[str, Any] = {
    "a list": lambda cell: st.lists(cell, min_size=1, max_size=4),
    "one value": lambda cell: cell.filter(
        lambda value: value is not None and value not in ([], {})
    ),
    "one row": lambda cell: st.dictionaries(TEXT, cell, min_size=1, max_size=3),
    "rows": lambda cell: st.lists(
        st.fixed_dictionaries({"a": cell, "b": cell}), min_size=1, max_size=3
    ),
}


def same_value(value: Any) -> Any:
    return value


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return Served(same_value, tmp_path_factory.mktemp("mirror"), call="call")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", CELLS)
def test_a_value_comes_back_as_it_was(mirror: Served, kind: str, shape: str) -> None:
    @given(SHAPES[shape](CELLS[kind]))
    @BOUNDED
    def check(value: Any) -> None:
        assert same(mirror.predict(value), value)

    check()


def test_whole_numbers_and_floats_together_arrive_as_floats(mirror: Served) -> None:
    assert same(mirror.predict([1, 0.5]), [1.0, 0.5])
    assert same(mirror.predict([2**53 + 1, 0.5]), [2**53 + 1, 0.5])


def test_one_value_of_a_type_that_json_has_not_is_an_example_too(mirror: Served) -> None:
    for value in (b"\x00\xff", decimal.Decimal("1.50"), dt.date(2026, 1, 31)):
        assert same(mirror.predict(value), value)


@pytest.mark.parametrize(
    "value",
    [
        {"raw": b"\x00\xff", "price": decimal.Decimal("1.50"), "day": dt.date(2026, 1, 31)},
        [b"\x00", b""],
        b"\xff",
        [{"price": decimal.Decimal("1.5")}, {"price": None}],
        np.array([["a", None], ["b", "c"]], dtype=object),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_bundles_example_is_read_as_the_notebook_had_it(tmp_path: Path, value: Any) -> None:
    bundle = read_bundle(pack(same_value, "m", tmp_path / "b", example=value).folder)
    assert bundle.manifest.example is not None
    path = bundle.path(bundle.manifest.example.input)
    assert same(native(read_example(path, bundle.manifest.signature)), value)
