"""Whatever bytes a body has, its reader tells why it does not take them, and takes no more room."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlkraken_serving._errors import ServingError
from mlkraken_serving._manifest import Signature
from mlkraken_serving.codecs._arrow_in import read_arrow_input
from mlkraken_serving.codecs._csv import read_csv
from mlkraken_serving.codecs._json_in import InputReader, parse_json
from mlkraken_serving.codecs._npy import read_npy
from mlkraken_serving.codecs._oip_input import TensorInput
from mlkraken_serving.codecs._parquet import read_parquet
from mlkraken_serving.codecs._quick import quick_reader
from mlkraken_serving.protocols._coding import decoded
from mlkraken_serving.protocols._oip_read import HEADER, read_request
from tests.unit.serving._asking import query
from tests.unit.serving._encodings import (
    arrow_body,
    arrow_table,
    csv_body,
    parquet_body,
    signature_of,
)

FRAME = pd.DataFrame(
    {
        "x": [1.5, float("nan")],
        "n": [1, 2],
        "t": pd.to_datetime(["2026-01-01"] * 2),
        "s": ["żółw", None],
        "c": pd.Categorical(["u", "v"]),
        "l": [[1], None],
        "i": pd.array([1, None], dtype="Int64"),
        "b": [True, False],
    }
)
NUMBERS = FRAME[["x", "n"]]
EXAMPLES: list[Any] = [
    FRAME,
    NUMBERS,
    FRAME["x"],
    np.array([[1.0, 2.0]]),
    np.zeros((1, 2, 2), dtype="int8"),
    [1, 2],
    ["a"],
    [{"x": 1}],
    {"x": 1},
    1.5,
]
SIGNATURES = [Signature("any", []), *map(signature_of, EXAMPLES)]
TABLE = arrow_table(FRAME)
MOST_BYTES = 1 << 20


def saved(save: Callable[..., None], *arrays: Any, **named: Any) -> bytes:
    into = io.BytesIO()
    save(into, *arrays, **named)
    return into.getvalue()


def tensors(*inputs: dict[str, Any]) -> bytes:
    return json.dumps({"id": "q", "inputs": inputs, "outputs": [{"name": "predict"}]}).encode()


FLOATS = {"name": "x", "shape": [2], "datatype": "FP64"}
TEXTS = {"name": "n", "shape": [2, 1], "datatype": "BYTES"}
HEAD = tensors(
    {**FLOATS, "parameters": {"binary_data_size": 16}},
    {**TEXTS, "parameters": {"binary_data_size": 10}},
)
TAIL = np.array([1.0, 2.0]).tobytes() + b"\1\0\0\0a\1\0\0\0b"
BODIES = {
    "arrow": [
        arrow_body(TABLE),
        arrow_body(arrow_table(NUMBERS)),
        arrow_body(TABLE, options=pa.ipc.IpcWriteOptions(compression="zstd")),
    ],
    "parquet": [parquet_body(TABLE), parquet_body(TABLE, use_dictionary=False, compression="zstd")],
    "csv": [csv_body(FRAME), csv_body(NUMBERS)],
    "npy": [
        saved(np.save, np.array([[1.0, 2.0]])),
        saved(np.save, np.array(["a", "b"])),
        saved(np.savez_compressed, x=np.array([1.0]), n=np.array([1])),
    ],
    "json": [NUMBERS.to_json(orient="records").encode(), b"[[1, NaN]]", b'{"x": [1], "n": [-0]}'],
    "large json": [json.dumps({"modelData": [[n, 0.5] for n in range(3000)]}).encode()],
    "large tensors": [
        tensors({**FLOATS, "shape": [3000, 2], "data": [[n, 0.5] for n in range(3000)]})
    ],
    "tensors": [tensors({**FLOATS, "data": [1, 2]}, {**TEXTS, "data": [["a"], ["b"]]})],
    "binary tensors": [HEAD + TAIL],
    "gzip": [gzip.compress(b"[1]", mtime=0)],
    "deflate": [zlib.compress(b"[1]")],
}
HEADERS = st.sampled_from([str(len(HEAD)), "0", "-1", "1e2", "²", "9" * 30, ""]) | st.integers(
    0, len(HEAD + TAIL) + 1
).map(str)
"""What Inference-Header-Content-Length says: mostly no truth."""


def read(codec: str, body: bytes, signature: Signature, header: str = "") -> Any:
    """Read a body as the service does."""
    if codec in ("gzip", "deflate"):
        return decoded(body, codec.encode(), MOST_BYTES)
    if codec.endswith("tensors"):
        asked = query(body)
        if header:
            asked.headers[HEADER] = header.encode("latin-1")  # type: ignore[index]
        return TensorInput(signature).read(read_request(asked).inputs)
    return _READERS[codec](body, signature)


def _json(body: bytes, signature: Signature) -> Any:
    quick = quick_reader(signature)
    if quick is not None:
        quick.read(body)
    return InputReader(signature).read(parse_json(body))


_READERS: dict[str, Callable[[bytes, Signature], Any]] = {
    "arrow": read_arrow_input,
    "parquet": read_parquet,
    "csv": read_csv,
    "npy": read_npy,
    "json": _json,
    "large json": _json,
}


def read_or_told(codec: str, body: bytes, signature: Signature, header: str = "") -> None:
    """Read a body; what cannot be read is told, with a way out."""
    try:
        read(codec, body, signature, header)
    except ServingError as error:
        assert error.code
        assert error.message
        assert error.hint


NUMBERS_OF_NOTE = st.sampled_from(
    [0, 1, 127, 255, 2**15, 2**31 - 1, 2**32 - 1, 2**40, 2**63 - 1, -1, -(2**31), -(2**63)]
)
PIECES = st.sampled_from(
    [*b'"{}[],:-\n\0\xff', "1e999", "9" * 30, "null", "NaN", "[[[", "\\ud800", "true", str(2**40)]
).map(lambda piece: piece.encode() if isinstance(piece, str) else bytes([piece]))


@st.composite
def damaged(draw: st.DrawFn, bodies: list[bytes]) -> bytes:
    """Return a good body with a few places overwritten, cut out, doubled or cut off."""
    body = bytearray(draw(st.sampled_from(bodies)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(body)))
        length = draw(st.integers(0, 16))
        deed = draw(st.sampled_from(["bytes", "number", "piece", "double", "end"]))
        if deed == "bytes":
            body[place : place + length] = draw(st.binary(max_size=8))
        elif deed == "number":
            width = draw(st.sampled_from([1, 2, 4, 8]))
            number = draw(NUMBERS_OF_NOTE) & ((1 << 8 * width) - 1)
            body[place : place + width] = number.to_bytes(width, "little")
        elif deed == "piece":
            body[place : place + length] = draw(PIECES)
        elif deed == "double":
            body[place:place] = body[place : place + length]
        else:
            del body[place:]
    return bytes(body)


THOROUGHLY = settings(
    max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("codec", BODIES)
def test_damaged_bodies_are_read_or_refused_with_a_reason(codec: str) -> None:
    @given(body=damaged(BODIES[codec]), signature=st.sampled_from(SIGNATURES), header=HEADERS)
    @THOROUGHLY
    def check(body: bytes, signature: Signature, header: str) -> None:
        read_or_told(codec, body, signature, header)

    check()


@given(
    codec=st.sampled_from(sorted(BODIES)),
    body=st.binary(max_size=80),
    signature=st.sampled_from(SIGNATURES),
    header=HEADERS,
)
@example(codec="json", body=b'[{"x": "\xff"}]', signature=SIGNATURES[1], header="")
@example(codec="csv", body=b"1e999,n\n1,2\n", signature=SIGNATURES[3], header="")
@example(codec="csv", body=b"a,b\n1e999,2\n", signature=SIGNATURES[0], header="")
@example(codec="csv", body=b"a\n" + b"9" * 5000, signature=SIGNATURES[0], header="")
@THOROUGHLY
def test_any_bytes_are_read_or_refused_with_a_reason(
    codec: str, body: bytes, signature: Signature, header: str
) -> None:
    read_or_told(codec, body, signature, header)


def test_text_of_numpy_that_is_no_text_is_refused() -> None:
    body = saved(np.save, np.array(["a", "b"])).replace(b"b\0\0\0", b"\0\xff\xff\xff")
    with pytest.raises(ServingError, match="not Unicode"):
        read_npy(body, SIGNATURES[0])


# -- room -----------------------------------------------------------------------------------------

ROOM = 64 << 20
"""Most that reading a body of less than 100 kB may take for a moment, in bytes."""


def room_of(codec: str, body: bytes, signature: Signature, header: str = "") -> int:
    """Return the most memory that reading a body took: Python's, numpy's and Arrow's."""
    assert len(body) < 100_000
    arrow = pa.default_memory_pool().bytes_allocated()
    tracemalloc.start()
    try:
        read_or_told(codec, body, signature, header)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return most + pa.default_memory_pool().bytes_allocated() - arrow


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda signature: signature.kind)
@pytest.mark.parametrize(
    "shape",
    [[2**40], [2**40, 0], [0, 2**40], [2**62, 4], [1] * 40, [0] * 32, [2**16, *[0] * 31], [2**70]],
    ids=str,
)
def test_a_shape_makes_no_room(signature: Signature, shape: list[int]) -> None:
    flat = {"name": "x", "datatype": "FP64", "shape": shape}
    assert room_of("tensors", tensors({**flat, "data": []}), signature) < ROOM
    head = tensors({**flat, "parameters": {"binary_data_size": 0}})
    assert room_of("binary tensors", head, signature, str(len(head))) < ROOM


