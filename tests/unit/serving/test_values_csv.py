"""What a model sees of CSV is what the notebook had, or the cell is refused by its place."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlkraken_serving._errors import BodyError, InputError
from mlkraken_serving._manifest import Signature
from mlkraken_serving.codecs._csv import read_csv
from mlkraken_serving.codecs._csv_header import header_told
from mlkraken_serving.engines._frames import native
from tests.unit.serving._encodings import by_csv, csv_body, one_missing, signature_of
from tests.unit.serving._strategies import COLUMNS, TEXT, same

BOUNDED = settings(max_examples=40, deadline=None)
CARRIED = [
    "decimals",
    "floats",
    "nullable truth values",
    "times",
    "truth objects",
    "truth values",
    "whole numbers",
    "dates",
]
"""Columns whose every cell pandas writes so that it can be read one way only."""


_OLD_OFFSET = re.compile(rb"\d[+-]\d\d:\d\d:\d\d")
"""Zones had offsets with seconds before 1930, which ISO 8601 does not know: they are refused."""


@pytest.mark.parametrize("kind", CARRIED)
def test_a_model_sees_every_column_as_the_notebook_had_it(kind: str) -> None:
    @given(COLUMNS[kind])
    @BOUNDED
    def check(cells: Any) -> None:
        frame = one_missing(pd.DataFrame({"column": cells, "other": 1}))
        assume(not _OLD_OFFSET.search(csv_body(frame)))
        assert same(by_csv(frame), frame)

    check()


@given(st.lists(TEXT.filter(lambda text: "\0" not in text), min_size=1, max_size=4))
@BOUNDED
def test_quoted_texts_arrive_as_they_are_and_the_empty_ones_too(cells: list[str]) -> None:
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    example = pd.DataFrame({"s": ["x"]})
    body = "\r\n".join(['"s"', *quoted]).encode()
    assert native(read_csv(body, signature_of(example)))["s"].tolist() == cells


@given(arrays("f8", st.tuples(st.integers(1, 4), st.integers(2, 4))), st.booleans())
@BOUNDED
def test_a_matrix_arrives_with_and_without_a_header(array: Any, header: bool) -> None:
    frame = pd.DataFrame(array, columns=[f"c{place}" for place in range(array.shape[1])])
    body = csv_body(frame, header=header, na_rep="NaN")
    assert same(native(read_csv(body, signature_of(array))), array)


@given(arrays("f8", (2, 2, 3)))
@BOUNDED
def test_a_tensor_arrives_flat(array: Any) -> None:
    frame = pd.DataFrame(array.reshape(2, 6), columns=list("abcdef"))
    assert same(native(read_csv(csv_body(frame, na_rep="nan"), signature_of(array))), array)


def test_cells_of_every_type_are_read_by_the_columns_own() -> None:
    example = pd.DataFrame(
        {
            "size": pd.Categorical(["s", "m"]),
            "grade": pd.Categorical([1, 2]),
            "raw": pd.Series([b"ab", b"c"], dtype=object),
            "at": pd.to_datetime(["2026-01-31 12:00", "2026-07-01 00:00"], utc=True),
            "took": pd.to_timedelta(["1 days 02:30:00", "-1 days +23:59:59.5"]),
            "cells": pd.Series([[1.5, None], [2.5]], dtype=object),
            "count": pd.array([1, None], dtype="Int64"),
            "note": pd.array(["a", None], dtype="string"),
        }
    )
    body = b"""size,grade,raw,at,took,cells,count,note
