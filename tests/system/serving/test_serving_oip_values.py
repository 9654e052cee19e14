"""What Triton's client sends is what the model gets, and its answer comes back, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tritonclient.http as triton
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mlkraken_client._pack import pack
from tests.system.serving import _tabular
from tests.system.serving._server import Server

BOUNDED = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
DTYPES = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
]
ROWS = 4
EXAMPLE = pd.DataFrame(
    {
        "whole": [1],
        "small": np.array([1], dtype="int16"),
        "float": [0.5],
        "narrow": np.array([0.5], dtype="float32"),
        "truth": [True],
        "nullable": pd.array([None], dtype="Int64"),
        "text": ["a"],
        "raw": [b"\0"],
    }
)


@pytest.fixture(scope="module")
def echo(
    bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[triton.InferenceServerClient]:
    """Return a client of a model that answers with what it was asked, whatever it is."""
    server = Server(bundles["echo"], tmp_path_factory.mktemp("echo") / "log")
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        yield client
    server.end()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[triton.InferenceServerClient]:
    folder = tmp_path_factory.mktemp("seen")
    bundle = pack(_tabular.seen, "seen", folder / "seen", example=EXAMPLE).folder
    server = Server(bundle, folder / "log")
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        yield client
    server.end()


def sent(name: str, array: Any, *, binary: bool) -> triton.InferInput:
    text = array.dtype.kind == "O"
    datatype = "BYTES" if text else triton.np_to_triton_dtype(array.dtype)
    tensor = triton.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


@pytest.mark.parametrize("dtype", DTYPES)
def test_tensors_pass_both_ways_as_bytes(echo: Any, dtype: str) -> None:
    @given(arrays(dtype, array_shapes(max_dims=4, max_side=5)))
    @BOUNDED
    def check(array: Any) -> None:
        answer = echo.infer("echo", [sent("x", array, binary=True)]).as_numpy("predict")
        assert (answer.dtype, answer.shape) == (array.dtype, array.shape)
        assert answer.tobytes() == array.tobytes()

    check()


@pytest.mark.parametrize("dtype", [name for name in DTYPES if name != "float16"])
def test_tensors_pass_both_ways_as_json(echo: Any, dtype: str) -> None:
    @given(arrays(dtype, array_shapes(max_dims=4, max_side=5)))
    @BOUNDED
    def check(array: Any) -> None:
        wanted = [triton.InferRequestedOutput("predict", binary_data=False)]
        answer = echo.infer("echo", [sent("x", array, binary=False)], outputs=wanted)
        got = answer.as_numpy("predict")
        assert (got.dtype, got.shape) == (array.dtype, array.shape)
        if array.dtype.kind == "f":  # strict JSON has null only
            array = np.where(np.isfinite(array), array, np.nan).astype(dtype)
        np.testing.assert_array_equal(got, array)

    check()


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=6), min_size=1, max_size=5))
@BOUNDED
def test_text_passes_both_ways(echo: Any, cells: list[str]) -> None:
    array = np.array(cells, dtype=object)
    answer = echo.infer("echo", [sent("x", array, binary=True)]).as_numpy("predict")
    assert [cell.decode() for cell in answer] == cells


def columns() -> st.SearchStrategy[dict[str, Any]]:
    def of(dtype: str) -> Any:
        return arrays(dtype, (ROWS, 1))

    def cells(cell: Any) -> Any:
        listed = st.lists(cell, min_size=ROWS, max_size=ROWS)
        return listed.map(lambda values: np.array(values, dtype=object).reshape(-1, 1))

    return st.fixed_dictionaries(
        {
            "whole": of("int64"),
            "small": of("int16"),
            "float": of("float64"),
            "narrow": of("float32"),
            "truth": of("bool"),
            "nullable": of("int64"),
            "text": cells(st.text(st.characters(codec="utf-8"), max_size=5)),
            "raw": cells(st.binary(min_size=1, max_size=5)),
        }
    )


@given(columns())
@BOUNDED
def test_columns_of_a_table_pass_both_ways(seen: Any, table: dict[str, Any]) -> None:
    tensors = [sent(name, array, binary=True) for name, array in table.items()]
    answer = seen.infer("seen", tensors)
    for name, array in table.items():
        got = answer.as_numpy(name)
        if array.dtype.kind == "O":
            wanted = [cell.encode() if isinstance(cell, str) else cell for cell in array.ravel()]
            assert got.tolist() == wanted
        else:
            assert got.dtype == array.dtype
            assert got.tobytes() == array.tobytes()
