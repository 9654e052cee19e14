"""What a model answers is what an Arrow stream carries, read by pyarrow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mlkraken_serving._errors import ModelError
from mlkraken_serving.codecs._arrow_out import write_arrow
from mlkraken_serving.codecs._outputs import outputs_of
from tests.unit.serving._strategies import COLUMNS, same

BOUNDED = settings(max_examples=40, deadline=None)
NUMBERS = ["?", *(f"{sign}{size}" for sign in "iu" for size in (1, 2, 4, 8)), "f2", "f4", "f8"]
AS_THEY_ARE = [
    "bytes",
    "floats",
    "nullable text",
    "nullable truth values",
    "text",
    "times",
    "truth values",
    "whole numbers",
]


def answered(value: Any, rows: int = 4) -> pa.Table:
    body = write_arrow(outputs_of(value, "predict", rows), {"note": "ż"})
    table = pa.ipc.open_stream(body).read_all()
    table.validate(full=True)
    assert table.schema.metadata == {b"note": "ż".encode()}
    return table


@pytest.mark.parametrize("kind", AS_THEY_ARE)
def test_a_column_is_answered_as_the_model_has_it(kind: str) -> None:
    @given(COLUMNS[kind])
    @BOUNDED
    def check(cells: Any) -> None:
        column = pd.Series(cells, name="column")
        assume(kind != "bytes" or any(isinstance(cell, bytes) for cell in cells))
        got = answered(pd.DataFrame({"column": column})).column("column")
        plain = isinstance(cells, np.ndarray)  # whose NaN pyarrow would take for missing
        wanted = pa.array(cells if plain else column)
        assert same(_cells(got), _cells(wanted))
        assert _width(got.type) == _width(wanted.type)

    check()


def _cells(array: Any) -> list[Any]:
    if pa.types.is_temporal(array.type):
        array = array.cast(pa.int64())
    return list(array.to_pylist())


def _width(kind: Any) -> str:
    return str(kind).replace("large_", "")


@given(arrays(st.sampled_from([*NUMBERS, ">f8", ">i4"]), array_shapes(max_dims=4, max_side=3)))
@BOUNDED
def test_a_tensor_is_answered_as_lists_of_fixed_size(array: Any) -> None:
    column = answered(array, len(array)).column("predict")
    assert same(column.to_pylist(), array.tolist())


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3), (0, 2, 2)])
def test_an_answer_without_cells_keeps_its_shape(shape: tuple[int, ...]) -> None:
    column = answered(np.zeros(shape), shape[0]).column("predict")
    assert column.to_pylist() == np.zeros(shape).tolist()


def test_times_keep_their_unit_and_zone() -> None:
    frame = pd.DataFrame(
        {
            "zoned": pd.to_datetime(["2026-03-29T00:30Z", None]).tz_convert("Europe/Warsaw"),
            "took": pd.to_timedelta(["1 days 00:00:00.000000001", None]),
        }
    )
    table = answered(frame, 2)
    unit = frame["zoned"].dt.unit
    assert table.schema.field("zoned").type == pa.timestamp(unit, "Europe/Warsaw")
    assert table.to_pandas().equals(frame)
    days = answered(np.array(["2026-01-31", "NaT"], "M8[D]"), 2).column("predict")
    assert days.type == pa.timestamp("s")
    assert days.null_count == 1


def test_floats_keep_nan_infinity_and_the_sign_of_zero() -> None:
    cells = answered(np.array([math.nan, math.inf, -math.inf, -0.0])).column("predict").to_pylist()
    assert same(cells, [math.nan, math.inf, -math.inf, -0.0])


def test_what_arrow_cannot_carry_is_refused_by_name() -> None:
    for value in (["\ud800"], np.array([1], "m8[Y]"), np.array([1], "m8[ps]")):
        with pytest.raises(ModelError) as caught:
            answered(value, 1)
        assert caught.value.code == "result_unserialisable"
        assert "application/json" in caught.value.hint
