"""NVIDIA's Triton client, as it comes, against the Open Inference Protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

from mlkraken_client._pack import pack
from tests.system.serving import _tabular
from tests.system.serving._server import Server

X = _tabular.FEATURES[:5]
NUMBERS = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
NUMBERS += ["float16", "float32", "float64"]


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, pipeline: Path
) -> Iterator[dict[str, Server]]:
    folder = tmp_path_factory.mktemp("oip")
    rows = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    everything = pd.DataFrame({name: np.ones(3, dtype=name) for name in NUMBERS})
    everything["text"] = ["a", "b", None]
    bundles = {
        "penguins": pipeline,
        "classes": pack(_tabular.classifier(), "classes", folder / "classes", example=X).folder,
        "odd": pack(_tabular.odd_answers, "odd", folder / "odd", example=rows).folder,
        "seen": pack(_tabular.seen, "seen", folder / "seen", example=everything).folder,
        "refusing": pack(_tabular.refusing, "refusing", folder / "refusing", example=rows).folder,
    }
    started = {
        name: Server(bundle, folder / f"{name}.log", f"--model={name}")
        for name, bundle in bundles.items()
    }
    yield started
    for server in started.values():
        server.end()


@pytest.fixture
def client(servers: dict[str, Server]) -> Iterator[Any]:
    """Return a function from a model's name to a client of its server."""
    clients: list[triton.InferenceServerClient] = []

    def of(name: str) -> triton.InferenceServerClient:
        clients.append(triton.InferenceServerClient(f"127.0.0.1:{servers[name].port}"))
        return clients[-1]

    yield of
    for each in clients:
        each.close()


def sent(name: str, values: Any, *, binary: bool = True) -> triton.InferInput:
    array = np.asarray(values)
    text = array.dtype.kind in "OU"
    if text:
        array = array.astype(object)
    tensor = triton.InferInput(
        name, list(array.shape), "BYTES" if text else triton.np_to_triton_dtype(array.dtype)
    )
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def table(frame: pd.DataFrame, *, binary: bool = True) -> list[triton.InferInput]:
    return [sent(str(name), frame[name].to_numpy().reshape(-1, 1), binary=binary) for name in frame]


def extremes(dtype: str) -> Any:
    if dtype == "bool":
        return np.array([False, True, True])
    limits: Any = np.finfo(dtype) if "float" in dtype else np.iinfo(dtype)
    return np.array([limits.min, limits.max, 1], dtype=dtype)


def texts(array: Any) -> list[str]:
    return [cell.decode() if isinstance(cell, bytes) else cell for cell in array.ravel().tolist()]


@pytest.mark.client("tritonclient (http)", "live, ready, model ready with and without version")
def test_health_and_readiness(client: Any) -> None:
    asked = client("classes")
    assert asked.is_server_live()
    assert asked.is_server_ready()
    assert asked.is_model_ready("classes")
    assert asked.is_model_ready("classes", "1")
    assert asked.is_model_ready("classes", "live")
    assert not asked.is_model_ready("classes", "9")
    assert not asked.is_model_ready("other")


@pytest.mark.client("tritonclient (http)", "server and model metadata, config")
def test_metadata_says_what_the_model_takes_and_gives(client: Any) -> None:
    asked = client("classes")
    assert "binary_tensor_data" in asked.get_server_metadata()["extensions"]
    for version in ("", "1", "live"):
        told = asked.get_model_metadata("classes", version)
        assert (told["name"], told["versions"]) == ("classes", ["1"])
        assert told["inputs"] == [{"name": "value", "datatype": "FP64", "shape": [-1, 4]}]
        assert [(one["name"], one["datatype"], one["shape"]) for one in told["outputs"]] == [
            ("label", "BYTES", [-1]),
            ("probabilities", "FP64", [-1, 2]),
        ]
    inputs = client("penguins").get_model_metadata("penguins")["inputs"]
    assert {one["name"]: (one["datatype"], one["shape"]) for one in inputs} == {
        "island": ("BYTES", [-1, 1]),
        "bill_length_mm": ("FP64", [-1, 1]),
        "bill_depth_mm": ("FP64", [-1, 1]),
        "flipper_length_mm": ("FP64", [-1, 1]),
        "body_mass_g": ("FP64", [-1, 1]),
        "sex": ("BYTES", [-1, 1]),
        "year": ("INT64", [-1, 1]),
    }
    config = asked.get_model_config("classes", "1")
    assert config["input"] == [{"name": "value", "data_type": "TYPE_FP64", "dims": [-1, 4]}]


