"""Tensors of the Open Inference Protocol: every value kept, or refused by name."""

from __future__ import annotations

import json
import math
import struct
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mlkraken_client._signature import describe_input
from mlkraken_serving._errors import BodyError, InputError, ServingError
from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import Table, join
from mlkraken_serving.codecs._casts import cast
from mlkraken_serving.codecs._json_in import InputReader
from mlkraken_serving.codecs._json_out import describe
from mlkraken_serving.codecs._oip_big import parse_large
from mlkraken_serving.codecs._oip_input import TensorInput
from mlkraken_serving.codecs._oip_json import from_json
from mlkraken_serving.codecs._oip_tensors import (
    DATATYPES,
    OipTensor,
    datatype_of,
    framed,
    from_bytes,
)
from mlkraken_serving.engines._frames import native
from mlkraken_serving.protocols._oip_metadata import inputs_of
from mlkraken_serving.protocols._oip_read import read_request
from mlkraken_serving.protocols._port import Query
from tests.unit.serving._strategies import COLUMNS, same

BOUNDED = settings(max_examples=60, deadline=None)
NUMERIC = [name for name in DATATYPES if name not in ("BYTES", "BF16")]
DTYPES = st.sampled_from([DATATYPES[name] for name in NUMERIC])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def signature_of(example: Any) -> Signature:
    return msgspec.convert(json.loads(json.dumps(describe_input(example))), Signature)


@pytest.mark.parametrize("datatype", NUMERIC)
def test_numbers_keep_their_bits_as_bytes_and_their_values_as_json(datatype: str) -> None:
    @given(arrays(DATATYPES[datatype], array_shapes(min_side=0, max_dims=4)))
    @BOUNDED
    def check(array: Any) -> None:
        assert datatype_of(array) == datatype
        raw = from_bytes("x", datatype, array.shape, memoryview(array.tobytes()))
        assert isinstance(raw.values, np.ndarray)
        assert raw.values.tobytes() == array.tobytes()
        assert raw.values.shape == array.shape
        for data in (array.tolist(), array.ravel().tolist()):
            read = from_json("x", datatype, array.shape, data)
            assert isinstance(read.values, np.ndarray)
            assert read.values.dtype == array.dtype
            np.testing.assert_array_equal(read.values, array)

    check()


@given(st.lists(st.binary(max_size=9), max_size=6))
@BOUNDED
def test_elements_of_bytes_are_framed(elements: list[bytes]) -> None:
    raw = memoryview(framed(elements))
    assert from_bytes("x", "BYTES", (len(elements),), raw).values == elements
    with pytest.raises(BodyError, match="elements"):
        from_bytes("x", "BYTES", (len(elements) + 1,), raw)


@given(st.binary(max_size=40), st.sampled_from(list(DATATYPES)), st.integers(0, 9))
@BOUNDED
def test_any_bytes_are_read_or_refused(raw: bytes, datatype: str, count: int) -> None:
    try:
        read = from_bytes("x", datatype, (count,), memoryview(raw))
    except BodyError as error:
        assert error.code == "tensor_bytes"
    else:
        assert len(read.flat()) == count


def test_half_of_a_float_is_the_float_with_fewer_digits() -> None:
    bits = struct.pack("<3H", 0x3FC0, 0xFF80, 0x7FC0)
    read = from_bytes("x", "BF16", (3,), memoryview(bits))
    assert isinstance(read.values, np.ndarray)
    assert read.values.dtype == np.float32
    assert read.values[:2].tolist() == [1.5, -math.inf]
    assert np.isnan(read.values[2])
    with pytest.raises(BodyError, match="no JSON form"):
        from_json("x", "BF16", (1,), [1.5])


@given(DTYPES.flatmap(lambda dtype: arrays(dtype, 3)), DTYPES)
@settings(max_examples=300, deadline=None)
def test_a_cast_keeps_every_value_or_is_refused(array: Any, dtype: str) -> None:
    target = np.dtype(dtype)
    try:
        done = cast(array, target, lambda number: f"value {number}")
    except InputError as error:
        assert error.code == "value_mistyped"
        assert not all(_holds(value, target) for value in array)
        return
    assert done.dtype == target
    assert done.flags.writeable
    for before, after in zip(array.tolist(), done.tolist(), strict=True):
        if isinstance(before, float) and not math.isfinite(before):
            assert str(before) == str(after)
        else:
            assert Fraction(before) == Fraction(after)


