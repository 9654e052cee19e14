"""MLflow's scoring protocol: every form of a body, by every kind of model."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlkraken_serving.protocols._mlflow import mlflow_pages
from mlkraken_serving.protocols._port import Reply, Service
from mlkraken_serving.protocols._sagemaker import InvocationsProtocol
from tests.unit.serving._asking import ask, query, service_of

TABLE = pd.DataFrame({"age": [41, 5], "city": ["Kraków", ""], "score": [1.5, np.nan]})
ROWS = [
    {"age": 41, "city": "Kraków", "score": 1.5},
    {"age": 5, "city": "", "score": None},
]
MATRIX = [[41, "Kraków", 1.5], [5, "", None]]
COLUMNS = {"age": [41, 5], "city": ["Kraków", ""], "score": [1.5, None]}


def told(frame: pd.DataFrame) -> Any:
    """Answer with what came in, and of which type it was."""
    if isinstance(frame, pd.DataFrame):
        return [[str(kind) for kind in frame.dtypes], frame.to_json(orient="values")]
    return [type(frame).__name__, np.asarray(frame).tolist()]


def asked(service: Service, body: Any, **headers: str) -> Reply:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return ask(InvocationsProtocol(service), service, query(body, named))


def predictions(service: Service, body: Any, **headers: str) -> Any:
    reply = asked(service, body, **headers)
    assert reply.status == 200, reply.body
    answer = json.loads(reply.body)
    assert list(answer) == ["predictions"]
    return answer["predictions"]


def refused(service: Service, body: Any, **headers: str) -> tuple[int, str, str]:
    reply = asked(service, body, **headers)
    error = json.loads(reply.body)
    assert list(error) == ["error_code", "message", "error_class"]
    assert error["message"]
    assert reply.content_type == b"application/json"
    return reply.status, error["error_code"], error["error_class"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return service_of(told, tmp_path_factory.mktemp("table"), example=TABLE)


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return service_of(told, tmp_path_factory.mktemp("m"), example=np.array([[1.0, 2.0]]))


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return service_of(told, tmp_path_factory.mktemp("unsigned"))


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["age", "city", "score"], "data": MATRIX}},
        {"dataframe_split": {"columns": list(TABLE), "index": [7, 8], "data": MATRIX}},
        {"dataframe_split": {"data": MATRIX}},
        {"dataframe_records": ROWS},
        {"dataframe_records": [ROWS[0], {"age": 5, "city": ""}]},
        {"instances": ROWS},
        {"instances": MATRIX},
        {"inputs": COLUMNS},
        {"inputs": {**COLUMNS, "beyond": [1, 2]}},
        {"dataframe_records": [{**row, "beyond": 1} for row in ROWS], "params": {}},
        {"dataframe_records": ROWS, "params": None},
    ],
)
def test_every_form_of_a_frame_is_the_same_to_the_model(table: Service, body: Any) -> None:
    assert predictions(table, body) == json.loads(json.dumps(told(TABLE)))


def test_a_literal_nan_is_read_and_null_is_written(tmp_path: Path) -> None:
    service = service_of(lambda x: x * 2, tmp_path, example=np.array([[1.0]]))
    assert predictions(service, b'{"inputs": [[NaN], [Infinity], [2]]}') == [[None], [None], [4.0]]


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [[1, 2.5]]},
        {"instances": [[1, 2.5]]},
        {"inputs": {"a": [1], "b": [2.5]}},
        {"inputs": {"tensor": [[1, 2.5]]}},
        {"instances": [{"a": 1, "b": 2.5}]},
        {"instances": [{"tensor": [1, 2.5]}]},
        {"dataframe_split": {"columns": [0, 1], "data": [[1, 2.5]]}},
        {"dataframe_records": [{"a": 1, "b": 2.5}]},
    ],
)
def test_every_form_of_a_matrix_is_the_same_to_the_model(matrix: Service, body: Any) -> None:
    assert predictions(matrix, body) == ["ndarray", [[1.0, 2.5]]]


def test_a_model_without_a_signature_gets_a_frame_of_inferred_types(unsigned: Service) -> None:
    kinds, cells = predictions(unsigned, {"dataframe_records": ROWS})
    assert kinds == [str(kind) for kind in TABLE.dtypes]
    assert json.loads(cells) == MATRIX
    assert predictions(unsigned, {"instances": [1, 2]}) == ["list", [1, 2]]


@pytest.mark.parametrize("data", [[3, 4], [[3], [4]]])
def test_a_list_of_numbers_takes_one_column(tmp_path: Path, data: Any) -> None:
    service = service_of(lambda xs: [x + 1 for x in xs], tmp_path, example=[1, 2])
    form = "instances" if data == [3, 4] else "dataframe_split"
    body = data if form == "instances" else {"columns": ["n"], "data": data}
    assert predictions(service, {form: body}) == [4, 5]


def test_rows_for_a_function_of_objects_stay_objects(tmp_path: Path) -> None:
    service = service_of(sorted, tmp_path, example={"b": 1})
    assert predictions(service, {"dataframe_records": [{"b": 2, "c": 3}]}) == [["b", "c"]]
    assert predictions(service, {"inputs": {"b": 2}}) == ["b"]


def test_a_body_for_language_models_is_answered_without_a_wrapping(unsigned: Service) -> None:
    service = unsigned
    reply = asked(service, {"messages": [{"role": "user", "content": "hi"}]})
    assert (reply.status, json.loads(reply.body)[0]) == (200, "dict")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (ROWS, "invocation_form"),
        (5, "invocation_form"),
        ({}, "invocation_form"),
        ({"instances": ROWS, "inputs": COLUMNS}, "invocation_form"),
        ({"dataframe_split": ROWS}, "split_form"),
        ({"dataframe_split": {"data": MATRIX, "dtype": "x"}}, "split_form"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": []}}, "split_form"),
        ({"dataframe_split": {"columns": [["a", "b"]], "data": []}}, "split_form"),
        ({"dataframe_split": {"columns": ["age"], "data": [[1, 2]]}}, "shape_mismatch"),
        ({"dataframe_records": COLUMNS}, "records_form"),
        ({"dataframe_records": []}, ""),
        ({"dataframe_records": [{"age": 1}]}, "columns_missing"),
        ({"instances": COLUMNS}, "instances_form"),
        ({"inputs": 5}, "model_data_form"),
        ({"inputs": {"age": [1], "city": ["a", "b"]}}, "columns_ragged"),
        ({"instances": ROWS, "params": []}, "params_form"),
        ({"instances": ROWS, "params": {"method": "fit"}}, "method_unknown"),
        ({"instances": ROWS, "params": {"temperature": 1}}, "params_unsupported"),
        ({"instances": [{**ROWS[0], "age": "old"}]}, "value_mistyped"),
        (b"{", "body_not_json"),
    ],
)
def test_a_body_that_is_not_what_it_should_be_is_refused(
    table: Service, body: Any, code: str
) -> None:
    if code:
        status, error_code, told = refused(table, body)
        assert (status, told) == (400, code)
        of_the_signature = code.startswith(("columns", "value", "shape", "model_data"))
        assert error_code == ("INVALID_PARAMETER_VALUE" if of_the_signature else "BAD_REQUEST")
    else:
        assert predictions(table, body)[1] == "[]"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "application/json; charset=utf-8",
        'application/JSON;charset="UTF-8"',
        "application/x-www-form-urlencoded",
        "application/octet-stream",
    ],
)
def test_json_needs_no_content_type(matrix: Service, content_type: str) -> None:
    headers = {"content_type": content_type} if content_type else {}
    assert predictions(matrix, {"inputs": [[1, 2]]}, **headers)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "image/png",
        "application/json; charset=latin-1",
        "application/json; format=pandas-split",
        "application/json;;x",
    ],
)
def test_other_types_are_refused_by_name(matrix: Service, content_type: str) -> None:
    wanted = (415, "BAD_REQUEST", "content_type_unsupported")
    assert refused(matrix, {"inputs": [[1, 2]]}, content_type=content_type) == wanted


def test_a_method_of_the_model_can_be_asked_for(tmp_path: Path) -> None:
    X, y = np.array([[0.0], [1.0], [2.0]]), ["a", "b", "c"]
    model = LogisticRegression().fit(X, y)
    service = service_of(model, tmp_path, example=X)
    body = {"inputs": X.tolist(), "params": {"method": "predict_proba"}}
    assert predictions(service, body) == model.predict_proba(X).tolist()
    assert predictions(service, {"inputs": X.tolist()}) == model.predict(X).tolist()


def test_answers_are_as_mlflow_writes_them(tmp_path: Path) -> None:
    from mlflow.pyfunc.scoring_server import predictions_to_json

    answers = [
        TABLE.dropna(),
        pd.Series([1.5, 2.5]),
        pd.Series(["a"], name="label"),
        np.array([[1, 2]], dtype="int8"),
        np.array(["a", "b"]),
        [1, "a", None],
        {"a": np.array([1.5])},
        3.25,
    ]
    service = service_of(lambda number: answers[number], tmp_path, example=0)
    for number, answer in enumerate(answers):
        written = io.StringIO()
        predictions_to_json(answer, written)
        reply = asked(service, {"inputs": number})
        assert (
            json.loads(reply.body)["predictions"] == json.loads(written.getvalue())["predictions"]
        )


def test_a_model_that_raises_is_answered_500_in_one_line(tmp_path: Path) -> None:
    def fails(rows: Any) -> Any:
        raise OSError(f"no file {Path('/home/someone/secret.txt')}")

    service = service_of(fails, tmp_path)
    reply = asked(service, {"instances": [1]})
    error = json.loads(reply.body)
    assert (reply.status, error["error_code"]) == (500, "INTERNAL_ERROR")
    assert "someone" not in error["message"]
    assert "Traceback" not in error["message"]


def test_ping_says_what_each_of_its_callers_looks_for(table: Service) -> None:
    pages = {page.path: page for page in mlflow_pages(table)}
    reply = pages["/ping"].answer(query(b""))
    assert (reply.status, json.loads(reply.body)["ping"]) == (200, "pong")
    assert pages["/ping"].open
    assert b"." in pages["/version"].answer(query(b"")).body
    starting = Service(table.identity, table.manifest, table.engine, lambda: {}, dict)
    (ping, _) = mlflow_pages(starting)
    assert ping.answer(query(b"")).status == 503


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """An MLflow model whose predict takes parameters, with the types it was logged with."""
    import mlflow.pyfunc
    from mlflow.models import infer_signature

    class Scaler(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input["x"] * params["factor"] + params["shift"]

    folder = tmp_path_factory.mktemp("tuned")
    frame = pd.DataFrame({"x": [1.0, 2.0]})
    signature = infer_signature(frame, frame["x"], params={"factor": 2.0, "shift": 0})
    mlflow.pyfunc.save_model(
        folder / "model", python_model=Scaler(), signature=signature, pip_requirements=[]
    )
    return service_of(folder / "model", folder / "bundle", example=frame)


@pytest.mark.parametrize(
    ("params", "wanted"),
    [(None, [2.0, 4.0]), ({"factor": 3.0}, [3.0, 6.0]), ({"factor": 0.5, "shift": 1}, [1.5, 2.0])],
)
def test_parameters_reach_an_mlflow_model(tuned: Service, params: Any, wanted: Any) -> None:
    body = {"inputs": {"x": [1.0, 2.0]}, **({} if params is None else {"params": params})}
    assert [row["x"] for row in predictions(tuned, body)] == wanted


@pytest.mark.parametrize(
    ("params", "code"),
    [({"factor": "much"}, "model_refused"), ({"colour": 1}, "params_unsupported")],
)
def test_parameters_of_another_kind_are_refused(tuned: Service, params: Any, code: str) -> None:
    body = {"inputs": {"x": [1.0]}, "params": params}
    status, _, told = refused(tuned, body)
    assert (status, told) == (400, code)


def test_a_sparse_matrix_goes_in_by_its_coordinates(tmp_path: Path) -> None:
    from scipy.sparse import csr_matrix

    example = csr_matrix(np.array([[0.0, 2.0], [1.0, 0.0]]))
    service = service_of(lambda xs: xs.toarray().sum(axis=1), tmp_path, example=example)
    matrix = {"shape": [2, 2], "row": [0, 1], "col": [1, 0], "data": [2.0, 1.5]}
    assert predictions(service, {"inputs": matrix}) == [2.0, 1.5]