@pytest.mark.client("tritonclient (http)", "infer: binary and JSON, versions, gzip and deflate")
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
@pytest.mark.parametrize("version", ["", "1", "live"])
@pytest.mark.parametrize("binary", [True, False])
def test_an_array_is_answered_to_the_last_bit(
    client: Any, binary: bool, version: str, compression: str | None
) -> None:
    model, rows = _tabular.classifier(), _tabular.FEATURES[:50]
    answer = client("classes").infer(
        "classes",
        [sent("value", rows, binary=binary)],
        version,
        request_id="mine",
        request_compression_algorithm=compression,
        response_compression_algorithm=compression,
        outputs=None
        if binary
        else [
            triton.InferRequestedOutput(name, binary_data=False)
            for name in ("label", "probabilities")
        ],
    )
    assert texts(answer.as_numpy("label")) == model.predict(rows).tolist()
    probabilities = answer.as_numpy("probabilities")
    assert probabilities.dtype == np.float64
    assert probabilities.tobytes() == model.predict_proba(rows).tobytes()
    told = answer.get_response()
    assert (told["model_name"], told["model_version"], told["id"]) == ("classes", "1", "mine")


@pytest.mark.client("tritonclient (http)", "infer: requested outputs")
def test_only_requested_outputs_come_in_their_order(client: Any) -> None:
    wanted = [
        triton.InferRequestedOutput("probabilities", binary_data=False),
        triton.InferRequestedOutput("label"),
        triton.InferRequestedOutput("decision_function"),
    ]
    asked = client("classes")
    answer = asked.infer("classes", [sent("value", X)], outputs=wanted)
    told = answer.get_response()["outputs"]
    assert [one["name"] for one in told] == ["probabilities", "label", "decision_function"]
    assert ["data" in one for one in told] == [True, False, False]
    margins = _tabular.classifier().decision_function(X)
    assert answer.as_numpy("decision_function").tobytes() == margins.tobytes()
    only = asked.infer("classes", [sent("value", X)], outputs=[wanted[1]])
    assert only.as_numpy("probabilities") is None
    with pytest.raises(InferenceServerException, match=r"output_unknown.*'score'.*probabilities"):
        asked.infer("classes", [sent("value", X)], outputs=[triton.InferRequestedOutput("score")])


@pytest.mark.client("tritonclient (http)", "infer: parameters.method")
def test_a_parameter_picks_another_method(client: Any) -> None:
    answer = client("classes").infer(
        "classes", [sent("value", X)], parameters={"method": "predict_log_proba", "mark": "m"}
    )
    wanted = _tabular.classifier().predict_log_proba(X)
    assert answer.as_numpy("predict_log_proba").tobytes() == wanted.tobytes()
    assert answer.get_response()["parameters"] == {"mark": "m"}
    with pytest.raises(InferenceServerException, match="method_unknown"):
        client("classes").infer("classes", [sent("value", X)], parameters={"method": "fit"})


@pytest.mark.client("tritonclient (http)", "infer: a table, one input a column")
@pytest.mark.parametrize("binary", [True, False])
def test_a_table_of_text_and_numbers_is_answered_as_in_the_notebook(
    client: Any, penguins: tuple[Any, Any], binary: bool
) -> None:
    model, whole = penguins
    frame = whole.dropna(subset="sex").head(20)
    frame = pd.concat([frame.iloc[:3].assign(bill_length_mm=float("nan")), frame])
    answer = client("penguins").infer(
        "penguins", table(frame, binary=binary), parameters={"content_type": "pd"}
    )
    assert texts(answer.as_numpy("label")) == model.predict(frame).tolist()
    assert answer.as_numpy("probabilities").tobytes() == model.predict_proba(frame).tobytes()


@pytest.mark.client("tritonclient (http)", "infer: every datatype")
def test_numbers_of_every_type_pass_both_ways(client: Any) -> None:
    frame = pd.DataFrame({name: extremes(name) for name in NUMBERS})
    frame["text"] = ["", "żółw", "🦀"]
    answer = client("seen").infer("seen", table(frame))
    for name in NUMBERS:
        got = answer.as_numpy(name)
        assert got.dtype == frame[name].dtype
        assert got.tobytes() == frame[name].to_numpy().tobytes()
    assert texts(answer.as_numpy("text")) == frame["text"].tolist()


def test_what_bytes_cannot_carry_comes_as_json(client: Any) -> None:
    answer = client("odd").infer("odd", [sent("x", [1.0, 2.0])])
    told = {one["name"]: one for one in answer.get_response()["outputs"]}
    assert {name: one["datatype"] for name, one in told.items()} == {
        "float": "FP64",
        "infinite": "FP64",
        "text": "BYTES",
        "whole": "INT64",
        "half": "FP16",
        "time": "BYTES",
        "raw": "BYTES",
    }
    assert np.isnan(answer.as_numpy("float")[0])
    assert np.isinf(answer.as_numpy("infinite")).all()
    assert answer.as_numpy("text").tolist() == [None, "żółw 🦀"]
    assert told["whole"]["data"] == [None, 2**60 + 1]
    assert answer.as_numpy("half").tolist() == [0.5, 0.5]
    assert texts(answer.as_numpy("time")) == ["2026-01-31T12:00:00+01:00"] * 2
    assert answer.as_numpy("raw").tolist() == [b"\x00\xff"] * 2


