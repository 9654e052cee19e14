"""Sparse matrices: what a model is shown, what it answers, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlkraken_client._answers import decode
from mlkraken_client._codec import encode, encode_request
from mlkraken_client._errors import InputRefused
from mlkraken_client._signature import describe_input
from mlkraken_serving._errors import InputError
from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import Tensor
from mlkraken_serving.codecs._json_in import InputReader, parse_json
from mlkraken_serving.codecs._json_out import describe
from tests.unit.serving._encodings import signature_of

BOUNDED = settings(max_examples=40, deadline=None)
FORMATS = [
    f"{name}_{kind}"
    for name in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")
    for kind in ("matrix", "array")
]
CELLS = st.sampled_from([0.0, 0.0, 1.5, -2.0, float("nan"), 1e-300])
MATRICES = st.tuples(
    arrays("f8", st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=CELLS),
    st.sampled_from(FORMATS),
).map(lambda pair: getattr(scipy.sparse, pair[1])(pair[0]))


def alike(one: Any, other: Any) -> bool:
    return (
        type(one) is type(other)
        and one.dtype == other.dtype
        and one.shape == other.shape
        and np.array_equal(one.toarray(), other.toarray(), equal_nan=True)
    )


def read(data: Any, example: Any) -> Any:
    rows = InputReader(signature_of(example)).read(data, exact=True)
    assert isinstance(rows, Tensor)
    return rows.array


@given(MATRICES)
@BOUNDED
def test_a_model_sees_the_matrix_that_the_notebook_had(matrix: Any) -> None:
    data, meta = encode(matrix, describe_input(matrix))
    message = parse_json(encode_request(data, meta))
    assert alike(read(message["modelData"], matrix), matrix)


@given(MATRICES)
@BOUNDED
def test_a_model_without_a_signature_sees_it_too(matrix: Any) -> None:
    data, meta = encode(matrix, {"kind": "any", "fields": []})
    message = parse_json(encode_request(data, meta))
    signature = msgspec.convert(message["metaData"]["signature"], Signature)
    rows = InputReader(signature).read(message["modelData"], exact=True)
    assert alike(rows.array, matrix)  # type: ignore[union-attr]


@given(MATRICES)
@BOUNDED
def test_a_notebook_gets_the_matrix_that_the_model_answered(matrix: Any) -> None:
    result, kind = describe(matrix)
    told = json.loads(json.dumps([result, kind]))
    assert alike(decode(*told), matrix)


def test_rows_of_several_queries_stand_below_each_other() -> None:
    matrix = scipy.sparse.csr_matrix(np.eye(3))
    dense = np.array([[0.0, 0.0, 7.0]])
    joined = Tensor.joined([Tensor(dense), Tensor(matrix)])
    assert alike(joined.array, scipy.sparse.csr_matrix(np.vstack([dense, np.eye(3)])))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"shape": [2, 4]}, "shape_mismatch"),
        ({"shape": [2**40, 3]}, "shape_mismatch"),
        ({"shape": [-1, 3]}, "shape_mismatch"),
        ({"shape": [2]}, "shape_mismatch"),
        ({"row": [2]}, "shape_mismatch"),
        ({"row": [True]}, "shape_mismatch"),
        ({"col": [-1]}, "shape_mismatch"),
        ({"col": [0, 1]}, "shape_mismatch"),
        ({"data": ["1"]}, "value_mistyped"),
        ({"data": 1}, "model_data_form"),
        ({"extra": []}, "model_data_form"),
    ],
    ids=str,
)
def test_coordinates_that_make_no_matrix_are_refused(change: dict[str, Any], code: str) -> None:
    example = scipy.sparse.csr_matrix(np.eye(3))
    whole = {"shape": [2, 3], "row": [1], "col": [2], "data": [1.5]}
    assert read(whole, example).toarray().tolist() == [[0, 0, 0], [0, 0, 1.5]]
    with pytest.raises(InputError) as caught:
        read({**whole, **change}, example)
    assert caught.value.code == code
    assert caught.value.hint


def test_a_sparse_matrix_for_a_model_of_dense_rows_is_refused_before_it_is_sent() -> None:
    matrix = scipy.sparse.csr_matrix(np.eye(3))
    for example in (np.eye(3), pd.DataFrame(np.eye(3))):
        with pytest.raises(InputRefused, match="dense rows"):
            encode(matrix, describe_input(example))
