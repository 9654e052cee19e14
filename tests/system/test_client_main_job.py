"""The main job by the Python client, on real processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlkraken_client import InputRefused, Kraken, NotFound, ServiceNotRunning, Version


def test_deploy_query_stop_start_new_version_and_back(kraken: Kraken, penguins: Any) -> None:
    model, X = penguins
    service = kraken.deploy(
        model, "penguins", example=X.head(), description="birds", tags={"a": "b"}
    )
    assert service.state == "running"

    answers = service.predict(X)
    expected = model.predict(X)
    assert type(answers) is type(expected)
    assert answers.dtype == expected.dtype
    assert (answers == expected).all()

    odds = service.predict(X, method="predict_proba")
    assert odds.tobytes() == model.predict_proba(X).tobytes()
    with pytest.raises(InputRefused) as refused:
        service.predict(X, method="set_params")
    assert refused.value.code == "method_unknown"
    assert "predict_proba" in refused.value.hint

    told = service.query(json.loads(X.iloc[[0]].to_json(orient="records"))[0], trace="t-1")
    assert told["result"] == [expected[0]]
    meta = told["metaData"]
    assert (meta["modelId"], meta["version"], meta["trace"]) == ("penguins", 1, "t-1")
    assert meta["digest"] == kraken["penguins"].versions[0].digest

    service.stop()
    assert service.state == "stopped"
    with pytest.raises(ServiceNotRunning) as caught:
        service.predict(X)
    assert caught.value.code == "service_stopped"
    assert "service.start()" in caught.value.hint
    service.start()
    assert (service.predict(X) == expected).all()

    other = type(model)(model.steps).set_params(logisticregression__C=0.001)
    second_model = pickle_copy(other).fit(X, expected)
    second = kraken.deploy(second_model, "penguins", example=X.head())
    assert second.version == 2
    assert kraken["penguins"].versions == [1, 2]
    assert kraken["penguins"].live.version == 2
    assert (kraken["penguins"].predict(X) == second_model.predict(X)).all()
    assert kraken["penguins"].predict(X, method="predict_proba").shape == (len(X), 3)

    kraken["penguins"].rollback()
    assert kraken["penguins"].live.version == 1
    assert (kraken["penguins"].predict(X) == expected).all()
    kraken["penguins"].promote(2)
    assert kraken["penguins"].aliases == {"live": 2}

    kraken.delete("penguins")
    assert "penguins" not in kraken
    with pytest.raises(NotFound):
        kraken["penguins"]


def pickle_copy(model: Any) -> Any:
    import pickle

    return pickle.loads(pickle.dumps(model))


def test_the_same_model_again_is_the_same_version_and_told_so(
    shared_kraken: Kraken, penguins: Any
) -> None:
    model, X = penguins
    first = shared_kraken.deploy(model, "twice", example=X.head())
    second = shared_kraken.deploy(model, "twice", example=X.head())
    assert (first.version, second.version) == (1, 1)
    assert shared_kraken["twice"].versions == [1]


def test_a_stopped_version_deployed_again_runs_again(shared_kraken: Kraken) -> None:
    def twice(xs: list) -> list:
        return [2 * x for x in xs]

    shared_kraken.deploy(twice, "again", example=[1.0]).stop()
    service = shared_kraken.deploy(twice, "again", example=[1.0])
    assert (service.version, service.predict([4.0])) == (1, [8.0])


def test_functions_classes_and_closures_travel_by_value(shared_kraken: Kraken) -> None:
    rate = 3

    class Scaler:
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def predict(self, frame: pd.DataFrame) -> pd.Series:
            return frame["x"] * self.factor * rate

    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"])
    service = shared_kraken.deploy(Scaler(2.0), "scaler", example=frame)
    answer = service.predict(frame)
    pd.testing.assert_series_equal(answer, Scaler(2.0).predict(frame))
    by_row = shared_kraken.deploy(
        lambda row: row["a"] + row["b"], "adder", example={"a": 1, "b": 2}
    )
    assert by_row.predict({"a": 40, "b": 2}) == 42


def test_a_model_without_an_example_takes_what_it_is_given(shared_kraken: Kraken) -> None:
    def shape(data: Any) -> Any:
        return [type(data).__name__, len(data)]

    service = shared_kraken.deploy(shape, "shapeless")
    assert service.predict(pd.DataFrame({"x": [1.0, 2.0]})) == ["DataFrame", 2]
    assert service.predict(np.zeros(3)) == ["ndarray", 3]
    assert service.predict([1, 2, 3, 4]) == ["list", 4]
    assert service.query({"a": 1})["result"] == ["dict", 1]


def test_local_modules_travel_along(shared_kraken: Kraken, tmp_path: Path) -> None:
    (tmp_path / "kraken_prices.py").write_text(
        "import kraken_rates\ndef price(xs):\n    return [kraken_rates.RATE * x for x in xs]\n"
    )
    (tmp_path / "kraken_rates.py").write_text("RATE = 5\n")
    script = (
        "from mlkraken_client import Kraken\nimport kraken_prices, sys\n"
        "s = Kraken(home=sys.argv[1]).deploy(kraken_prices.price, 'prices', example=[1.0])\n"
        "print(s.predict([2.0]))\n"
    )
    home = str(shared_kraken.connection.target.home)
    done = subprocess.run(
        [sys.executable, "-c", script, home],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "[10.0]", done.stderr


def test_xgboost_and_lightgbm_models_answer_as_in_the_notebook(
    shared_kraken: Kraken, penguins: Any
) -> None:
    import lightgbm
    import xgboost

    _, X = penguins
    numbers = X.select_dtypes("number")
    y = (numbers["body_mass_g"].fillna(0) > 4000).astype(int)
    for name, model in (
        ("xgb", xgboost.XGBClassifier(n_estimators=5).fit(numbers, y)),
        ("lgbm", lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(numbers, y)),
    ):
        service = shared_kraken.deploy(model, name, example=numbers.head())
        np.testing.assert_array_equal(service.predict(numbers), model.predict(numbers))
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(numbers, y), 3)
    service = shared_kraken.deploy(booster, "booster", example=numbers.head())
    np.testing.assert_array_equal(
        service.predict(numbers), booster.predict(xgboost.DMatrix(numbers))
    )


def test_an_mlflow_folder_is_served(shared_kraken: Kraken, tmp_path: Path) -> None:
    import mlflow.pyfunc

    class Doubler(mlflow.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
            return model_input["x"] * 2

    folder = tmp_path / "model"
    mlflow.pyfunc.save_model(str(folder), python_model=Doubler(), pip_requirements=[])
    example = pd.DataFrame({"x": [1.0, 2.0]})
    service = shared_kraken.deploy(folder, "from-mlflow", example=example)
    assert list(service.predict(example)) == [2.0, 4.0]


def test_addresses_and_headers_work_for_everyone_else(shared_kraken: Kraken) -> None:
    def negate(xs: list) -> list:
        return [-x for x in xs]

    service = shared_kraken.deploy(negate, "plain", example=[1.0])
    model = shared_kraken["plain"]
    body = json.dumps({"modelData": [7.0], "metaData": {"modelId": "plain"}}).encode()
    backend = shared_kraken.connection.url
    for url, headers in (
        (service.url, service.headers()),
        (f"{service.url}/predict", service.headers()),
        (model.url, model.headers()),
        (f"{backend}/api/v1/query", model.headers()),
    ):
        request = urllib.request.Request(url, body, dict(headers))
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["result"] == [-7.0]


def test_the_printed_curl_command_answers_and_holds_no_secret(
    shared_kraken: Kraken, penguins: Any
) -> None:
    model, X = penguins
    service = shared_kraken.deploy(model, "curled", example=X.head())
    command = service.curl()
    token = (Path(str(shared_kraken.connection.target.home)) / "token").read_text().strip()
    assert token not in command
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["result"] == [model.predict(X.head())[0]]


def test_response_times_hold_every_query(shared_kraken: Kraken) -> None:
    def wait(xs: list) -> list:
        import time

        time.sleep(0.05)
        return xs

    service = shared_kraken.deploy(wait, "timed", example=[1.0])
    sent = [service.query([float(n)])["metaData"]["requestId"] for n in range(5)]
    table = _times_with(service, 5)
    assert table["request_id"].tolist() == sent
    assert (table["status"] == 200).all()
    assert (table["rows"] == 1).all()
    assert (table["model_ms"] >= 50).all()
    assert (table["response_ms"] >= table["model_ms"]).all()
    assert table["sent_at"].is_monotonic_increasing


def _times_with(service: Any, count: int) -> pd.DataFrame:
    """Records are on disk 50 ms after the answer at the latest; ask until they are."""
    deadline = time.monotonic() + 5
    while True:
        table = service.response_times()
        if len(table) >= count or time.monotonic() > deadline:
            return table
        time.sleep(0.02)


def test_a_fresh_client_finds_the_models_again(shared_kraken: Kraken) -> None:
    def keep(xs: list) -> list:
        return xs

    shared_kraken.deploy(keep, "kept", example=[1.0])
    home = shared_kraken.connection.target.home
    script = (
        "from mlkraken_client import Kraken\nimport sys\n"
        "print(Kraken(home=sys.argv[1])['kept'].predict([3.0]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(home)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[3.0]"


def test_replicas_share_the_queries(shared_kraken: Kraken) -> None:
    def who(xs: list) -> list:
        import os

        return [os.getpid() for _ in xs]

    service = shared_kraken.deploy(who, "several", example=[1.0], replicas=2, batch=False)
    service.wait()
    assert len(service.endpoints) == 2
    assert len({service.predict([1.0])[0] for _ in range(6)}) == 2
    service.scale(replicas=1)


def test_deploying_without_waiting_and_without_starting(shared_kraken: Kraken) -> None:
    def idle(xs: list) -> list:
        return xs

    service = shared_kraken.deploy(idle, "later", example=[1.0], wait=False)
    assert service.wait(timeout=30).state == "running"
    other = shared_kraken.deploy(lambda xs: xs, "unstarted", example=[1.0], start=False)
    assert other.state == "stopped"
    assert shared_kraken["unstarted"].versions == [1]


def test_logs_show_what_the_model_prints(shared_kraken: Kraken) -> None:
    def chatty(xs: list) -> list:
        print("predicting", len(xs))
        return xs

    service = shared_kraken.deploy(chatty, "chatty", example=[1.0])
    service.predict([1.0, 2.0])
    assert "predicting 2" in service.logs()
    first = next(iter(service.logs(follow=True)))
    assert isinstance(first, str)


def test_a_version_goes_to_another_backend_with_the_same_digest(
    shared_kraken: Kraken, tmp_path: Path, penguins: Any
) -> None:
    from tests.conftest import end_backend

    model, X = penguins
    shared_kraken.deploy(model, "moving", example=X.head())
    there = Kraken(home=tmp_path / "there")
    try:
        service = shared_kraken.promote("moving", to=there)
        assert (service.predict(X) == model.predict(X)).all()
        here: Version = shared_kraken["moving"].versions[0]
        assert there["moving"].versions[0].digest == here.digest
    finally:
        end_backend(tmp_path / "there")


def test_models_are_listed_and_filtered(shared_kraken: Kraken) -> None:
    def f(xs: list) -> list:
        return xs

    shared_kraken.deploy(f, "listed-one", example=[1.0], tags={"team": "a"})
    shared_kraken.deploy(f, "listed-two", example=[1.0], description="the SECOND one")
    assert [model.name for model in shared_kraken.models("listed-")] == ["listed-one", "listed-two"]
    assert [model.name for model in shared_kraken.models("second")] == ["listed-two"]
    assert [model.name for model in shared_kraken.models(tag="team=a")] == ["listed-one"]
    assert "listed-one" in repr(shared_kraken.models())
