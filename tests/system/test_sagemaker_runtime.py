"""boto3's ``sagemaker-runtime``, unmodified, against the backend's runtime route."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from mlkraken_client import Kraken
from tests.system._backend import V1, Api, api_of, token


@pytest.fixture(scope="module")
def api(shared_kraken: Kraken) -> Api:
    return api_of(shared_kraken.connection.target.home)


@pytest.fixture(scope="module")
def birds(shared_kraken: Kraken, penguins: tuple[Any, Any]) -> Any:
    model, X = penguins
    shared_kraken.deploy(model, "runtime-birds", example=X.head())
    return model, X


@pytest.fixture(scope="module")
def failing(shared_kraken: Kraken) -> Any:
    def fail(xs: list) -> list:
        raise ValueError(f"no answer to {len(xs)}") if xs[0] < 0 else SystemExit(3)

    return shared_kraken.deploy(fail, "runtime-fails", batch=False)


def runtime(api: Api, given: str | None = None) -> Any:
    return boto3.client(
        "sagemaker-runtime",
        endpoint_url=f"{api.url}/sagemaker",
        region_name="us-east-1",
        aws_access_key_id="kraken",
        aws_secret_access_key="kraken",
        aws_session_token=api.token if given is None else given,
        config=Config(retries={"total_max_attempts": 1}),
    )


def refused(call: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    assert answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["RequestId"]
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.client("boto3 sagemaker-runtime", "invoke_endpoint: JSON in and out")
@pytest.mark.parametrize("name", ["runtime-birds", "runtime-birds@1", "runtime-birds@live"])
def test_an_endpoint_is_a_model(api: Api, birds: Any, name: str) -> None:
    model, X = birds
    body = X.head(5).to_json(orient="split")
    answer = runtime(api).invoke_endpoint(
        EndpointName=name,
        ContentType="application/json",
        Body=f'{{"dataframe_split": {body}}}',
        CustomAttributes="trace=7",
    )
    assert json.load(answer["Body"])["predictions"] == model.predict(X.head(5)).tolist()
    assert answer["InvokedProductionVariant"] == "1"
    assert answer["ContentType"] == "application/json"
    assert answer["CustomAttributes"] == "trace=7"


@pytest.mark.client("boto3 sagemaker-runtime", "invoke_endpoint: numpy in and out, TargetVariant")
def test_numpy_files_pass_and_a_variant_is_a_version(api: Api, shared_kraken: Kraken) -> None:
    def double(xs: np.ndarray) -> np.ndarray:
        return xs * 2

    shared_kraken.deploy(double, "runtime-double", example=np.array([[1.0, 2.0]]))
    sent = io.BytesIO()
    np.save(sent, np.array([[0.1, 1e300]]))
    answer = runtime(api).invoke_endpoint(
        EndpointName="runtime-double",
        TargetVariant="1",
        ContentType="application/x-npy",
        Accept="application/x-npy",
        Body=sent.getvalue(),
    )
    got = np.load(io.BytesIO(answer["Body"].read()))
    assert np.array_equal(got, [[0.2, 2e300]])
    wrong = lambda: runtime(api).invoke_endpoint(  # noqa: E731
        EndpointName="runtime-double", TargetVariant="9", Body=b"{}"
    )
    assert refused(wrong) == ("ValidationError", 400)


@pytest.mark.client("boto3 sagemaker-runtime", "ModelError with status and message of the model")
@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"instances": [-1]}, 500, "no answer to 1"),
        ({"instances": [1]}, 500, "sys.exit"),
        ([1], 400, "dataframe_split"),
    ],
)
@pytest.mark.usefixtures("failing")
def test_a_failure_of_the_model_is_a_model_error(
    api: Api, body: Any, status: int, told: str
) -> None:
    client = runtime(api)
    with pytest.raises(client.exceptions.ModelError) as caught:
        client.invoke_endpoint(EndpointName="runtime-fails", Body=json.dumps(body))
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["OriginalStatusCode"] == status
    assert told in answer["Error"]["Message"]
    assert json.loads(answer["OriginalMessage"])["error_code"]
    assert answer["LogStreamArn"] == f"{V1}/models/runtime-fails/versions/1/service/logs"


@pytest.mark.client("boto3 sagemaker-runtime", "refusals: endpoint, credential, operation")
@pytest.mark.usefixtures("birds")
def test_what_cannot_be_is_told_in_the_words_of_the_api(api: Api, shared_kraken: Kraken) -> None:
    def invoke(name: str, given: str | None = None) -> tuple[str, int]:
        client = runtime(api, given)
        return refused(lambda: client.invoke_endpoint(EndpointName=name, Body=b"{}"))

    assert invoke("runtime-none") == ("ValidationError", 400)
    assert invoke("runtime-birds", "wrong") == ("UnrecognizedClientException", 401)
    assert invoke("runtime-birds", "") == ("UnrecognizedClientException", 401)
    limited = token(api, "runtime-limited", model="another")
    assert invoke("runtime-birds", limited.token) == ("AccessDeniedException", 403)
    stopped = shared_kraken.deploy(lambda xs: xs, "runtime-stopped", example=[1.0])
    stopped.stop()
    assert invoke("runtime-stopped") == ("ServiceUnavailable", 503)
    api.ask("POST", f"{V1}/models", {"name": "runtime-empty"})
    assert invoke("runtime-empty") == ("ModelNotReadyException", 429)
    asynchronous = lambda: runtime(api).invoke_endpoint_async(  # noqa: E731
        EndpointName="runtime-birds", InputLocation="s3://bucket/key"
    )
    assert refused(asynchronous) == ("ValidationError", 400)


@pytest.mark.usefixtures("birds")
def test_a_bearer_token_does_as_well_and_nothing_does_not(api: Api) -> None:
    path = "/sagemaker/endpoints/runtime-birds/invocations"
    assert api.ask("POST", path, {"instances": []}).status == 424
    for headers in (
        {},
        {"X-Amz-Security-Token": api.token},
        {"Authorization": "AWS4-HMAC-SHA256 "},
    ):
        answer = api.with_token(None).ask("POST", path, {"instances": []}, headers=headers)
        assert (answer.status, answer.headers["x-amzn-errortype"]) == (
            401,
            "UnrecognizedClientException",
        )
