"""``mlflow.deployments`` with the target ``kraken``: from Python, and as MLflow's command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from mlflow.deployments import get_deploy_client
from mlflow.deployments.plugin_manager import DeploymentPlugins
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LinearRegression

from mlkraken_client import Kraken

X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.5, 0.25, 4.0]})

SAVED: Any = {
    "input_example": X,
    "pip_requirements": [],
    "serialization_format": "cloudpickle",
}


@pytest.fixture(scope="module")
def fitted() -> LinearRegression:
    return LinearRegression().fit(X, [1.0, 2.0, 5.0])


@pytest.fixture(scope="module")
def folder(fitted: LinearRegression, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An MLflow model, saved with its example as MLflow advises."""
    path = tmp_path_factory.mktemp("mlflow") / "model"
    mlflow.sklearn.save_model(fitted, path, **SAVED)
    return str(path)


@pytest.fixture(scope="module")
def home(shared_kraken: Kraken) -> Iterator[str]:
    """The home of the backend that a client without an address finds."""
    shared_kraken.models()
    before = os.environ["MLKRAKEN_HOME"]
    os.environ["MLKRAKEN_HOME"] = str(shared_kraken.connection.target.home)
    yield os.environ["MLKRAKEN_HOME"]
    os.environ["MLKRAKEN_HOME"] = before


@pytest.fixture
def client(home: str) -> Any:
    return get_deploy_client("kraken")


def code_of(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(MlflowException) as caught:
        call(*arguments, **named)
    assert caught.value.message
    return str(caught.value.error_code)


@pytest.mark.client("mlflow.deployments", "create, get, list, update, predict, delete")
def test_a_deployment_lives_and_ends(
    client: Any, folder: str, fitted: LinearRegression, shared_kraken: Kraken
) -> None:
    made = client.create_deployment("plugin-a", folder, config={"memory": "1GB", "batch": "no"})
    assert made == {"name": "plugin-a", "flavor": "python_function"}
    told = client.get_deployment("plugin-a")
    assert (told["name"], told["state"], told["live_version"]) == ("plugin-a", "running", 1)
    assert "plugin-a" in [item["name"] for item in client.list_deployments()]
    answer = client.predict("plugin-a", X)
    assert np.array_equal(answer.get_predictions("ndarray"), fitted.predict(X))
    assert json.loads(answer.to_json()) == answer

    assert code_of(client.create_deployment, "plugin-a", folder) == "RESOURCE_ALREADY_EXISTS"
    other = LinearRegression().fit(X, [0.0, 0.0, 1.0])
    second = Path(folder).parent / "second"
    mlflow.sklearn.save_model(other, second, **SAVED)
    client.update_deployment("plugin-a", str(second))
    assert np.array_equal(client.predict("plugin-a", X)["predictions"], other.predict(X))
    assert np.array_equal(
        client.predict(endpoint="plugin-a", inputs=X)["predictions"], other.predict(X)
    )
    client.update_deployment("plugin-a", config={"replicas": "2"})
    assert shared_kraken["plugin-a"].live.describe()["replicas"] == 2

    client.delete_deployment("plugin-a")
    client.delete_deployment("plugin-a")
    assert code_of(client.get_deployment, "plugin-a") == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.client("mlflow.deployments", "predict with every kind of inputs; refusals")
def test_inputs_of_every_kind_are_sent(client: Any, folder: str, fitted: LinearRegression) -> None:
    client.create_deployment("plugin-b", folder)
    wanted = fitted.predict(X)
    rows = X.to_dict("records")
    for inputs in (
        X,
        X.to_numpy(),
        X.to_numpy().tolist(),
        {name: X[name].to_numpy() for name in X},
        {"dataframe_records": rows},
        {"instances": rows},
    ):
        assert np.array_equal(client.predict("plugin-b", inputs)["predictions"], wanted)
    one = client.predict("plugin-b@live", X.head(1))
    assert one["predictions"] == wanted[:1].tolist()

    create, cannot = client.create_deployment, "INVALID_PARAMETER_VALUE"
    assert code_of(client.predict, "plugin-b", X.rename(columns={"a": "z"})) == cannot
    assert code_of(create, "plugin-c", folder, flavor="spark") == cannot
    assert code_of(create, "plugin-c", folder, endpoint="e") == cannot
    assert code_of(create, "plugin-c", folder, config={"colour": "red"}) == cannot
    assert code_of(create, "plugin-c", folder, config={"replicas": "many"}) == cannot
    gone = "RESOURCE_DOES_NOT_EXIST"
    assert code_of(client.update_deployment, "plugin-c", folder) == gone
    assert code_of(client.predict, "plugin-c", X) == gone
    client.delete_deployment("plugin-b")


def mlflow_says(*words: str) -> str:
    command = [sys.executable, "-m", "mlflow", "deployments", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.client("mlflow deployments (command line)", "help, create, predict, get, delete")
@pytest.mark.usefixtures("home")
def test_mlflow_s_command_line_deploys(
    folder: str, fitted: LinearRegression, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.json"
    rows.write_text(X.to_json())
    assert "replicas" in mlflow_says("help", "-t", "kraken")
    name = ("-t", "kraken", "--name", "plugin-d")
    assert "plugin-d is created" in mlflow_says("create", *name, "-m", folder, "-C", "cpu=0.5")
    told = mlflow_says("predict", *name, "-I", str(rows))
    assert json.loads(told)["predictions"] == pytest.approx(fitted.predict(X).tolist())
    assert "state: running" in mlflow_says("get", *name)
    assert "is deleted" in mlflow_says("delete", *name)


def test_a_backend_can_be_named_in_the_target(shared_kraken: Kraken) -> None:
    plugin = DeploymentPlugins()["kraken"]
    connection = shared_kraken.connection
    os.environ["MLKRAKEN_TOKEN"] = connection.headers()["Authorization"].removeprefix("Bearer ")
    try:
        for target in (f"kraken:{connection.url}", f"kraken:/{connection.url}"):
            assert isinstance(plugin.KrakenDeploymentClient(target).list_deployments(), list)
        nowhere = code_of(plugin.KrakenDeploymentClient, "kraken:nowhere")
        assert nowhere == "INVALID_PARAMETER_VALUE"
    finally:
        del os.environ["MLKRAKEN_TOKEN"]
