"""What a model answered, as named columns and tensors."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays

from mlkraken_serving._errors import ModelError
from mlkraken_serving.codecs._json_out import describe
from mlkraken_serving.codecs._outputs import Output, outputs_of, outputs_of_calls, spelled
from tests.unit.serving._strategies import COLUMNS

NUMBERS = ["?", *(f"{sign}{size}" for sign in "iu" for size in (1, 2, 4, 8)), "f2", "f4", "f8"]
BOUNDED = settings(max_examples=60, deadline=None)


def cells(output: Output) -> list[Any]:
    """What an encoding would write: None where something is missing."""
    shown = spelled(output)
    flat = shown.values.ravel().tolist()
    absent = [False] * len(flat) if shown.missing is None else shown.missing.ravel().tolist()
    return [None if gone else cell for cell, gone in zip(flat, absent, strict=True)]


def told(value: Any, rows: int = 2) -> dict[str, list[Any]]:
    return {output.name: cells(output) for output in outputs_of(value, "predict", rows)}


@pytest.mark.parametrize("dtype", NUMBERS)
def test_an_array_of_numbers_is_one_output_with_the_same_bits(dtype: str) -> None:
    @given(arrays(dtype, array_shapes(min_side=0, max_dims=4)))
    @BOUNDED
    def check(array: Any) -> None:
        (output,) = outputs_of(array, "predict", len(array))
        assert (output.name, output.kind, output.missing) == ("predict", "number", None)
        assert output.values.dtype == array.dtype
        assert output.values.tobytes() == array.tobytes()

    check()


@pytest.mark.parametrize("kind", sorted(set(COLUMNS) - {"nested", "a mix"}))
def test_a_column_keeps_every_cell_or_is_refused_by_name(kind: str) -> None:
    @given(COLUMNS[kind])
    @BOUNDED
    def check(column: Any) -> None:
        frame = pd.DataFrame({"a": column})
        try:
            (output,) = outputs_of(frame, "predict", len(frame))
        except ModelError as error:
            assert error.code == "result_unserialisable"
            return
        assert output.name == "a"
        if output.kind in ("number", "text"):
            plain = [row["a"] for row in describe(frame)[0]]
            got = cells(output)
            assert len(got) == len(plain)
            for mine, json in zip(got, plain, strict=True):
                absent = json is None or json != json  # noqa: PLR0124
                assert mine == json or (absent and (mine is None or mine != mine))  # noqa: PLR0124

    check()


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (np.array(["a", "b"]), {"predict": ["a", "b"]}),
        (np.array(["a", None], dtype=object), {"predict": ["a", None]}),
        (["a", None], {"predict": ["a", None]}),
        ([1, 2.5], {"predict": [1.0, 2.5]}),
        ([1, None], {"predict": [1, None]}),
        ([2**63], {"predict": [2**63]}),
        (5, {"predict": [5]}),
        (None, {"predict": [None]}),
        ({"a": 1, "b": [1, 2]}, {"a": [1], "b": [1, 2]}),
        ([{"a": 1}, {"a": 2, "b": "x"}], {"a": [1, 2], "b": [None, "x"]}),
        ((np.zeros(2), ["x", "y"]), {"predict_0": [0.0, 0.0], "predict_1": ["x", "y"]}),
        ([np.zeros(2), np.ones(2)], {"predict": [0.0, 0.0, 1.0, 1.0]}),
        (scipy.sparse.csr_matrix(np.eye(2)), {"predict": [1.0, 0.0, 0.0, 1.0]}),
        (pd.Series([1, 2], name="y"), {"y": [1, 2]}),
        (pd.Series([1, 2], index=["p", "q"]), {"predict": [1, 2]}),
        (pd.Index([1, 2]), {"predict": [1, 2]}),
        (np.float32(0.1), {"predict": [float(np.float32(0.1))]}),
        ([b"\0", None], {"predict": [b"\0", None]}),
        ([decimal.Decimal("1.50"), None], {"predict": ["1.50", None]}),
        ([dt.date(2026, 1, 31)], {"predict": ["2026-01-31"]}),
        (
            pd.to_datetime(pd.Series(["2026-01-31", None])).dt.tz_localize("Europe/Warsaw"),
            {"predict": ["2026-01-31T00:00:00+01:00", None]},
        ),
        (np.array(["2026-01-31", "NaT"], "M8[s]"), {"predict": ["2026-01-31T00:00:00", None]}),
        (np.array([90, "NaT"], "m8[s]"), {"predict": ["P0DT0H1M30S", None]}),
        (pd.Series(pd.Categorical([3, None])), {"predict": [3, None]}),
        (pd.Series(pd.arrays.SparseArray([0, 1])), {"predict": [0, 1]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_answer_is_told_column_by_column(answer: Any, wanted: dict[str, list[Any]]) -> None:
    assert told(answer) == wanted


def test_a_column_of_vectors_is_a_tensor() -> None:
    frame = pd.DataFrame({"v": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]})
    (output,) = outputs_of(frame, "predict", 3)
    assert output.values.shape == (3, 2)


def test_probabilities_of_several_outputs_stay_apart() -> None:
    for rows in (1, 2, 3):
        answer = [np.zeros((rows, 2)), np.ones((rows, 2)), np.ones((rows, 2))]
        shapes = {output.name: output.values.shape for output in outputs_of(answer, "p", rows)}
        assert shapes == dict.fromkeys(("p_0", "p_1", "p_2"), (rows, 2))


def test_a_classifier_answers_label_and_probabilities() -> None:
    answer = (np.array(["no"]), np.array([[0.75, 0.25]]))
    outputs = outputs_of_calls(answer, ("predict", "predict_proba"), ("no", "yes"), 1)
    assert [output.name for output in outputs] == ["label", "probabilities"]
    (only,) = outputs_of_calls(np.zeros(1), ("predict",), (), 1)
    assert only.name == "predict"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (np.array([1j]), "complex128"),
        ({1, 2}, "set"),
        ([[1], [2, 3]], "different lengths"),
        ([2**70], "64 bits"),
        ([2**60 + 1, 0.5], "more digits"),
        (["a", 1], "int and str"),
        ({"a": {"b": 1}}, "dictionary in a dictionary"),
        ({1: [0], "1": [0]}, "two outputs"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two outputs"),
        (np.longdouble(1) / 3, "more digits"),
        (object(), "builtins.object"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_has_no_such_form_is_refused_by_name(answer: Any, says: str) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        outputs_of(answer, "predict", 1)
    assert caught.value.code == "result_unserialisable"
    assert caught.value.hint


def test_an_answer_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ModelError, match="contains itself"):
        outputs_of(value, "predict", 1)
