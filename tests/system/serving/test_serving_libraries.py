"""Models of every library, live and from their own files: the same answers to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import onnx
import pandas as pd
import pytest
import statsmodels.api
import torch
import xgboost
from onnx import TensorProto, helper

from mlkraken_client._answers import decode
from mlkraken_client._codec import encode
from mlkraken_client._pack import pack
from tests.system.serving.conftest import Start

_RANDOM = np.random.default_rng(3)
_X = pd.DataFrame(
    {
        "size": _RANDOM.normal(size=120),
        "rate": np.where(_RANDOM.random(120) < 0.2, np.nan, _RANDOM.random(120)),
        "city": pd.Categorical(_RANDOM.choice(["Kraków", "Łódź", ""], 120)),
    }
)
_SCORE = (_X["size"] * 2 + (_X["city"] == "Łódź")).to_numpy()
_WORDS = np.where(_SCORE > 0.5, "high", np.where(_SCORE < -0.5, "low", "mid"))
_NUMBERS = _X[["size", "rate"]]


def _served(start: Start, tmp_path: Path, model: Any, X: Any, **meta: Any) -> tuple[Any, str]:
    server = start(pack(model, "m", tmp_path / "bundle", example=X[:5]).folder)
    data, told = encode(X, {"kind": "any", "fields": []})
    told.pop("signature", None)
    answer = server.ask(data, {**told, **meta})
    assert answer.status == 200, answer.body
    meta = answer.json["metaData"]
    assert server.get("/health").json["parity"]["verdict"] == "equal"
    return decode(answer.json["result"], meta["resultType"], X), meta["engine"]


def _same(got: Any, wanted: Any) -> None:
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
    assert np.array_equal(np.asarray(got), np.asarray(wanted), equal_nan=wanted.dtype.kind == "f")


def _boosted() -> xgboost.Booster:
    data = xgboost.DMatrix(_X, label=_SCORE, enable_categorical=True)
    return xgboost.train({"max_depth": 3}, data, num_boost_round=8)


@pytest.mark.parametrize("suffix", ["", ".ubj", ".json"])
def test_xgboost(start: Start, tmp_path: Path, suffix: str) -> None:
    booster = _boosted()
    if suffix:
        booster.save_model(tmp_path / f"model{suffix}")
    got, _ = _served(start, tmp_path, tmp_path / f"model{suffix}" if suffix else booster, _X)
    _same(got, booster.predict(xgboost.DMatrix(_X, enable_categorical=True)))


@pytest.mark.parametrize("suffix", ["", ".txt"])
def test_lightgbm(start: Start, tmp_path: Path, suffix: str) -> None:
    data = lightgbm.Dataset(_X, label=_SCORE)
    booster = lightgbm.train({"verbose": -1, "min_data_in_leaf": 5}, data, num_boost_round=8)
    if suffix:
        booster.save_model(tmp_path / f"model{suffix}")
    got, _ = _served(start, tmp_path, tmp_path / f"model{suffix}" if suffix else booster, _X)
    _same(got, booster.predict(_X))


@pytest.mark.parametrize("suffix", ["", ".cbm"])
def test_catboost(start: Start, tmp_path: Path, suffix: str) -> None:
    model = catboost.CatBoostClassifier(iterations=8, verbose=False, allow_writing_files=False)
    model.fit(_X, _WORDS, cat_features=["city"])
    if suffix:
        model.save_model(tmp_path / f"model{suffix}")
    given = tmp_path / f"model{suffix}" if suffix else model
    got, _ = _served(start, tmp_path, given, _X, method="predict_proba")
    _same(got, model.predict_proba(_X))


def test_catboost_regression_from_a_file(start: Start, tmp_path: Path) -> None:
    model = catboost.CatBoostRegressor(iterations=8, verbose=False, allow_writing_files=False)
    model.fit(_NUMBERS, _SCORE)
    model.save_model(tmp_path / "model.cbm")
    got, _ = _served(start, tmp_path, tmp_path / "model.cbm", _NUMBERS)
    _same(got, model.predict(_NUMBERS))


def test_statsmodels(start: Start, tmp_path: Path) -> None:
    X = statsmodels.api.add_constant(_X[["size"]])
    results = statsmodels.api.OLS(_SCORE, X).fit()
    got, _ = _served(start, tmp_path, results, X)
    _same(got, results.predict(X))


def _network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(8, 3)
    )


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize("form", ["module", "script", ".pt", ".pt2"])
def test_torch(start: Start, tmp_path: Path, form: str) -> None:
    module, X = _network(), _RANDOM.normal(size=(20, 4)).astype("float32")
    given: Any = module
    if form in ("script", ".pt"):
        given = torch.jit.script(module)
    if form == ".pt":
        given.save(str(tmp_path / "model.pt"))
        given = tmp_path / "model.pt"
    if form == ".pt2":
        rows = torch.export.Dim("rows")
        exported = torch.export.export(
            module.eval(), (torch.zeros(5, 4),), dynamic_shapes=({0: rows},)
        )
        torch.export.save(exported, tmp_path / "model.pt2")
        given = tmp_path / "model.pt2"
    module.train()
    got, _ = _served(start, tmp_path, given, X)
    assert module.training, "the notebook may go on training"
    with torch.no_grad():
        wanted = module.eval()(torch.from_numpy(X)).numpy()
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, rtol=1e-6)


@pytest.mark.parametrize("suffix", ["", ".keras"])
def test_keras_computes_by_what_it_did_in_the_notebook(
    start: Start, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    import keras

    monkeypatch.delenv("KERAS_BACKEND")  # a server does not inherit what a notebook has set
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    given: Any = model
    if suffix:
        given = tmp_path / "model.keras"
        model.save(given)
    X = _RANDOM.normal(size=(20, 4)).astype("float32")
    got, _ = _served(start, tmp_path, given, X)
    np.testing.assert_allclose(got, model.predict(X, verbose=0), rtol=1e-6)


def test_an_example_may_be_a_tensor(tmp_path: Path) -> None:
    bundle = pack(_network(), "net", tmp_path / "b", example=torch.zeros(3, 4))
    (field,) = bundle.manifest["signature"]["fields"]
    assert (field["dtype"], field["shape"]) == ("float32", [-1, 4])


def _graph(inputs: list[Any], outputs: list[Any], nodes: list[Any]) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=10)


def _tensor(name: str, kind: int, *shape: Any) -> Any:
    return helper.make_tensor_value_info(name, kind, ["rows", *shape])


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (TensorProto.FLOAT, "float32"),
        (TensorProto.DOUBLE, "float64"),
        (TensorProto.INT64, "int64"),
    ],
)
@pytest.mark.parametrize("form", ["file", "object"])
def test_onnx_with_one_input_takes_its_own_dtype(
    start: Start, tmp_path: Path, kind: int, dtype: str, form: str
) -> None:
    graph = _graph(
        [_tensor("x", kind, 3)],
        [_tensor("y", kind, 3)],
        [helper.make_node("Add", ["x", "x"], ["y"])],
    )
    given: Any = graph
    if form == "file":
        given = tmp_path / "graph.onnx"
        onnx.save(graph, given)
    X = (
        _RANDOM.integers(-(2**60), 2**60, (4, 3))
        if dtype == "int64"
        else _RANDOM.normal(size=(4, 3))
    )
    got, engine = _served(start, tmp_path, given, X.astype(dtype))
    _same(got, X.astype(dtype) * 2)
    assert engine == "onnx"


def test_onnx_without_an_example_tells_what_it_takes(start: Start, tmp_path: Path) -> None:
    graph = _graph(
        [_tensor("x", TensorProto.FLOAT, 2)],
        [_tensor("y", TensorProto.FLOAT, 2)],
        [helper.make_node("Neg", ["x"], ["y"])],
    )
    server = start(pack(graph, "neg", tmp_path / "b").folder)
    assert server.ask([[1.5, -2.0]]).result == [[-1.5, 2.0]]
    assert server.ask([["a", 1.0]]).error["code"] == "value_mistyped"


def test_onnx_with_many_inputs_takes_a_table_and_names_its_outputs(
    start: Start, tmp_path: Path
) -> None:
    nodes = [
        helper.make_node("Add", ["a", "b"], ["total"]),
        helper.make_node("Identity", ["city"], ["where"]),
        helper.make_node("Not", ["old"], ["young"]),
    ]
    one = [_tensor("a", TensorProto.DOUBLE, 1), _tensor("b", TensorProto.DOUBLE, 1)]
    more = [_tensor("city", TensorProto.STRING), _tensor("old", TensorProto.BOOL)]
    out = [
        _tensor("total", TensorProto.DOUBLE, 1),
        _tensor("where", TensorProto.STRING),
        _tensor("young", TensorProto.BOOL),
    ]
    rows = pd.DataFrame(
        {"a": [0.1, 2.0], "b": [1, 2], "city": ["Kraków", ""], "old": [True, False]}
    )
    server = start(
        pack(_graph([*one, *more], out, nodes), "g", tmp_path / "b", example=rows).folder
    )
    told = server.ask(rows.to_dict("records")).result
    assert told == {"total": [[1.1], [4.0]], "where": ["Kraków", ""], "young": [False, True]}
    assert server.ask({**rows.iloc[0].to_dict()}, {"method": "total"}).result == [[1.1]]
    unknown = server.ask(rows.to_dict("records"), {"method": "nothing"})
    assert unknown.error["code"] == "method_unknown"
