"""``modelData`` in all its forms, by every kind of signature, and what is refused by name."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from mlkraken_client._signature import describe_input
from mlkraken_serving._errors import InputError
from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import Items
from mlkraken_serving.codecs._json_in import InputReader, parse_json
from mlkraken_serving.engines._frames import native
from tests.unit.serving._strategies import same

TABLE = pd.DataFrame({"age": [41, 5], "city": ["Kraków", ""]})
NUMBER = pd.DataFrame({"x": [1.5]})
NESTED = pd.DataFrame({"tags": pd.Series([["a"], {"b": 1}], dtype=object)})
SERIES = pd.Series([1.5], name="x")


def signature_of(example: Any) -> Signature:
    return msgspec.convert(json.loads(json.dumps(describe_input(example))), Signature)


def seen(example: Any, data: Any, *, exact: bool = False) -> Any:
    """What a model with this example gets when ``data`` is asked."""
    return native(InputReader(signature_of(example)).read(data, exact=exact))


def refused(example: Any, data: Any, *, exact: bool = False) -> InputError:
    with pytest.raises(InputError) as caught:
        seen(example, data, exact=exact)
    assert caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    "data",
    [
        [{"age": 41, "city": "Kraków"}, {"city": "", "age": 5}],
        {"age": [41, 5], "city": ["Kraków", ""]},
        {"city": ["Kraków", ""], "age": [41, 5]},
        [[41, "Kraków"], [5, ""]],
        [[41.0, "Kraków"], [5e0, ""]],
    ],
    ids=["rows", "columns", "columns misordered", "matrix", "whole floats"],
)
def test_every_form_of_a_table_is_the_same_to_the_model(data: Any) -> None:
    assert same(seen(TABLE, data), TABLE)


@pytest.mark.parametrize("data", [{"city": "Kraków", "age": 41}, [41, "Kraków"]])
def test_one_row_needs_no_list(data: Any) -> None:
    assert same(seen(TABLE, data), TABLE.iloc[:1])


@pytest.mark.parametrize("data", [[1.5, 2], [[1.5], [2]], {"x": [1.5, 2]}, [{"x": 1.5}, {"x": 2}]])
def test_a_single_column_takes_scalars_too(data: Any) -> None:
    assert same(seen(NUMBER, data), pd.DataFrame({"x": [1.5, 2.0]}))
    assert same(seen(SERIES, data), pd.Series([1.5, 2.0], name="x"))


@pytest.mark.parametrize("data", [1.5, {"x": 1.5}])
def test_a_series_takes_one_value(data: Any) -> None:
    assert same(seen(SERIES, data), SERIES)


@pytest.mark.parametrize(
    "data",
    [
        [{"tags": ["a"]}, {"tags": {"b": 1}}],
        {"tags": [["a"], {"b": 1}]},
        [["a"], {"b": 1}],
    ],
)
def test_nested_cells_stay_as_they_are(data: Any) -> None:
    assert same(seen(NESTED, data), NESTED)


@pytest.mark.parametrize(
    ("example", "data", "wanted"),
    [
        (np.array([1.0, 2.0]), [3, 4], np.array([3.0, 4.0])),
        (np.ones((2, 3)), [1, 2, 3], np.array([[1.0, 2.0, 3.0]])),
        (np.ones((2, 3), "f4"), [[1, 2, None]], np.array([[1, 2, np.nan]], "f4")),
        (np.ones((2, 3), "u1"), [], np.empty((0, 3), "u1")),
        (np.ones((5, 2, 2)), [[[1, 2], [3, 4]]], np.array([[[1.0, 2.0], [3.0, 4.0]]])),
        (np.ones((5, 2, 2)), [[1, 2], [3, 4]], np.array([[[1.0, 2.0], [3.0, 4.0]]])),
        (np.ones((5, 1, 2, 1)), [[[[1], [2]]]], np.array([[[[1.0], [2.0]]]])),
        (np.array([[True]]), [[False]], np.array([[False]])),
        (np.array(["a"]), ["żółw"], np.array(["żółw"])),
    ],
)
def test_arrays_take_rows_of_their_shape(example: Any, data: Any, wanted: Any) -> None:
    assert same(seen(example, data), wanted)


@pytest.mark.parametrize(
    ("example", "data", "wanted"),
    [
        ([1, 2], [3, 4], [3, 4]),
        ([1, 2], 3, [3]),
        ([1.5], [1, None], [1.0, float("nan")]),
        (["a"], ["b", None], ["b", None]),
        ([[1, 2]], [[3], []], [[3], []]),
        ([{"a": 1}], [{"a": 2, "more": [1]}], [{"a": 2, "more": [1]}]),
        ([{"a": 1}], {"a": 2}, [{"a": 2}]),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        (5, 6, 6),
        ("a", "b", "b"),
        (True, False, False),
    ],
)
def test_plain_python_stays_plain_python(example: Any, data: Any, wanted: Any) -> None:
    assert same(seen(example, data), wanted)


@pytest.mark.parametrize(("example", "data"), [({"a": 1}, [{"a": 2}, {"a": 3}]), (5, [6, 7])])
def test_many_at_once_for_a_function_of_one_are_given_one_by_one(example: Any, data: Any) -> None:
    read = InputReader(signature_of(example)).read(data)
    assert isinstance(read, Items)
    assert (read.each, read.values) == (True, data)


@pytest.mark.parametrize("data", [None, 1, "x", [1, [2]], {"a": None}])
def test_without_a_signature_data_comes_as_it_was_sent(data: Any) -> None:
    assert native(InputReader(Signature()).read(data)) == data


# -- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        ({"age": 1}, "columns_missing", ["'city' is missing", "age, city"]),
        ({}, "columns_missing", ["'age', 'city' are missing"]),
        ([{"age": 1, "city": ""}, {"city": ""}], "columns_missing", ["Row 1", "'age'"]),
        ({"age": 1, "city": "", "zip": 3}, "columns_unexpected", ["'zip'", "age, city"]),
        ({"age": 1, "City": ""}, "columns_missing", ["'city'"]),
        ({"age": [1, 2], "city": [""]}, "columns_ragged", ["'age' has 2", "'city' has 1"]),
        ([[1, ""], [2]], "shape_mismatch", ["Row 1", "1 values", "takes 2"]),
        ([[1, "", 3]], "shape_mismatch", ["Row 0", "3 values"]),
        ([["", 1]], "value_mistyped", ["'age'", "row 0", "''"]),
        ([{"age": 1, "city": ""}, {"age": "2", "city": ""}], "value_mistyped", ["row 1", "'2'"]),
        ({"age": 1, "city": 5}, "value_mistyped", ["'city'", "5 is not a string"]),
        ({"age": None, "city": ""}, "value_missing", ["'age'", "row 0", "int64"]),
        ({"age": float("nan"), "city": ""}, "value_missing", ["'age'", "row 0"]),
        (5, "model_data_form", ["the single value 5"]),
        (None, "model_data_form", ["null"]),
        ([{"age": 1, "city": ""}, 5], "model_data_form", ["place 1"]),
    ],
)
def test_a_table_that_does_not_fit_is_refused_by_column_row_and_value(
    data: Any, code: str, says: list[str]
) -> None:
    error = refused(TABLE, data)
    assert error.code == code
    for part in says:
        assert part in error.message


@pytest.mark.parametrize(
    ("example", "bad", "reason"),
    [
        (pd.Series([1]), 2**63, "does not fit into int64"),
        (pd.Series([1]), -(2**63) - 1, "does not fit into int64"),
        (pd.Series([1], dtype="uint8"), -1, "does not fit into uint8"),
        (pd.Series([1]), 1.5, "is not a whole number"),
        (pd.Series([1]), True, "is not a whole number"),
        (pd.Series([1], dtype="Int64"), "1", "is not a whole number"),
        (pd.Series([1.5]), "1.5", "is not a number"),
        (pd.Series([1.5]), True, "is not a number"),
        (pd.Series([1.5]), 2**53 + 1, "more digits than a float can hold"),
        (pd.Series([1.5]), 10**400, "is too large for a float"),
        (pd.Series([1.5], dtype="float32"), 1e39, "is too large for float32"),
        (pd.Series([True]), 1, "is not true or false"),
        (pd.Series([True], dtype="boolean"), "true", "is not true or false"),
        (pd.Series(["a"], dtype="category"), "b", "known are 'a'"),
        (pd.Series([1], dtype="category"), True, "known are 1"),
        (pd.Series(["a"], dtype="category"), ["a"], "known are 'a'"),
        (pd.Series(pd.to_datetime(["2026-01-01"])), "now", "is not an ISO 8601 date and time"),
        (pd.Series(pd.to_datetime(["2026-01-01"])), "", "is not an ISO 8601 date and time"),
        (pd.Series(pd.to_datetime(["2026-01-01"])), "2026-13-01", "is not a time that fits"),
        (pd.Series(pd.to_datetime(["2026-01-01"])), "2026-01-01T00:00Z", "has an offset"),
        (
            pd.Series(pd.to_datetime(["2026-01-01"]).tz_localize("Europe/Warsaw")),
            "2026-01-01T00:00",
            "has no offset",
        ),
        (
            pd.Series(np.array(["2026-01-01"], dtype="datetime64[ns]")),
            "9999-01-01",
            "is not a time that fits",
        ),
        (
            pd.Series(np.array(["2026-01-01"], dtype="datetime64[s]")),
            "2026-01-01T00:00:00.5",
            "is not a time that fits",
        ),
        (pd.Series(pd.to_timedelta(["1D"])), "1 day", "is not an ISO 8601 duration"),
        (pd.Series(pd.to_timedelta(["1D"])), "P", "is not an ISO 8601 duration"),
        (pd.Series([b"x"], dtype=object), "not base64!", "is not base64"),
        (pd.Series([pd.Timestamp("2026-01-01").date()], dtype=object), "x", "is not an ISO 8601 d"),
    ],
)
def test_a_value_of_another_type_is_named_with_its_reason(
    example: pd.Series, bad: Any, reason: str
) -> None:
    error = refused(example.rename("column").to_frame(), [{"column": bad}])
    assert error.code == "value_mistyped"
    assert "'column', row 0" in error.message
    assert reason in error.message


@pytest.mark.parametrize(
    ("example", "data", "code", "says"),
    [
        (np.ones((2, 3)), [1, 2], "shape_mismatch", "rows x 3"),
        (np.ones((2, 3)), [[1, 2], [3]], "shape_mismatch", "differ in length"),
        (np.ones((2, 3)), 5, "shape_mismatch", "one value"),
        (np.ones((2, 3)), [["x", 1, 2]], "value_mistyped", "Row 0, value 0: 'x'"),
        (np.ones((2, 3)), [[1, 2, 3], [1, "y", 3]], "value_mistyped", "Row 1, value 1: 'y'"),
        (np.ones((2, 3), "u1"), [[1, 2, 300]], "value_mistyped", "does not fit into uint8"),
        (np.ones((2, 3), "u1"), [[1, 2, None]], "value_missing", "uint8"),
        (np.ones((2, 3)), {"a": 1}, "model_data_form", "a matrix"),
        ([1], ["x"], "value_mistyped", "'x'"),
        ({"a": 1, "b": 2}, {"b": 2}, "columns_missing", "'a' is missing"),
        ({"a": 1}, 5, "model_data_form", "single value 5"),
        ([{"a": 1}], [{"a": 1}, {}], "columns_missing", "Row 1"),
        (5, "x", "value_mistyped", "'x'"),
    ],
)
def test_other_kinds_are_refused_as_clearly(example: Any, data: Any, code: str, says: str) -> None:
    signature = signature_of(example)
    with pytest.raises(InputError) as caught:
        InputReader(signature).read(data)
    assert caught.value.code == code
    assert says in caught.value.message


def test_null_is_what_the_notebook_used_unless_the_sender_tells_exactly() -> None:
    for missing in (None, float("nan")):
        example = pd.Series(["a", missing], dtype=object).to_frame("x")
        plain = seen(example, [{"x": None}])["x"][0]
        assert same(plain, missing)
        exact = seen(example, {"x": [None, float("nan")]}, exact=True)["x"].tolist()
        assert same(exact, [None, float("nan")])


def test_literals_that_json_has_not_are_read_all_the_same() -> None:
    data = parse_json(b'[{"x": NaN}, {"x": Infinity}, {"x": -Infinity}, {"x": "NaN"}]')
    got = seen(NUMBER, data)["x"].tolist()
    assert same(got, [float("nan"), float("inf"), float("-inf"), float("nan")])


def test_a_long_value_is_cut_in_the_message() -> None:
    error = refused(NUMBER, [{"x": "y" * 10_000}])
    assert len(error.message) < 200