def _holds(value: Any, target: np.dtype[Any]) -> bool:
    """Whether ``target`` has the value: by Python's own exact numbers."""
    if (value.dtype.kind == "b") != (target.kind == "b"):
        return False
    plain = value.item()
    if not math.isfinite(plain):
        return target.kind == "f"
    with np.errstate(all="ignore"):
        try:
            there = target.type(plain).item()
        except OverflowError:
            return False
    return math.isfinite(there) and Fraction(there) == Fraction(plain)


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "says"),
    [
        ("INT64", (1,), [1.5], "not a whole number"),
        ("INT64", (1,), [True], "not a whole number"),
        ("INT8", (1,), [128], "cannot be int8"),
        ("UINT64", (2,), [2**64, 1], "does not fit"),
        ("FP64", (1,), ["1"], "not a number"),
        ("FP64", (2,), [2**53 + 1, 0.5], "more digits"),
        ("FP32", (1,), [1e39], "too large"),
        ("BOOL", (1,), [1], "not true or false"),
        ("BYTES", (1,), [1], "is not a string"),
        ("FP64", (2,), [1.0], "1 values"),
        ("FP64", (2, 2), [[1.0, 2.0], [3.0]], "differ in length"),
        ("FP64", (4,), [[1.0, 2.0], [3.0, 4.0]], "nested lists of the shape 2 x 2"),
        ("FP65", (1,), [1.0], "FP65"),
        (64, (1,), [1.0], "64"),
        ("FP64", (2**40, 2**40), [1.0], "no memory"),
        ("FP64", (1,) * 60, [1.0], "no memory"),
        ("FP64", (0, 2**61), [], "no memory"),
        ("INT8", (2**40, 0), [], "no memory"),
    ],
    ids=str,
)
def test_data_that_is_not_of_its_datatype_is_refused(
    datatype: Any, shape: tuple[int, ...], data: Any, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        from_json("x", datatype, shape, data)


def test_null_is_missing_and_base64_is_bytes() -> None:
    assert from_json("x", "FP32", (2,), [None, 0.1]).values == [None, float(np.float32(0.1))]
    assert from_json("x", "INT64", (2,), [None, 1]).values == [None, 1]
    assert from_json("x", "BYTES", (2,), [None, "AP8="], encoded=True).values == [None, b"\0\xff"]
    with pytest.raises(BodyError, match="not base64"):
        from_json("x", "BYTES", (1,), ["?"], encoded=True)


@pytest.mark.parametrize("kind", sorted(set(COLUMNS) - {"nested", "a mix", "bytes"}))
def test_a_model_sees_a_column_as_by_plain_json(kind: str) -> None:
    @given(COLUMNS[kind])
    @BOUNDED
    def check(cells: Any) -> None:
        frame = pd.DataFrame({"column": cells})
        signature = signature_of(frame)
        plain = [row["column"] for row in describe(frame)[0]]
        ((described),) = inputs_of(signature)
        tensor = from_json("column", described["datatype"], (len(frame), 1), plain)
        seen = native(TensorInput(signature).read([tensor]))
        wanted = InputReader(signature).read({"column": plain})
        assert same(seen, native(wanted))

    check()


def test_columns_of_numbers_pass_as_arrays_of_their_own() -> None:
    names = ["int8", "uint64", "float32", "float64", "bool", "Int64", "boolean", "Float64"]
    frame = pd.DataFrame({name: pd.array([0, 1, 1], dtype=name) for name in names})
    reader = TensorInput(signature_of(frame))
    tensors = [
        from_bytes(name, datatype_of(raw), (3, 1), memoryview(raw.tobytes()))
        for name in names
        for raw in [frame[name].to_numpy(dtype=name.lower().replace("boolean", "bool"))]
    ]
    table = reader.read(tensors)
    assert isinstance(table, Table)
    assert all(isinstance(column, np.ndarray) for column in table.columns.values())
    assert same(native(table), frame)
    twice = join([table, table])
    assert same(native(twice), pd.concat([frame, frame], ignore_index=True))
    cells = InputReader(signature_of(frame)).read(describe(frame)[0])
    mixed = join([cells, table, cells])
    assert same(native(mixed), pd.concat([frame] * 3, ignore_index=True))
    assert all(column.flags.writeable for column in table.columns.values())


def test_a_matrix_stands_for_all_columns_of_numbers() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4], "c": [5.5, 6.5]})
    reader = TensorInput(signature_of(frame))
    matrix = frame.to_numpy()
    tensor = OipTensor("input-0", "FP64", (2, 3), matrix)
    assert same(native(reader.read([tensor])), frame)
    with pytest.raises(InputError, match="has 2 columns; the model takes 3: a, b, c"):
        reader.read([OipTensor("input-0", "FP64", (2, 2), matrix[:, :2])])
    with pytest.raises(InputError, match=r"Column 'b', row 0: 3\.5 cannot be int64"):
        reader.read([OipTensor("input-0", "FP64", (2, 3), matrix + 0.5)])
    with pytest.raises(InputError, match="'a' has 1, 'b' has 2"):
        reader.read(
            [
                OipTensor(name, "INT64", (size,), np.ones(size))
                for name, size in zip("abc", (1, 2, 2), strict=True)
            ]
        )


