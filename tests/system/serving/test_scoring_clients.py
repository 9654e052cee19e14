"""MLflow's and vetiver's own clients, requests and curl, unmodified, against a real server."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
import vetiver
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from sklearn.linear_model import LinearRegression

from mlkraken_client._pack import pack
from tests.system.serving._server import Server

DIGITS = 1e-9
"""What pandas' to_json, with which vetiver's client writes, keeps of a number."""


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scoring")


@pytest.fixture(scope="module")
def birds(pipeline: Path, logs: Path) -> Iterator[Server]:
    """A pipeline over a frame of strings and numbers, some of them missing."""
    server = Server(pipeline, logs / "birds.log")
    yield server
    server.end()


@pytest.fixture(scope="module")
def line() -> LinearRegression:
    return LinearRegression().fit(np.random.default_rng(1).normal(size=(20, 3)), np.arange(20.0))


@pytest.fixture(scope="module")
def numbers(line: LinearRegression, logs: Path) -> Iterator[Server]:
    """A regression over a matrix."""
    bundle = pack(line, "line", logs / "line", example=np.zeros((2, 3)))
    server = Server(bundle.folder, logs / "line.log")
    yield server
    server.end()


def url(server: Server, path: str = "") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


# -- MLflow -------------------------------------------------------------------------------------


@pytest.mark.client("mlflow ScoringServerClient", "wait_server_ready, ping, get_version")
def test_mlflow_s_client_finds_the_server_ready(birds: Server) -> None:
    client = ScoringServerClient("127.0.0.1", birds.port)
    client.wait_server_ready(timeout=20)
    client.ping()
    assert client.get_version().count(".") == 2


@pytest.mark.client("mlflow ScoringServerClient", "invoke a DataFrame with missing values")
def test_mlflow_s_client_gets_what_the_model_predicts(
    birds: Server, penguins: tuple[Any, Any]
) -> None:
    model, X = penguins
    answer = ScoringServerClient("127.0.0.1", birds.port).invoke(X)
    assert answer["predictions"] == model.predict(X).tolist()
    assert answer.get_predictions()[0].tolist() == model.predict(X).tolist()


@pytest.mark.client("mlflow ScoringServerClient", "invoke with params.method")
def test_mlflow_s_client_asks_for_probabilities(birds: Server, penguins: tuple[Any, Any]) -> None:
    model, X = penguins
    client = ScoringServerClient("127.0.0.1", birds.port)
    answer = client.invoke(X.head(3), params={"method": "predict_proba"})
    assert np.array_equal(answer.get_predictions("ndarray"), model.predict_proba(X.head(3)))


@pytest.mark.client("mlflow ScoringServerClient", "invoke an array, bit for bit")
def test_mlflow_s_client_sends_an_array(numbers: Server, line: LinearRegression) -> None:
    X = np.random.default_rng(2).normal(size=(50, 3))
    answer = ScoringServerClient("127.0.0.1", numbers.port).invoke(X)
    assert np.array_equal(answer.get_predictions("ndarray"), line.predict(X))


@pytest.mark.client("mlflow ScoringServerClient", "a refusal")
def test_mlflow_s_client_shows_why_it_was_refused(birds: Server) -> None:
    client = ScoringServerClient("127.0.0.1", birds.port)
    with pytest.raises(Exception, match=r"400.*INVALID_PARAMETER_VALUE.*columns_missing"):
        client.invoke(pd.DataFrame({"island": ["Torgersen"]}))


# -- vetiver ------------------------------------------------------------------------------------


@pytest.mark.client("vetiver (Python)", "predict a DataFrame")
def test_vetiver_s_client_sends_a_frame(birds: Server, penguins: tuple[Any, Any]) -> None:
    model, X = penguins
    endpoint = vetiver.vetiver_endpoint(url(birds, "/predict"))
    answer = vetiver.predict(endpoint, X)
    assert answer["predict"].tolist() == model.predict(X).tolist()


@pytest.mark.client("vetiver (Python)", "predict a Series, a dict, a list")
def test_vetiver_s_client_sends_single_rows(
    birds: Server, numbers: Server, penguins: tuple[Any, Any], line: LinearRegression
) -> None:
    model, X = penguins
    row = X.iloc[0].drop("year")
    row["year"] = int(X["year"].iloc[0])
    for data in (row, row.to_dict()):
        answer = vetiver.predict(url(birds, "/predict"), data)
        assert answer["predict"].tolist() == model.predict(X.head(1)).tolist()
    answer = vetiver.predict(url(numbers, "/predict"), [[1.0, 2.0, 3.0]])
    assert answer["predict"].tolist() == pytest.approx(line.predict([[1, 2, 3]]), rel=DIGITS)


@pytest.mark.client("vetiver (Python)", "a TypeError for rows of another type")
def test_vetiver_s_client_raises_a_type_error(birds: Server, penguins: tuple[Any, Any]) -> None:
    wrong = penguins[1].head(1).assign(bill_length_mm="long")
    with pytest.raises(TypeError, match=r"bill_length_mm.*not a number"):
        vetiver.predict(url(birds, "/predict"), wrong)


@pytest.mark.client("requests", "vetiver: ping, metadata, prototype")
def test_a_vetiver_server_s_pages_are_there(birds: Server, penguins: tuple[Any, Any]) -> None:
    assert requests.get(url(birds, "/ping"), timeout=20).json()["ping"] == "pong"
    metadata = requests.get(url(birds, "/metadata"), timeout=20).json()
    assert vetiver.VetiverMeta.from_dict(metadata).version == "1"
    prototype = requests.get(url(birds, "/prototype"), timeout=20).json()
    assert list(prototype["properties"]) == list(penguins[1])


# -- requests and curl ----------------------------------------------------------------------------


@pytest.mark.client("requests", "MLflow: JSON, JSON lines; SageMaker: numpy files, CSV answers")
def test_requests_sends_every_type(numbers: Server, line: LinearRegression) -> None:
    X = np.random.default_rng(3).normal(size=(4, 3))
    wanted = line.predict(X)
    array = io.BytesIO()
    np.save(array, X)
    bodies = {
        "application/json": json.dumps({"inputs": X.tolist()}).encode(),
        "application/jsonlines": "\n".join(map(json.dumps, X.tolist())).encode(),
        "application/x-npy": array.getvalue(),
    }
    for kind, body in bodies.items():
        headers = {"Content-Type": kind}
        answer = requests.post(url(numbers, "/invocations"), body, headers=headers, timeout=20)
        assert np.array_equal(answer.json()["predictions"], wanted), kind
        headers |= {"Accept": "text/csv", "X-Amzn-SageMaker-Custom-Attributes": "trace=1"}
        answer = requests.post(url(numbers, "/invocations"), body, headers=headers, timeout=20)
        assert answer.headers["content-type"] == "text/csv"
        assert answer.headers["x-amzn-sagemaker-custom-attributes"] == "trace=1"
        assert [float(text) for text in answer.text.split()] == wanted.tolist()


@pytest.mark.client("requests", "MLflow: CSV and Parquet with missing values")
def test_requests_sends_tables(birds: Server, penguins: tuple[Any, Any]) -> None:
    model, X = penguins
    bodies = {
        "text/csv": X.to_csv(index=False).encode(),
        "application/vnd.apache.parquet": X.to_parquet(),
    }
    for kind, body in bodies.items():
        headers = {"Content-Type": kind}
        answer = requests.post(url(birds, "/invocations"), body, headers=headers, timeout=20)
        assert answer.json()["predictions"] == model.predict(X).tolist(), kind


@pytest.mark.client("curl", "MLflow: --data without a Content-Type of its own, --compressed")
def test_curl_needs_no_header(numbers: Server, line: LinearRegression) -> None:
    body = json.dumps({"instances": [[1, 2, 3]] * 500})
    command = ["curl", "-sf", "--compressed", "-d", "@-", url(numbers, "/invocations")]
    done = subprocess.run(command, input=body.encode(), capture_output=True, check=True)
    predictions = json.loads(done.stdout)["predictions"]
    assert predictions == pytest.approx(line.predict([[1, 2, 3]] * 500).tolist(), rel=DIGITS)


@pytest.mark.client("curl", "MLflow: a refusal, 405 with Allow, 415")
def test_what_is_refused_is_told_in_mlflow_s_words(numbers: Server) -> None:
    answer = requests.get(url(numbers, "/invocations"), timeout=20)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error_code"] == "BAD_REQUEST"
    command = ["curl", "-s", "-w", "%{http_code}", "-d", "[[1,2,3]]", url(numbers, "/invocations")]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.endswith("400")
    assert "dataframe_split" in done.stdout
    html = {"Content-Type": "text/html"}
    answer = requests.post(url(numbers, "/invocations"), b"<p>", headers=html, timeout=20)
    assert (answer.status_code, answer.json()["error_code"]) == (415, "BAD_REQUEST")


@pytest.mark.client("requests", "MLflow: with a token")
def test_a_service_with_a_token_tells_who_has_none(pipeline: Path, logs: Path) -> None:
    server = Server(pipeline, logs / "token.log", "--token-env=SECRET", SECRET="s3cret")
    try:
        answer = requests.post(url(server, "/invocations"), json={"inputs": []}, timeout=20)
        assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")
        assert requests.get(url(server, "/ping"), timeout=20).status_code == 200
        assert requests.get(url(server, "/prototype"), timeout=20).status_code == 401
        good = {"Authorization": "Bearer s3cret"}
        assert requests.get(url(server, "/prototype"), headers=good, timeout=20).ok
    finally:
        server.end()