s,1,YWI=,2026-01-31 12:00:00+00:00,1 days 02:30:00,"[1.5, null]",1.0,a
m,2,Yw==,2026-07-01T02:00+02:00,-1 days +23:59:59.5,[2.5],,
"""
    assert same(native(read_csv(body, signature_of(example))), example)


def test_an_empty_cell_is_missing_where_it_can_be_and_text_where_it_cannot() -> None:
    body = b'x,s\n,\n1,""\n'
    seen = native(read_csv(body, signature_of(pd.DataFrame({"x": [1.0], "s": ["a"]}))))
    assert math.isnan(seen["x"][0])
    assert seen["s"].isna().tolist() == [True, False]
    words = native(read_csv(b"a,b\n,x\n", signature_of(np.array([["a", "b"]])), header=True))
    assert words.tolist() == [["", "x"]]
    with pytest.raises(InputError, match="Column 'n', row 0: the value is missing"):
        read_csv(b"n,m\n,1\n", signature_of(pd.DataFrame({"n": [1], "m": [1]})))


@pytest.mark.parametrize(
    ("example", "text"),
    [
        ([1.0], "1_000"),
        ([1.0], "0x10"),
        ([1.0], " 1"),
        ([1.0], "\uff11"),
        ([1.0], "9007199254740993"),
        ([1.0], "1e400"),
        ([1], "1.5"),
        ([1], "9223372036854775808"),
        ([1], "1e3"),
        ([True], "1"),
        (pd.to_datetime(["2026-01-01"]), "01/02/2026"),
        (pd.Categorical(["a"]), "b"),
        (pd.Series([b"x"], dtype=object), "b'x'"),
        (pd.Series([1, "a"], dtype=object), "1"),
    ],
    ids=str,
)
def test_a_cell_that_is_not_of_its_columns_type_is_refused(example: Any, text: str) -> None:
    frame = pd.DataFrame({"x": example, "y": 1.0})
    with pytest.raises(InputError) as caught:
        native(read_csv(f"x,y\n{text},1\n".encode(), signature_of(frame)))
    assert caught.value.code == "value_mistyped"
    assert "Column 'x', row 0" in caught.value.message


def test_columns_are_found_by_their_names_in_any_order() -> None:
    frame = pd.DataFrame({"x": [1.5], "s": ["a"]})
    assert same(native(read_csv(b"s,x\na,1.5\n", signature_of(frame))), frame)
    assert same(native(read_csv(b"1.5,a\n", signature_of(frame))), frame)
    with pytest.raises(InputError, match="'x' is missing"):
        read_csv(b"s,z\na,1\n", signature_of(frame))


def test_a_first_line_that_may_be_either_asks_for_a_word() -> None:
    numbers, words = signature_of(np.zeros((1, 2))), signature_of(["a", "b"])
    for body, signature in ((b"0,1\n2,3\n", numbers), (b"a\nb\n", words)):
        with pytest.raises(BodyError) as caught:
            read_csv(body, signature)
        assert caught.value.code == "csv_header_unclear"
        assert "header=present" in caught.value.hint
    assert native(read_csv(b"0,1\n2,3\n", numbers, header=True)).tolist() == [[2.0, 3.0]]
    assert native(read_csv(b"0,1\n2,3\n", numbers, header=False)).shape == (2, 2)
    assert native(read_csv(b"a\nb\n", words, header=False)) == ["a", "b"]
    assert header_told(b"text/csv; charset=utf-8; Header=Present") is True
    assert header_told(b"text/csv;header=absent") is False
    assert header_told(b"text/csv") is None


def test_a_model_without_a_signature_sees_numbers_and_texts() -> None:
    seen = native(read_csv(b"a,b\n1,x\n2.5,\n", Signature()))
    assert seen["a"].tolist() == [1.0, 2.5]
    assert seen["b"].tolist()[0] == "x"
    assert seen["b"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "body_not_csv"),
        (b"\xff\xfe", "body_not_csv"),
        (b'x\n"1\n', "body_not_csv"),
        (b'x\na"b"\n', "body_not_csv"),
        (b"x,y\n1\n", "csv_ragged"),
        (b"x,x\n1,2\n", "body_not_csv"),
    ],
)
def test_what_is_not_csv_is_said_so(body: bytes, code: str) -> None:
    with pytest.raises(BodyError) as caught:
        read_csv(body, Signature())
    assert caught.value.code == code
    assert caught.value.hint


@given(st.binary(max_size=60) | st.text('ab,"\r\n1.', max_size=40).map(str.encode))
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for signature in (Signature(), signature_of(pd.DataFrame({"a": [1.0]}))):
        try:
            read_csv(body, signature)
        except InputError as error:
            assert error.code