@pytest.mark.parametrize("codec", ["arrow", "npy", "binary tensors"])
def test_lengths_within_a_body_make_no_room(codec: str) -> None:
    @given(body=damaged(BODIES[codec]), signature=st.sampled_from(SIGNATURES))
    @THOROUGHLY
    def check(body: bytes, signature: Signature) -> None:
        assert room_of(codec, body, signature, str(len(HEAD))) < ROOM

    check()


def test_an_array_of_which_only_the_head_is_there_makes_no_room() -> None:
    head = saved(np.save, np.zeros(1)).replace(b"(1,)", b"(1099511627776,)")
    assert room_of("npy", head, SIGNATURES[0]) < ROOM


def test_a_few_bytes_that_stand_for_a_big_array_are_refused() -> None:
    body = saved(np.savez_compressed, x=np.zeros((1 << 27) + 1, dtype="u1"))
    with pytest.raises(ServingError) as caught:
        read_npy(body, SIGNATURES[0])
    assert caught.value.code == "npy_too_large"


def test_a_column_of_a_hundred_thousand_names_is_looked_at_once() -> None:
    names = ",".join(f"c{number}" for number in range(100_000))
    with pytest.raises(ServingError, match="more than once"):
        read_csv(f"{names},c7\n{names},1\n".encode(), SIGNATURES[0])


@pytest.mark.parametrize("compression", ["zstd", "none"])
@pytest.mark.parametrize("kind", [pa.float64(), pa.bool_(), pa.null()], ids=str)
def test_a_few_bytes_that_stand_for_millions_of_rows_are_refused(
    kind: pa.DataType, compression: str
) -> None:
    column = pa.nulls(1 << 25, kind)
    body = parquet_body(pa.table({"x": column}), compression=compression)
    with pytest.raises(ServingError) as caught:
        read_parquet(body, SIGNATURES[0])
    assert caught.value.code == "body_unpacks_large"
