"""The target ``kraken`` of ``mlflow deployments``; only MLflow imports this module.

::

    mlflow deployments create -t kraken --name churn -m models:/churn/3 -C replicas=2
    mlflow deployments predict -t kraken --name churn -I rows.json
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from mlflow.artifacts import download_artifacts
from mlflow.deployments import BaseDeploymentClient, PredictionsResponse
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS

from mlkraken_client._errors import NotFound
from mlkraken_client._kraken import Kraken
from mlkraken_client._mlflow_terms import (
    OPTIONS,
    body_of,
    invalid,
    options_of,
    refusal,
    translated,
)
from mlkraken_client._transport import error_from

__all__ = ["KrakenDeploymentClient", "run_local", "target_help"]

_FLAVOR = "python_function"
_SIZE = ("cpu", "memory", "replicas", "workers", "deadline")
_PREDICT_S = 60.0


class KrakenDeploymentClient(BaseDeploymentClient):
    """Deploys MLflow models as services of ML-Kraken; a deployment is a model of that name.

    Parameters
    ----------
    target_uri
        ``kraken``, or ``kraken:BACKEND`` with what `Kraken` takes: a URL, ``embedded``, or a name
        in the configuration file.
    """

    def __init__(self, target_uri: str) -> None:
        super().__init__(target_uri)  # type: ignore[no-untyped-call]
        with translated():
            self._kraken = Kraken(target_uri.partition(":")[2].lstrip("/") or None)

    def create_deployment(
        self,
        name: str,
        model_uri: str,
        flavor: str | None = None,
        config: Mapping[str, Any] | None = None,
        endpoint: str | None = None,
    ) -> dict[str, Any]:
        """Deploy a model under a new name.

        Parameters
        ----------
        name
            Name of the deployment.
        model_uri
            ``models:/``, ``runs:/``, a path or a URL, as MLflow takes them.
        flavor
            ``python_function``, which every model has, or None.
        config
            Options of `Kraken.deploy`; see `target_help`.
        endpoint
            Not used here: every deployment has an address of its own.

        Raises
        ------
        MlflowException
            ``RESOURCE_ALREADY_EXISTS``, or what the `KrakenError` stands for.
        """
        _check(flavor, endpoint)
        with translated():
            if name in self._kraken:
                raise MlflowException(
                    f"There is a deployment {name!r}; update it.", RESOURCE_ALREADY_EXISTS
                )
            self._deploy(model_uri, name, options_of(config))
        return {"name": name, "flavor": _FLAVOR}

    def update_deployment(
        self,
        name: str,
        model_uri: str | None = None,
        flavor: str | None = None,
        config: Mapping[str, Any] | None = None,
        endpoint: str | None = None,
    ) -> dict[str, Any]:
        """Deploy a new version, which takes over once it answers; without a model change its size.

        Raises
        ------
        MlflowException
            ``RESOURCE_DOES_NOT_EXIST``, or what the `KrakenError` stands for.
        """
        _check(flavor, endpoint)
        options = options_of(config)
        with translated():
            model = self._kraken[name]
            if model_uri is not None:
                self._deploy(model_uri, name, options)
            else:
                model.live.start(**{key: options[key] for key in _SIZE if key in options})
        return {"name": name, "flavor": _FLAVOR}

    def _deploy(self, model_uri: str, name: str, options: Mapping[str, Any]) -> None:
        """Deploy with the example that the model was logged with, which tells the types."""
        folder = download_artifacts(artifact_uri=model_uri)
        example = Model.load(folder).load_input_example(folder)
        self._kraken.deploy(folder, name, example=example, **options, quiet=True)

    def delete_deployment(
        self, name: str, config: Mapping[str, Any] | None = None, endpoint: str | None = None
    ) -> None:
        """Stop a deployment and remove it with all its versions; one that is gone is no error."""
        with translated(), contextlib.suppress(NotFound):
            self._kraken.delete(name)

    def list_deployments(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Return all deployments; see `get_deployment`."""
        with translated():
            return [{**told, "flavor": _FLAVOR} for told in self._kraken.models().describe()]

    def get_deployment(self, name: str, endpoint: str | None = None) -> dict[str, Any]:
        """Return what the backend says of a deployment, and its stable address as ``url``.

        Raises
        ------
        MlflowException
            ``RESOURCE_DOES_NOT_EXIST``.
        """
        with translated():
            model = self._kraken[name]
            return {**model.describe(), "flavor": _FLAVOR, "url": f"{model.url}/invocations"}

    def predict(
        self,
        deployment_name: str | None = None,
        inputs: Any = None,
        endpoint: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> PredictionsResponse:
        """Ask a deployment.

        Parameters
        ----------
        deployment_name
            Its name, or ``name@alias`` or ``name@version``.
        inputs
            DataFrame, Series, array, list, dict of columns, or a body of the scoring protocol.
        endpoint
            Another word for ``deployment_name``.
        params
            Parameters of the model; ``method`` names another of its methods.

        Raises
        ------
        MlflowException
            What the deployment answered.
        """
        name = deployment_name or endpoint or ""
        with translated():
            connection = self._kraken.connection
            answer = connection.transport.send(
                "POST",
                f"{connection.url}/m/{name}/invocations",
                body=body_of(inputs, params),
                headers={**connection.headers(), "Content-Type": "application/json"},
                timeout_s=_PREDICT_S,
            )
            if answer.status >= 400:
                raise refusal(answer.data) or error_from(answer)
        return PredictionsResponse(json.loads(answer.data))


def run_local(
    target: str,
    name: str,
    model_uri: str,
    flavor: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Deploy a model on the embedded backend of this account, whatever the target's own is."""
    KrakenDeploymentClient("kraken:embedded").create_deployment(name, model_uri, flavor, config)


def target_help() -> str:
    """Return what ``mlflow deployments help -t kraken`` says."""
    return (
        "Target: kraken, or kraken:BACKEND with a URL, 'embedded', or a name in the configuration "
        "file. Without one: MLKRAKEN_URL, the configuration file, the embedded backend.\n"
        f"Config (-C name=value): {', '.join(OPTIONS)}; as Kraken.deploy takes them."
    )


def _check(flavor: str | None, endpoint: str | None) -> None:
    if flavor not in (None, _FLAVOR):
        raise invalid(f"kraken serves the flavor {_FLAVOR}, not {flavor}; leave --flavor out.")
    if endpoint is not None:
        raise invalid("kraken has no endpoints beside its deployments; leave --endpoint out.")