@pytest.mark.client("tritonclient (http)", "infer: NaN in JSON")
def test_a_nan_literal_is_taken_and_null_comes_back(client: Any) -> None:
    answer = client("refusing").infer(
        "refusing",
        [sent("x", [float("nan"), 1.0], binary=False)],
        outputs=[triton.InferRequestedOutput("predict", binary_data=False)],
    )
    assert answer.get_response()["outputs"][0]["data"] == [None, 2.0]


@pytest.mark.client("tritonclient (http)", "repository index, load, unload, statistics")
def test_the_repository_and_statistics(client: Any) -> None:
    asked = client("refusing")
    before = asked.get_inference_statistics()["model_stats"][0]
    asked.infer("refusing", [sent("x", [1.0, 2.0])])
    with pytest.raises(InferenceServerException):
        asked.infer("refusing", [sent("x", [-1.0])])
    (after,) = asked.get_inference_statistics("refusing", "1")["model_stats"]
    grown = {
        kind: after["inference_stats"][kind]["count"] - before["inference_stats"][kind]["count"]
        for kind in ("success", "fail")
    }
    assert grown == {"success": 1, "fail": 1}
    assert after["inference_count"] - before["inference_count"] == 2
    assert asked.get_model_repository_index() == [
        {"name": "refusing", "version": "1", "state": "READY", "reason": ""}
    ]
    asked.load_model("refusing")
    with pytest.raises(InferenceServerException, match="unload_unsupported") as refused:
        asked.unload_model("refusing")
    assert refused.value.status() == "501"
    with pytest.raises(InferenceServerException, match="model_not_here"):
        asked.load_model("other")


@pytest.mark.client("tritonclient (http)", "refusals")
@pytest.mark.parametrize(
    ("model", "tensors", "says"),
    [
        ("other", [sent("x", [1.0])], "model_not_here"),
        ("refusing", [sent("x", [-1.0])], "predict_failed.*a negative number"),
        ("refusing", [sent("x", ["1.0"])], "value_mistyped.*'1.0' is not a number"),
        ("refusing", [sent("x", [2**60 + 1])], "value_mistyped.*1152921504606846977"),
        ("refusing", [sent("x", [[1.0, 2.0]])], "shape_mismatch"),
        ("refusing", [sent("x", [1.0]), sent("z", [1.0])], "columns_unexpected.*'z'"),
        ("refusing", [sent("y", [1.0]), sent("z", [1.0])], "columns_missing.*'x'"),
    ],
    ids=str,
)
def test_errors_reach_the_client_with_code_and_reason(
    client: Any, model: str, tensors: Any, says: str
) -> None:
    with pytest.raises(InferenceServerException, match=says):
        client("refusing").infer(model, tensors)


def test_a_wider_type_is_taken_where_nothing_is_lost(client: Any) -> None:
    asked = client("refusing")
    for values in (np.array([1, 2]), np.array([1.5, 2.5], "float32"), np.array([3], "uint8")):
        assert asked.infer("refusing", [sent("x", values)]).as_numpy("predict").tolist() == (
            (values * 2).tolist()
        )


@pytest.mark.client("tritonclient (http, asyncio)", "live, ready, metadata, infer")
def test_the_asyncio_client(servers: dict[str, Server]) -> None:
    async def ask() -> tuple[Any, Any, list[Any]]:
        url = f"127.0.0.1:{servers['classes'].port}"
        async with triton_aio.InferenceServerClient(url) as asked:
            assert await asked.is_server_live()
            assert await asked.is_model_ready("classes", "1")
            assert (await asked.get_model_metadata("classes"))["name"] == "classes"
            answers = await asyncio.gather(
                *(asked.infer("classes", [sent("value", X[at : at + 1])]) for at in range(5))
            )
            zipped = await asked.infer(
                "classes",
                [sent("value", X)],
                request_compression_algorithm="gzip",
                response_compression_algorithm="deflate",
            )
            json = await asked.infer("classes", [sent("value", X, binary=False)], "1")
            return zipped, json, answers

    zipped, json, answers = asyncio.run(ask())
    model = _tabular.classifier()
    for answer in (zipped, json):
        assert answer.as_numpy("probabilities").tobytes() == model.predict_proba(X).tobytes()
    assert [texts(answer.as_numpy("label"))[0] for answer in answers] == model.predict(X).tolist()