@pytest.mark.parametrize(
    ("example", "data", "shape", "wanted"),
    [
        (["a", "b"], [b"x", "y"], (2,), ["x", "y"]),
        ([1, 2], [3, 4], (2,), [3, 4]),
        (5, [3], (1,), 3),
        ("a", [b"x"], (1,), "x"),
        (np.array(["a"]), ["x", "y"], (2,), np.array(["x", "y"])),
        (np.zeros((1, 2)), [[1, 2]], (1, 2), np.array([[1.0, 2.0]])),
        (pd.Series([1.5], name="s"), [2.5], (1, 1), pd.Series([2.5], name="s")),
    ],
    ids=str,
)
def test_a_model_of_one_input_takes_it_by_any_name(
    example: Any, data: Any, shape: tuple[int, ...], wanted: Any
) -> None:
    text = isinstance(np.ravel(np.array(data, dtype=object))[0], (str, bytes))
    values = data if text else np.array(data)
    tensor = OipTensor("anything", "BYTES" if text else "INT64", shape, values)
    if isinstance(example, pd.Series):
        tensor = OipTensor("anything", "FP64", shape, np.array(data).reshape(shape))
    assert same(native(TensorInput(signature_of(example)).read([tensor])), wanted)


def test_objects_are_made_of_columns() -> None:
    records = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    tensors = [
        OipTensor("b", "BYTES", (2,), [b"x", b"y"]),
        OipTensor("a", "INT64", (2, 1), np.array([[1], [2]])),
    ]
    assert native(TensorInput(signature_of(records)).read(tensors)) == records
    single = [OipTensor("a", "INT64", (1,), np.array([1])), OipTensor("b", "BYTES", (1,), ["x"])]
    assert native(TensorInput(signature_of(records[0])).read(single)) == records[0]


def test_columns_of_bytes_lists_and_json() -> None:
    frame = pd.DataFrame({"raw": [b"\0"], "list": [[1, 2]], "object": [{"a": 1}]})
    tensors = [
        OipTensor("raw", "BYTES", (1,), [b"\xff\0"]),
        OipTensor("list", "INT64", (1, 2), np.array([[3, 4]])),
        OipTensor("object", "BYTES", (1,), [b'{"b": [null]}']),
    ]
    seen = native(TensorInput(signature_of(frame)).read(tensors))
    assert seen.iloc[0].tolist() == [b"\xff\0", [3, 4], {"b": [None]}]


def test_a_model_without_a_signature_gets_arrays_or_a_frame() -> None:
    reader = TensorInput(Signature())
    one, two = (
        OipTensor("a", "INT64", (2,), np.array([1, 2])),
        OipTensor("b", "BYTES", (2,), ["x", "y"]),
    )
    assert native(reader.read([one])).tolist() == [1, 2]
    assert {name: part.tolist() for name, part in native(reader.read([one, two])).items()} == {
        "a": [1, 2],
        "b": ["x", "y"],
    }
    framed_ = native(reader.read([one, two], frame=True))
    assert same(framed_, pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))


def _query(body: bytes, **headers: str) -> Query:
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Query("POST", "/v2/models/m/infer", named, body, "id")


@given(JSON, st.none() | st.integers(-1, 60))
@settings(max_examples=200, deadline=None)
def test_any_json_is_read_or_refused(value: Any, header: int | None) -> None:
    headers = {} if header is None else {"inference_header_content_length": str(header)}
    for message in (
        value,
        {"inputs": value},
        {"inputs": [value]},
        {
            "inputs": [
                {"name": "x", "shape": [1], "datatype": "FP64", "data": value, "parameters": value}
            ],
            "outputs": value,
        },
    ):
        try:
            read_request(_query(json.dumps(message).encode(), **headers))
        except ServingError as error:
            assert isinstance(error, InputError)
            assert error.hint


def _message(data: Any, shape: Any, datatype: str = "FP64", **more: Any) -> bytes:
    tensor = {"name": "x", "shape": list(shape), "datatype": datatype, "data": data}
    return json.dumps({"id": "i", "inputs": [tensor], **more}).encode()


@pytest.mark.parametrize("datatype", ["FP64", "FP32", "INT64", "INT8"])
def test_large_bodies_are_read_as_small_ones_are(datatype: str) -> None:
    @given(arrays(DATATYPES[datatype], array_shapes(max_dims=2)))
    @BOUNDED
    def check(array: Any) -> None:
        for data in (array.tolist(), array.ravel().tolist()):
            body = _message(data, array.shape, datatype, outputs=[{"name": "y"}])
            large = parse_large(body)
            if large is None:  # NaN, or a number beyond 2 ** 53
                assert array.dtype.kind == "f"
                assert not (np.abs(array) < 2**53).all()
                continue
            small = json.loads(body)
            (got,) = large.pop("inputs")
            (wanted,) = small.pop("inputs")
            assert large == small
            assert got.pop("data").tobytes() == array.tobytes()
            assert got == {key: value for key, value in wanted.items() if key != "data"}

    check()


