"""The signature is read off the example, and refuses what cannot travel."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pytest

from mlkraken_client._errors import PackError
from mlkraken_client._signature import describe_input, from_estimator


def field(series: pd.Series) -> dict:
    (only,) = describe_input(pd.DataFrame({"x": series}))["fields"]
    return only


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, 2], "int64", {"dtype": "int64", "nullable": False}),
        ([1, None], "Int64", {"dtype": "int64", "storage": "Int64"}),
        ([1.5, None], "float64", {"dtype": "float64", "missing": "nan"}),
        ([1.5, 2.5], "float32", {"dtype": "float32"}),
        ([True, False], "bool", {"dtype": "bool", "nullable": False}),
        ([True, None], "boolean", {"dtype": "bool", "storage": "boolean"}),
        (["a", None], "object", {"dtype": "string", "storage": "object", "missing": "none"}),
        (["a", np.nan], "object", {"dtype": "string", "missing": "nan"}),
        (["a", None], "string", {"dtype": "string", "missing": "none"}),
        ([b"a", b""], "object", {"dtype": "bytes"}),
        ([decimal.Decimal("1.50")], "object", {"dtype": "decimal"}),
        ([dt.date(2026, 1, 31)], "object", {"dtype": "date"}),
        ([[1, 2], [3]], "object", {"dtype": "json"}),
        ([{"a": 1}], "object", {"dtype": "json"}),
        ([None, None], "object", {"dtype": "any"}),
        ([1, "a"], "object", {"dtype": "any"}),
    ],
)
def test_dtypes_are_read_off_the_columns(values: list, dtype: str, expected: dict) -> None:
    told = field(pd.Series(values, dtype=dtype))
    assert {key: told[key] for key in expected} == expected


def test_categories_keep_levels_and_order() -> None:
    kind = pd.CategoricalDtype(["small", "large"], ordered=True)
    told = field(pd.Series(["large"], dtype=kind))
    assert (told["dtype"], told["levels"], told["ordered"]) == (
        "category",
        ["small", "large"],
        True,
    )


def test_times_keep_zone_and_unit() -> None:
    zoned = pd.Series(pd.to_datetime(["2026-01-31T12:00"])).dt.tz_localize("Europe/Warsaw")
    told = field(zoned)
    assert (told["dtype"], told["tz"], told["unit"]) == (
        "datetime",
        "Europe/Warsaw",
        zoned.dtype.unit,
    )
    assert field(pd.Series(pd.to_timedelta(["1h"])))["dtype"] == "timedelta"


def test_whole_number_labels_are_remembered() -> None:
    fields = describe_input(pd.DataFrame([[1.0, 2.0]]))["fields"]
    assert [(one["name"], one["label"]) for one in fields] == [("0", "int"), ("1", "int")]


@pytest.mark.parametrize(
    ("example", "kind"),
    [
        (pd.DataFrame({"a": [1]}), "dataframe"),
        (pd.Series([1.0]), "series"),
        (np.zeros((2, 3)), "ndarray"),
        ([1, 2], "list"),
        (["a"], "list"),
        ([{"a": 1}], "records"),
        ({"a": 1}, "dict"),
        (1.5, "scalar"),
        ("text", "scalar"),
        (np.float64(1.5), "scalar"),
    ],
)
def test_the_kind_of_input_is_the_examples(example: object, kind: str) -> None:
    assert describe_input(example)["kind"] == kind


def test_tensor_shapes_leave_the_rows_open() -> None:
    (told,) = describe_input(np.zeros((5, 28, 28), dtype="float32"))["fields"]
    assert (told["shape"], told["dtype"]) == ([-1, 28, 28], "float32")


@pytest.mark.parametrize(
    "empty", [pd.DataFrame({"a": []}), pd.Series([], dtype=float), np.zeros((0, 3)), [], {}]
)
def test_an_empty_example_is_refused(empty: object) -> None:
    with pytest.raises(PackError) as caught:
        describe_input(empty)
    assert caught.value.code == "example_empty"
    assert "X.head()" in caught.value.hint


@pytest.mark.parametrize(
    ("frame", "code", "named"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "columns_unsupported", "'a'"),
        (pd.DataFrame([[1]], columns=[("a", "b")]), "columns_unsupported", "('a', 'b')"),
        (pd.DataFrame({"c": [1 + 2j]}), "columns_unsupported", "'c'"),
        (
            pd.DataFrame({"t": pd.Series([dt.datetime(2026, 1, 1)], dtype=object)}),
            "columns_unsupported",
            "datetime",
        ),
        (pd.DataFrame({"p": pd.period_range("2026", periods=1)}), "columns_unsupported", "'p'"),
    ],
)
def test_what_cannot_travel_is_named(frame: pd.DataFrame, code: str, named: str) -> None:
    with pytest.raises(PackError) as caught:
        describe_input(frame)
    assert caught.value.code == code
    assert named in caught.value.message


def test_an_estimator_tells_its_own_columns(penguins: tuple) -> None:
    model, X = penguins
    told = from_estimator(model)
    assert told["kind"] == "dataframe"
    assert [one["name"] for one in told["fields"]] == list(X.columns)
    assert from_estimator(object())["kind"] == "any"
