"""The usual query is read by a decoder of its own; it must not be told from the careful reader."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkraken_client._signature import describe_input
from mlkraken_serving._errors import InputError
from mlkraken_serving._manifest import Signature
from mlkraken_serving.codecs._json_in import InputReader, parse_json
from mlkraken_serving.codecs._quick import QuickReader, quick_reader
from mlkraken_serving.engines._frames import native

EXAMPLES: dict[str, Any] = {
    "floats": np.zeros((2, 3)),
    "narrow": np.zeros((2, 3), dtype="float32"),
    "half": np.zeros((2, 3), dtype="float16"),
    "ints": np.zeros((2, 3), dtype="int64"),
    "small": np.zeros((2, 3), dtype="uint8"),
    "mixed": pd.DataFrame(
        {
            "a": [1.5, None],
            "class": [1, 2],
            "a b": ["x", "y"],
            "kind": pd.Categorical(["u", "v"]),
            "yes": [True, False],
            "maybe": pd.array([1, None], dtype="Int64"),
        }
    ),
}
CELLS = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**64), 2**64)
    | st.integers(-3, 300)
    | st.sampled_from(["u", "v", "w", "", "\ud800", None, True, False, 2**53, -(2**53), 65519.9])
)


def signature_of(example: Any) -> Signature:
    return msgspec.convert(json.loads(json.dumps(describe_input(example))), Signature)


@st.composite
def bodies(draw: st.DrawFn, name: str) -> Any:
    if name != "mixed":
        return draw(st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=3))
    usual: dict[str, st.SearchStrategy[Any]] = {
        "a": st.floats(allow_nan=False) | st.integers(-5, 5),
        "class": st.integers(-5, 5),
        "a b": st.text(max_size=3),
        "kind": st.sampled_from(["u", "v"]),
        "yes": st.booleans(),
        "maybe": st.integers(0, 5) | st.none(),
    }
    row = draw(st.fixed_dictionaries(usual))
    odd = draw(st.sampled_from([None, *usual]))
    if odd is not None:
        row[odd] = draw(CELLS)
    return row if draw(st.booleans()) else [row, draw(st.fixed_dictionaries(usual))]


def reader(name: str) -> tuple[QuickReader, InputReader]:
    signature = signature_of(EXAMPLES[name])
    quick = quick_reader(signature)
    assert quick is not None
    return quick, InputReader(signature)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_what_is_read_quickly_is_what_the_careful_reader_reads(name: str, data: Any) -> None:
    quick, careful = reader(name)
    body = json.dumps({"modelData": data.draw(bodies(name)), "metaData": {"m": 1}}).encode()
    found = quick.read(body)
    if found is None:
        return
    rows, meta = found
    assert meta == {"m": 1}
    expected = native(careful.read(parse_json(body)["modelData"]))  # raises where it refuses
    got = native(rows)
    assert rows.rows == len(expected)
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(got, expected)
    else:
        assert got.dtype == expected.dtype
        assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("floats", [[1, 2.5, -0.0]]),
        ("ints", [[1, 2, 3], [4, 5, 6]]),
        (
            "mixed",
            {"a": 1, "class": 2, "a b": "x", "kind": "u", "yes": True, "maybe": 5},
        ),
    ],
)
def test_the_usual_form_is_read_quickly(name: str, rows: Any) -> None:
    quick, _ = reader(name)
    assert quick.read(json.dumps({"modelData": rows}).encode()) is not None


@pytest.mark.parametrize(
    "rows", [[[1.0, 2.0, float("nan")]], [[1.0, 2.0]], [1.0, 2.0, 3.0], [[2**53 + 1, 0, 0]], []]
)
def test_what_needs_a_second_look_is_left_to_the_careful_reader(rows: Any) -> None:
    quick, careful = reader("floats")
    assert quick.read(json.dumps({"modelData": rows}).encode()) is None
    if rows == [[2**53 + 1, 0, 0]]:
        with pytest.raises(InputError, match="more digits"):
            careful.read(rows)


def test_callers_who_always_send_something_else_cost_no_second_parsing_but_are_not_given_up() -> (
    None
):
    quick, _ = reader("floats")
    odd, usual = b'{"modelData": [1, 2, 3]}', b'{"modelData": [[1, 2, 3]]}'
    for _ in range(16):
        assert quick.read(odd) is None
    assert [quick.read(usual) is None for _ in range(256)] == [True] * 256
    assert quick.read(usual) is not None


BIG_CELLS = (
    st.floats(allow_nan=False)
    | st.integers(-(2**65), 2**65)
    | st.sampled_from([None, True, "1", [1.0], [], {}, 2**53, -(2**53) + 1, -0.0, float("inf")])
)


@pytest.mark.parametrize("name", ["floats", "narrow", "ints"])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_big_matrix_is_what_the_careful_reader_reads(name: str, data: Any) -> None:
    import mlkraken_serving.codecs._big_matrix as big_matrix

    signature = signature_of(EXAMPLES[name])
    careful = InputReader(signature)
    good = st.integers(-5, 5) if name == "ints" else st.floats(-1e6, 1e6)
    rows = data.draw(st.lists(st.lists(good, min_size=3, max_size=3), max_size=4))
    if rows and data.draw(st.booleans()):
        rows[-1][data.draw(st.integers(0, 2))] = data.draw(BIG_CELLS)
    meta = data.draw(st.sampled_from([{}, {"a": 1}, {"a": [1]}, {"a": {"b": None}}]))
    body = json.dumps({"modelData": rows, "metaData": meta}).encode()
    dtype = np.dtype(signature.fields[0].storage)
    found = big_matrix.read_big_matrix(body, ("modelData", "metaData"), 3, dtype)
    if found is None:
        return
    tensor, beside = found
    expected = native(careful.read(parse_json(body)["modelData"]))  # raises where it refuses
    assert beside == meta
    assert tensor.array.dtype == expected.dtype
    assert tensor.array.tobytes() == expected.tobytes()


def test_a_long_body_is_read_without_lists_of_its_numbers() -> None:
    quick, _ = reader("floats")
    rows = np.random.default_rng(0).normal(size=(5000, 3))
    found = quick.read(json.dumps({"modelData": rows.tolist()}).encode())
    assert found is not None
    assert found[0].array.tobytes() == rows.tobytes()  # type: ignore[union-attr]
    assert quick.read(json.dumps({"modelData": [[None] * 3] * 9000}).encode()) is None
