"""Python values are written as JSON without losing what they are."""

from __future__ import annotations

import datetime as dt
import decimal
import json

import numpy as np
import pandas as pd
import pytest

from mlkraken_client._codec import encode, series_cells

ONE_ROW = {
    "int8": pd.array([5], dtype="int8"),
    "uint64": np.array([2**64 - 1], dtype="uint64"),
    "float16": np.array([0.1], dtype="float16"),
    "float32": np.array([0.1], dtype="float32"),
    "nan": [float("nan")],
    "bool": [True],
    "Int64": pd.array([2**60 + 1], dtype="Int64"),
    "Int64 missing": pd.array([None], dtype="Int64"),
    "boolean": pd.array([None], dtype="boolean"),
    "str": ["żółw"],
    "str missing": pd.Series([None], dtype="str"),
    "string": pd.Series([None], dtype="string"),
    "object none": pd.Series([None], dtype=object),
    "bytes": pd.Series([b"x"], dtype=object),
    "decimal": pd.Series([decimal.Decimal("1.10")], dtype=object),
    "date": pd.Series([dt.date(2026, 1, 31)], dtype=object),
    "nested": pd.Series([[1, {"a": None}]], dtype=object),
    "category": pd.Categorical(["a"], categories=["a", "b"]),
    "category of numbers": pd.Categorical([1], categories=[1, 2]),
    "category missing": pd.Categorical([None], categories=[1, 2]),
    "datetime": pd.to_datetime(["2026-01-31T12:00:00.123456789"]),
    "zone": pd.to_datetime(["2026-01-31T12:00"]).tz_localize("Europe/Warsaw"),
    "no time": pd.to_datetime([None]),
    "timedelta": pd.to_timedelta(["1 days 00:00:00.5"]),
    "sparse": pd.arrays.SparseArray([0.0]),
}


@pytest.mark.parametrize("name", ONE_ROW)
def test_one_row_is_written_as_its_column_would_be(name: str) -> None:
    frame = pd.DataFrame({"x": ONE_ROW[name]})
    signature = {"kind": "dataframe", "fields": [{"name": "x", "dtype": "float64"}]}
    written, _ = encode(frame, signature)
    wanted = series_cells(frame["x"])
    assert json.dumps(written) == json.dumps({"x": wanted})
    assert [type(cell) for cell in written["x"]] == [type(cell) for cell in wanted]
