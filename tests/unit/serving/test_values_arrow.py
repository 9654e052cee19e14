"""What a model sees of Arrow streams and Parquet files is what the notebook had, to the bit."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mlkraken_serving._errors import BodyError, BodyTooLarge, InputError
from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import Tensor
from mlkraken_serving.codecs._arrow import read_arrow
from mlkraken_serving.codecs._arrow_in import read_arrow_input
from mlkraken_serving.codecs._parquet import read_parquet
from mlkraken_serving.engines._frames import native
from tests.unit.serving._encodings import (
    arrow_body,
    arrow_table,
    by_arrow,
    by_parquet,
    one_missing,
    parquet_body,
    signature_of,
)
from tests.unit.serving._strategies import COLUMNS, same

BOUNDED = settings(max_examples=40, deadline=None)
CARRIED = sorted(COLUMNS.keys() - {"a mix", "nested"})
"""Arrow has no columns of many types, and its structures have the same parts in every row."""


@pytest.mark.parametrize("way", [by_arrow, by_parquet])
@pytest.mark.parametrize("kind", CARRIED)
def test_a_model_sees_every_column_as_the_notebook_had_it(
    kind: str, way: Callable[[pd.DataFrame], Any]
) -> None:
    @given(COLUMNS[kind])
    @BOUNDED
    def check(cells: Any) -> None:
        frame = one_missing(pd.DataFrame({"column": cells}))
        try:
            arrow_table(frame)
        except (pa.ArrowException, OverflowError, TypeError):  # such as an infinite decimal
            assume(False)
        assert same(way(frame), frame)

    check()


@given(st.lists(st.lists(st.none() | st.floats(), max_size=3), min_size=1, max_size=3))
@BOUNDED
def test_lists_and_structures_arrive_as_lists_and_dictionaries(cells: list[Any]) -> None:
    example = pd.DataFrame({"lists": [[1.5]], "parts": [{"a": 1, "b": "x"}]})
    parts = [{"a": number, "b": None} for number, _ in enumerate(cells)]
    table = pa.table({"lists": pa.array(cells, pa.list_(pa.float64())), "parts": parts})
    seen = native(read_arrow_input(arrow_body(table), signature_of(example)))
    assert same(seen["lists"].tolist(), cells)
    assert seen["parts"].tolist() == parts


@given(arrays(st.sampled_from(["f8", "f4", "i8", "u1", "?"]), array_shapes(max_dims=4, max_side=3)))
@BOUNDED
def test_an_array_arrives_as_one_column_of_fixed_size_lists(array: Any) -> None:
    column: Any = pa.array(array.ravel())
    for size in reversed(array.shape[1:]):
        column = pa.FixedSizeListArray.from_arrays(column, size)
    body = arrow_body(pa.table({"x": column}))
    assert same(native(read_arrow_input(body, signature_of(array))), array)


@given(arrays(st.sampled_from(["f8", "f4", "i8", "u1", "?"]), st.tuples(*[st.integers(1, 4)] * 2)))
@BOUNDED
def test_a_matrix_arrives_as_its_columns_in_order(array: Any) -> None:
    table = pa.table({f"c{place}": array[:, place] for place in range(array.shape[1])})
    for body, read in (
        (arrow_body(table), read_arrow_input),
        (parquet_body(table), read_parquet),
    ):
        assert same(native(read(body, signature_of(array))), array)


def test_numbers_without_nulls_stay_where_the_body_has_them() -> None:
    frame = pd.DataFrame({"x": np.arange(4.0), "n": np.arange(4)})
    table = read_arrow_input(arrow_body(arrow_table(frame)), signature_of(frame))
    for values in table.columns.values():  # type: ignore[union-attr]
        assert isinstance(values, np.ndarray)
        assert values.base is not None
        assert values.flags.writeable


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", "", None], pa.large_string()),
        pa.array(["a", "", None], pa.string_view()),
        pa.array(["a", "", None]).dictionary_encode(),
        pa.chunked_array([["a"], ["", None]]),
        pa.array([None, "a", "", None, "b"]).slice(1, 3),
    ],
    ids=["wide", "view", "dictionary", "chunks", "slice"],
)
def test_text_arrives_from_every_type_that_arrow_has_for_it(column: Any) -> None:
    example = pd.DataFrame({"s": pd.array(["x", None], dtype="string")})
    seen = native(read_arrow_input(arrow_body(pa.table({"s": column})), signature_of(example)))
    assert seen["s"].tolist() == ["a", "", pd.NA]


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_streams_and_files_are_read(codec: str) -> None:
    frame = pd.DataFrame({"x": np.arange(1000.0)})
    options = pa.ipc.IpcWriteOptions(compression=codec)
    body = arrow_body(arrow_table(frame), options=options)
    assert same(native(read_arrow_input(body, signature_of(frame))), frame)
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, arrow_table(frame).schema) as writer:
        writer.write_table(arrow_table(frame), max_chunksize=300)
    assert same(native(read_arrow_input(sink.getvalue(), signature_of(frame))), frame)


def test_an_index_that_pandas_wrote_along_is_no_column() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"])
    body = arrow_body(pa.Table.from_pandas(frame))
    seen = native(read_arrow_input(body, signature_of(frame)))
    assert same(seen, frame.reset_index(drop=True))


def test_no_rows_arrive_with_their_types() -> None:
    frame = pd.DataFrame({"x": [1.0], "n": [1], "c": pd.Categorical(["u"])})
    assert same(by_arrow(frame.iloc[:0], frame), frame.iloc[:0])


def test_a_model_without_a_signature_sees_the_table_as_it_was_sent() -> None:
    frame = pd.DataFrame(
        {
            "x": [1.5, 2.5],
            "n": [2**60 + 1, 2],
            "at": pd.to_datetime(["2026-01-31", None]).as_unit("us").tz_localize("Europe/Warsaw"),
            "s": ["a", "ż"],
        }
    )
    first, again = (read_arrow_input(arrow_body(arrow_table(frame)), Signature()) for _ in range(2))
    assert first.signature is again.signature  # type: ignore[union-attr]
    assert same(native(first), frame)


@pytest.mark.parametrize(
    ("example", "sent"),
    [
        (np.float32([1.0]), pa.array([0.1])),
        (np.float32([1.0]), pa.array([2**24 + 1])),
        (np.array([1.0]), pa.array([2**53 + 1])),
        (np.array([1.0]), pa.array([2**63 - 1])),
        (np.array([1.0]), pa.array([2**64 - 1], pa.uint64())),
        (np.array([1]), pa.array([1.5])),
        (np.array([1]), pa.array([2.0**63])),
        (np.array([1]), pa.array([math.inf])),
        (np.array([1]), pa.array([2**63], pa.uint64())),
        (np.array([1], "u8"), pa.array([-1])),
        (np.array([1], "i1"), pa.array([128])),
        (np.array([1.0]), pa.array([True])),
        (np.array([1.0]), pa.array(["1"])),
        (np.array([True]), pa.array([1])),
        (np.array([1.0]), pa.array([decimal.Decimal("1.5")])),
        (pd.to_datetime(["2026-01-01"]).as_unit("s"), pa.array([1], pa.timestamp("ms"))),
        (pd.to_datetime(["2026-01-01"]), pa.array([1], pa.timestamp("ns", "UTC"))),
        (pd.to_datetime(["2026-01-01"], utc=True), pa.array([1], pa.timestamp("ns"))),
        (pd.to_datetime(["2026-01-01"]), pa.array([1])),
        (pd.to_datetime(["2026-01-01"]).as_unit("ns"), pa.array([10**10], pa.timestamp("s"))),
        (pd.Categorical(["a"]), pa.array(["b"])),
        (pd.Series([b"x"], dtype=object), pa.array(["eA=="])),
        (pd.Series([dt.date(2026, 1, 1)], dtype=object), pa.array([2**31 - 1], pa.date32())),
    ],
    ids=lambda value: str(getattr(value, "dtype", getattr(value, "type", ""))),
)
def test_what_the_models_type_cannot_hold_is_refused_by_column_and_row(
    example: Any, sent: Any
) -> None:
    frame = pd.DataFrame({"x": example})
    with pytest.raises(InputError) as caught:
        read_arrow_input(arrow_body(pa.table({"x": sent})), signature_of(frame))
    assert caught.value.code == "value_mistyped"
    assert "'x'" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("example", "sent", "wanted"),
    [
        (np.array([1.0]), pa.array([2**53, None]), [2.0**53, math.nan]),
        (np.float32([1.0]), pa.array([0.5, math.nan]), [0.5, math.nan]),
        (np.array([1], "i1"), pa.array([127, -128]), [127, -128]),
        (np.array([1]), pa.array([2.0**53, -1.0]), [2**53, -1]),
        (np.array([1], "u8"), pa.array([2**63 - 1]), [2**63 - 1]),
        (pd.array([1, None], "Int64"), pa.array([2**60 + 1, None]), [2**60 + 1, pd.NA]),
        (pd.array([True, None], "boolean"), pa.array([None, False]), [pd.NA, False]),
    ],
    ids=str,
)
def test_a_number_of_another_type_that_is_the_same_number_is_taken(
    example: Any, sent: Any, wanted: list[Any]
) -> None:
    frame = pd.DataFrame({"x": example})
    seen = native(read_arrow_input(arrow_body(pa.table({"x": sent})), signature_of(frame)))["x"]
    assert seen.dtype == frame["x"].dtype
    assert same(seen.tolist(), wanted)


def test_a_null_for_a_column_that_cannot_miss_one_is_refused() -> None:
    with pytest.raises(InputError, match="row 1: the value is missing") as caught:
        read_arrow_input(
            arrow_body(pa.table({"n": [1, None]})), signature_of(pd.DataFrame({"n": [1]}))
        )
    assert caught.value.code == "value_missing"


def test_wrong_columns_and_shapes_are_named() -> None:
    frame = pd.DataFrame({"x": [1.0]})
    with pytest.raises(InputError, match="'x' is missing"):
        read_arrow_input(arrow_body(pa.table({"y": [1.0]})), signature_of(frame))
    with pytest.raises(InputError, match="does not know 'y'"):
        read_arrow_input(arrow_body(pa.table({"x": [1.0], "y": [1.0]})), signature_of(frame))
    with pytest.raises(InputError, match="2 columns; the model takes an array of rows x 3"):
        read_arrow_input(
            arrow_body(pa.table({"x": [1.0], "y": [1.0]})), signature_of(np.zeros((1, 3)))
        )


def test_what_is_not_arrow_or_not_parquet_is_said_so() -> None:
    for body in (b"", b"{}", b"\xff" * 40, b"PAR1" + b"\0" * 40):
        with pytest.raises(BodyError) as caught:
            read_arrow(body)
        assert caught.value.code == "body_not_arrow"
        with pytest.raises(BodyError) as caught:
            read_parquet(body, Signature())
        assert caught.value.code == "body_not_parquet"


def test_a_type_that_no_model_takes_is_named() -> None:
    for column in (pa.array([dt.time(1)]), pa.RunEndEncodedArray.from_arrays([2], [1.0])):
        with pytest.raises(BodyError, match=column.type.__str__()[:4]) as caught:
            read_arrow(arrow_body(pa.table({"t": column})))
        assert caught.value.code == "arrow_type_unknown"


_WHOLE = arrow_body(
    pa.table(
        {
            "f": pa.array([1.5, None, 3]),
            "s": ["a", "", None],
            "b": [True, None, False],
            "l": [[1, 2], None, []],
            "fl": pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float64(), 2)),
            "st": [{"a": 1, "b": "x"}, None, {"a": 3, "b": None}],
            "d": pa.array(["a", "b", None]).dictionary_encode(),
        }
    )
)


@given(st.lists(st.tuples(st.integers(0, len(_WHOLE) - 1), st.integers(0, 255)), max_size=4))
@settings(max_examples=400, deadline=None)
def test_a_damaged_stream_is_refused_and_nothing_worse(damage: list[tuple[int, int]]) -> None:
    body = bytearray(_WHOLE)
    for place, byte in damage:
        body[place] = byte
    try:
        table = read_arrow(bytes(body))
    except BodyError:
        return
    for column in table.columns.values():
        assert len(column.cells()) == table.rows


_FILE = parquet_body(arrow_table(pd.DataFrame({"x": [1.5, None], "s": ["a", None]})))


@given(st.lists(st.tuples(st.integers(0, len(_FILE) - 1), st.integers(0, 255)), max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_damaged_file_is_refused_and_nothing_worse(damage: list[tuple[int, int]]) -> None:
    body = bytearray(_FILE)
    for place, byte in damage:
        body[place] = byte
    try:
        read_parquet(bytes(body), Signature())
    except InputError as error:
        assert error.hint


@given(st.integers(0, len(_WHOLE)))
def test_a_stream_that_was_cut_is_refused_or_ends_before(size: int) -> None:
    try:
        assert read_arrow(_WHOLE[:size]).rows in (0, 3)
    except BodyError as error:
        assert error.hint


def test_cells_that_only_say_that_they_are_there_are_not_made() -> None:
    rows = pa.table({"n": pa.nulls(3)})
    body = arrow_body(rows).replace((3).to_bytes(8, "little"), (10**12).to_bytes(8, "little"))
    with pytest.raises(BodyError, match="more cells than its bytes can hold"):
        read_arrow(body)


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_body_that_unpacks_to_more_than_memory_is_refused(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlkraken_serving.codecs._pyarrow._LARGEST", 1 << 20)
    table = pa.table({"n": np.zeros(10**6, "i8")})
    with pytest.raises(BodyTooLarge) as caught:
        if kind == "parquet":
            read_parquet(parquet_body(table), Signature())
        else:
            read_arrow(arrow_body(table, options=pa.ipc.IpcWriteOptions(compression="zstd")))
    assert caught.value.code == "body_unpacks_large"


_WITHOUT = """
import sys
sys.modules["pyarrow"] = None
from mlkraken_serving._errors import BodyError
from mlkraken_serving._manifest import Signature
from mlkraken_serving.codecs._arrow import read_arrow
from mlkraken_serving.codecs._parquet import read_parquet
parquet, packed, plain = (bytes.fromhex(line) for line in sys.stdin.read().split())
for read in (lambda: read_parquet(parquet, Signature()), lambda: read_arrow(packed)):
    try:
        read()
    except BodyError as error:
        print(error.code, "mlkraken[arrow]" in error.hint)
print(read_arrow(plain).columns["x"].cells())
"""


def test_without_pyarrow_plain_streams_are_read_and_the_rest_names_what_to_install() -> None:
    table = pa.table({"x": np.arange(100.0)})
    packed = arrow_body(table, options=pa.ipc.IpcWriteOptions(compression="lz4"))
    bodies = [parquet_body(table), packed, arrow_body(pa.table({"x": [1.5, None]}))]
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT],
        input="\n".join(body.hex() for body in bodies),
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == [
        "parquet_unavailable True",
        "arrow_type_unknown True",
        "[1.5, None]",
    ]


def test_a_tensor_model_takes_arrows_own_tensors() -> None:
    array = np.arange(24.0).reshape(2, 3, 4)
    column = pa.FixedShapeTensorArray.from_numpy_ndarray(array)
    seen = read_arrow_input(arrow_body(pa.table({"t": column})), signature_of(array))
    assert isinstance(seen, Tensor)
    assert same(seen.array, array)
