"""What the notebook sends is what the model sees, and what it answers is what comes back."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import json
import signal
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mlkraken_client._answers import decode
from mlkraken_client._codec import encode, encode_request
from mlkraken_client._errors import PackError
from mlkraken_client._signature import describe_input
from mlkraken_serving._errors import ModelError
from mlkraken_serving._manifest import Signature
from mlkraken_serving.codecs._json_in import InputReader, parse_json
from mlkraken_serving.codecs._json_out import describe
from mlkraken_serving.engines._frames import native
from tests.unit.serving._strategies import COLUMNS, TEXT, frames, same

NUMBERS = ["?", *(f"{sign}{size}" for sign in "iu" for size in (1, 2, 4, 8)), "f2", "f4", "f8"]
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.binary(max_size=4)
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.times()
    | st.sampled_from(
        [
            np.float32(0.1),
            np.int64(2**60 + 1),
            np.datetime64("2026-01-31T12:00:00.123456789"),
            pd.Timestamp("2026-10-25 01:30", tz="Europe/Warsaw"),
            pd.Timedelta("-1 days +00:00:00.000000001"),
        ]
    )
)
ANSWERS = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(TEXT, inner, max_size=3)
        | st.dictionaries(st.integers(), inner, max_size=3)
        | st.dictionaries(st.dates(), inner, max_size=3)
    ),
    max_leaves=6,
)
BOUNDED = settings(max_examples=60, deadline=None)


def seen_by_model(value: Any, example: Any) -> Any:
    """What the model gets when a client sends ``value`` to a model with this example."""
    described = describe_input(example)
    data, meta = encode(value, described)
    message = parse_json(encode_request(data, meta))
    signature = msgspec.convert(json.loads(json.dumps(described)), Signature)
    rows = InputReader(signature).read(message["modelData"], exact=message["metaData"]["exact"])
    return native(rows)


def answered(value: Any, asked: Any = None) -> Any:
    """What a client gets when the model answers ``value``."""
    result, kind = describe(value)
    wire = json.dumps({"result": result, "resultType": kind})
    answer = json.loads(wire)
    return decode(answer["result"], answer["resultType"], asked)


@pytest.mark.parametrize("kind", sorted(COLUMNS))
def test_a_model_sees_every_column_as_the_notebook_had_it(kind: str) -> None:
    @given(COLUMNS[kind])
    @BOUNDED
    def check(cells: Any) -> None:
        frame = pd.DataFrame({"column": cells})
        assert same(seen_by_model(frame, frame), frame)

    check()


@pytest.mark.parametrize("kind", sorted(COLUMNS))
def test_a_notebook_gets_every_column_as_the_model_answered_it(kind: str) -> None:
    @given(COLUMNS[kind])
    @BOUNDED
    def check(cells: Any) -> None:
        frame = pd.DataFrame({"column": cells})
        assert same(answered(frame), frame)

    check()


@given(frames())
@BOUNDED
def test_a_model_sees_the_frame_that_the_notebook_had(frame: pd.DataFrame) -> None:
    assert same(seen_by_model(frame, frame), frame)


@given(
    st.sampled_from(sorted(COLUMNS)).flatmap(lambda kind: COLUMNS[kind]),
    st.none() | st.integers() | TEXT | st.just("value"),
)
@BOUNDED
def test_a_series_keeps_its_name_and_cells_both_ways(cells: Any, name: Any) -> None:
    series = pd.Series(cells, name=name)
    assert same(seen_by_model(series, series), series)
    assert same(answered(series), series)


@given(frames())
@BOUNDED
def test_a_model_without_a_signature_sees_the_callers_own_kind_of_frame(
    frame: pd.DataFrame,
) -> None:
    data, meta = encode(frame, {"kind": "any", "fields": []})
    message = parse_json(encode_request(data, meta))
    signature = msgspec.convert(message["metaData"]["signature"], Signature)
    rows = InputReader(signature).read(message["modelData"], exact=True)
    assert same(native(rows), frame)


@given(
    arrays(
        st.sampled_from(NUMBERS),
        array_shapes(min_dims=1, max_dims=4, max_side=3),
    )
)
@BOUNDED
def test_a_model_sees_the_array_that_the_notebook_had(array: Any) -> None:
    assert same(seen_by_model(array, array), array)


@given(
    arrays(
        st.sampled_from(
            [*NUMBERS, "U3", "S3", "M8[s]", "M8[ns]", "m8[ms]", "m8[ns]", ">f8", ">i4"]
        ),
        array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
    )
)
@BOUNDED
def test_a_notebook_gets_the_array_that_the_model_answered(array: Any) -> None:
    assert same(answered(array), array)


@given(arrays("O", array_shapes(max_dims=3, max_side=3), elements=ANSWERS))
@BOUNDED
def test_arrays_of_objects_keep_the_type_of_every_cell(array: Any) -> None:
    assert same(answered(array), array)


@given(ANSWERS)
@BOUNDED
def test_a_notebook_gets_the_very_value_that_the_model_answered(value: Any) -> None:
    assert same(answered(value), value)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_numpy_scalar_stays_one(name: str) -> None:
    value = np.dtype(name).type(1)
    assert same(answered(value), value)


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([3, 1, 2], name="row"),
        pd.RangeIndex(3, name="row"),
        pd.RangeIndex(5, 2, -1),
        pd.Index(["a", "b", None]),
        pd.Index([0.5, float("nan"), 2]),
        pd.DatetimeIndex(["2026-03-29 01:00", "2026-03-29 03:00", None], tz="Europe/Warsaw"),
        pd.CategoricalIndex(["a", "b", "a"], ordered=True, name="size"),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["letter", None]),
    ],
    ids=lambda index: str(index)[:30],
)
def test_an_answer_keeps_its_index(index: pd.Index) -> None:
    for table in (pd.Series([1, 2, 3], index=index), pd.DataFrame({"a": [1, 2, 3]}, index=index)):
        pd.testing.assert_index_equal(answered(table).index, index, exact="equiv")


def test_an_answer_of_as_many_rows_gets_the_index_that_was_asked_with() -> None:
    asked = pd.DataFrame({"x": [1, 2]}, index=["first", "second"])
    assert list(answered(pd.Series([0.1, 0.2]), asked).index) == ["first", "second"]
    assert list(answered(pd.Series([0.1, 0.2, 0.3]), asked).index) == [0, 1, 2]


def test_no_rows_and_no_columns_keep_their_dtypes() -> None:
    for frame in (
        pd.DataFrame({"a": pd.Series([], dtype="Int64"), "b": pd.Series([], dtype="str")}),
        pd.DataFrame(index=pd.RangeIndex(3)),
    ):
        assert same(answered(frame), frame)


def test_an_empty_table_reaches_the_model_with_its_dtypes() -> None:
    example = pd.DataFrame({"a": [1], "b": ["x"], "c": pd.Categorical(["u"])})
    assert same(seen_by_model(example.iloc[:0], example), example.iloc[:0])


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        object(),
        1j,
        np.array([1j]),
        np.zeros(2, dtype=[("a", "i4")]),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        {1: "a", "1": "b"},
        [object()],
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_answer_without_a_json_form_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ModelError) as caught:
        describe(value)
    assert caught.value.code == "result_unserialisable"
    assert caught.value.hint


def test_an_answer_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ModelError, match="contains itself"):
        describe(value)


def test_an_example_series_or_column_of_odd_name_is_refused_by_name() -> None:
    with pytest.raises(PackError, match="True"):
        describe_input(pd.DataFrame({True: [1]}))
    with pytest.raises(PackError, match=r"1\.5"):
        describe_input(pd.Series([1], name=1.5))


class Size(str, enum.Enum):
    SMALL = "s"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (Size.SMALL, "s"),
        (signal.SIGTERM, 15),
        (collections.OrderedDict(a=1), {"a": 1}),
        (pd.Categorical(["a", None]), pd.Series(pd.Categorical(["a", None]))),
        (pd.Series(pd.arrays.SparseArray([0, 1])), pd.Series(pd.arrays.SparseArray([0, 1]))),
        (pd.NA, None),
        (pd.NaT, None),
        ([pd.NaT, None], [None, None]),
    ],
    ids=repr,
)
def test_relatives_of_plain_values_come_back_as_those(value: Any, wanted: Any) -> None:
    result, kind = describe(value)
    assert json.loads(msgspec.json.encode(result)) == json.loads(json.dumps(result))
    assert same(decode(result, kind), wanted)


@pytest.mark.parametrize(
    ("example", "says"),
    [
        (pd.DataFrame({"a": pd.Series([b"x", "y"], dtype=object)}), "mixes bytes"),
        (pd.DataFrame({"a": pd.Series([1, dt.date(2026, 1, 1)], dtype=object)}), "mixes date"),
        (pd.DataFrame(index=[1, 2]), "empty"),
        (np.zeros((2, 0)), "empty"),
        (np.array(5), "no rows"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), "MaskedArray"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_example_that_could_not_be_seen_as_it_is_is_refused(example: Any, says: str) -> None:
    with pytest.raises(PackError) as caught:
        describe_input(example)
    assert says in caught.value.message
    assert caught.value.hint
