"""The same bodies to MLflow's own scoring server and to ours: the same predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from mlkraken_serving.protocols._port import Service
from mlkraken_serving.protocols._sagemaker import InvocationsProtocol
from tests.unit.serving._asking import ask, query, service_of

FRAME = pd.DataFrame(
    {
        "x": [1.5, -2.25, 1e300],
        "n": [1, 2, 2**53 + 1],
        "flag": [True, False, True],
        "word": ["a", "", "żółw 🦀"],
    }
)
ROWS = FRAME.to_dict("records")
SPLIT = FRAME.to_dict("split")
BODIES: list[tuple[str, Any]] = [
    ("application/json", {"dataframe_split": SPLIT}),
    ("application/json", {"dataframe_split": {"columns": SPLIT["columns"], "data": SPLIT["data"]}}),
    ("application/json", {"dataframe_records": ROWS}),
    ("application/json", {"dataframe_records": ROWS[:1], "params": {}}),
    ("application/json; charset=utf-8", {"instances": ROWS}),
    ("application/json", {"inputs": FRAME.to_dict("list")}),
    ("application/json", {"dataframe_records": [{**row, "beyond": 1} for row in ROWS]}),
    ("text/csv", FRAME.to_csv(index=False).encode()),
    ("application/vnd.apache.parquet", FRAME.to_parquet()),
]
REFUSED: list[tuple[str, Any, int]] = [
    ("application/json", ROWS, 400),
    ("application/json", {"instances": ROWS, "inputs": ROWS}, 400),
    ("application/json", {}, 400),
    ("application/json", b"{", 400),
    ("application/json", {"dataframe_records": [{"x": 1.0}]}, 400),
    ("application/json", {"dataframe_split": {"data": SPLIT["data"], "dtype": 1}}, 400),
    ("application/json; charset=latin-1", {"instances": ROWS}, 415),
    ("application/json; format=pandas-split", {"instances": ROWS}, 415),
    ("text/html", b"<p>", 415),
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Service]:
    """MLflow's server in front of a model, and our service of the same folder."""
    import mlflow.pyfunc
    from mlflow.models import infer_signature
    from mlflow.pyfunc import scoring_server

    class Told(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            seen = model_input[["x", "n", "flag", "word"]]
            # Of CSV MLflow makes text an object column; we make it what the notebook had.
            kinds = str(list(map(str, seen.dtypes))).replace("object", "str")
            return seen.assign(doubled=seen["x"] * 2, kinds=kinds)

    folder: Path = tmp_path_factory.mktemp("both")
    model = Told()
    signature = infer_signature(FRAME, model.predict(None, FRAME))
    mlflow.pyfunc.save_model(
        folder / "model", python_model=model, signature=signature, pip_requirements=[]
    )
    theirs = scoring_server.init(mlflow.pyfunc.load_model(str(folder / "model")))
    return TestClient(theirs), service_of(folder / "model", folder / "bundle", example=FRAME)


def answers(both: tuple[Any, Service], kind: str, body: Any) -> tuple[Any, Any]:
    theirs, service = both
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": kind}
    reply = ask(InvocationsProtocol(service), service, query(raw, headers))
    return theirs.post("/invocations", content=raw, headers=headers), reply


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_what_mlflow_predicts_is_predicted(both: Any, kind: str, body: Any) -> None:
    theirs, ours = answers(both, kind, body)
    assert (theirs.status_code, ours.status) == (200, 200), (theirs.text, ours.body)
    as_json = json.loads(theirs.text, parse_constant=lambda literal: None)  # which NaN is not
    assert json.loads(ours.body) == as_json


@pytest.mark.parametrize(("kind", "body", "status"), REFUSED)
def test_what_mlflow_refuses_is_refused(both: Any, kind: str, body: Any, status: int) -> None:
    theirs, ours = answers(both, kind, body)
    assert (theirs.status_code, ours.status) == (status, status)
    if status == 400:
        assert json.loads(ours.body)["error_code"] == theirs.json()["error_code"]


def test_a_tensor_is_predicted_alike(tmp_path: Path) -> None:
    import mlflow.pyfunc
    from mlflow.models import infer_signature
    from mlflow.pyfunc import scoring_server

    class Summed(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return np.asarray(model_input).sum(axis=(1, 2))

    X = np.arange(12, dtype="float32").reshape(3, 2, 2)
    signature = infer_signature(X, np.zeros(3, "float32"))
    folder = tmp_path / "model"
    mlflow.pyfunc.save_model(
        folder, python_model=Summed(), signature=signature, pip_requirements=[]
    )
    theirs = TestClient(scoring_server.init(mlflow.pyfunc.load_model(str(folder))))
    service = service_of(folder, tmp_path / "bundle", example=X)
    for form in ("inputs", "instances"):
        found, reply = answers((theirs, service), "application/json", {form: X.tolist()})
        assert json.loads(reply.body) == found.json()