@pytest.mark.parametrize(
    ("data", "shape", "datatype"),
    [
        ([True, 1.5], [2], "FP64"),
        ([None, 1.5], [2], "FP64"),
        (["a"], [1], "BYTES"),
        ([True], [1], "BOOL"),
        ([[1.0], 2.0], [2], "FP64"),
        ([1.0, [2.0]], [2], "FP64"),
        ([[[1.0]]], [1, 1, 1], "FP64"),
        ([[1.0, 2.0], [3.0]], [2, 2], "FP64"),
        ([[1.0, 2.0]], [2], "FP64"),
        ([1.0], [2], "FP64"),
        ([2**53 + 1, 0.5], [2], "FP64"),
        ([2**70], [1], "INT64"),
        ([1.5], [1], "INT64"),
        ([128], [1], "INT8"),
        ([1e39], [1], "FP32"),
        ([], [0], "FP64"),
        ({"a": 1}, [1], "FP64"),
        (1.0, [1], "FP64"),
    ],
    ids=str,
)
def test_what_is_not_plain_is_left_to_the_ordinary_reader(
    data: Any, shape: list[int], datatype: str
) -> None:
    assert parse_large(_message(data, shape, datatype)) is None


def test_a_large_body_is_read_by_the_request_reader() -> None:
    matrix = np.arange(6000.0).reshape(300, 20) + 0.5
    (tensor,) = read_request(_query(_message(matrix.tolist(), matrix.shape))).inputs
    assert isinstance(tensor.values, np.ndarray)
    assert tensor.values.tobytes() == matrix.tobytes()
    broken = matrix.tolist()
    broken[7][3] = "much"
    with pytest.raises(InputError, match="value 143: 'much' is not a number"):
        read_request(_query(_message(broken, matrix.shape)))


@given(JSON)
@BOUNDED
def test_any_json_is_parsed_or_left(value: Any) -> None:
    for message in (value, {"inputs": value}, {"inputs": [value]}, {"inputs": [{"data": value}]}):
        parse_large(json.dumps(message).encode())
    assert parse_large(b"\xff") is None
    assert parse_large(_message([1.0], [1]).replace(b'"id": "i"', b'"id": 1, "id": 2')) is None


_SIGNED = {
    "table": pd.DataFrame(
        {
            "a": [1.0],
            "b": pd.array([1], dtype="Int8"),
            "c": pd.Categorical(["x"]),
            "d": pd.to_datetime(["2026-01-31"]).tz_localize("Europe/Warsaw"),
            "e": [b"x"],
            "f": [[1]],
            "g": [True],
        }
    ),
    "numbers": pd.DataFrame({"a": [1], "b": [1.5]}),
    "matrix": np.zeros((1, 2)),
    "texts": np.array(["a"]),
    "objects": np.array([[1, "a"]], dtype=object),
    "series": pd.Series([1.5], name="a"),
    "list": [1, 2],
    "records": [{"a": 1, "b": "x"}],
    "dict": {"a": 1.5},
    "scalar": 1.5,
}


@st.composite
def _tensors(draw: Any) -> OipTensor:
    name, datatype = draw(st.sampled_from("abcdefgx")), draw(st.sampled_from(list(DATATYPES)))
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    size = math.prod(shape)
    if datatype == "BYTES":
        cell = st.none() | st.binary(max_size=3) | st.sampled_from([b"x", "2026-01-31", "1"])
        return OipTensor(name, datatype, shape, draw(st.lists(cell, min_size=size, max_size=size)))
    dtype = "<f4" if datatype == "BF16" else DATATYPES[datatype]
    values = draw(arrays(dtype, shape))
    if draw(st.booleans()):
        values = [draw(st.sampled_from([None, cell])) for cell in values.ravel().tolist()]
    return OipTensor(name, datatype, shape, values)


@pytest.mark.parametrize("kind", sorted(_SIGNED))
def test_any_tensors_are_seen_or_refused(kind: str) -> None:
    reader = TensorInput(signature_of(_SIGNED[kind]))

    @given(st.lists(_tensors(), min_size=1, max_size=7, unique_by=lambda tensor: tensor.name))
    @BOUNDED
    def check(tensors: list[OipTensor]) -> None:
        try:
            native(reader.read(tensors))
        except InputError as error:
            assert error.message

    check()
