"""NVIDIA's Triton client, unmodified, below the gateway's prefix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from mlkraken_client import Kraken
from tests.system._backend import Api, api_of
from tests.system.serving import _tabular

X = _tabular.FEATURES[:5]


@pytest.fixture(scope="module")
def api(shared_kraken: Kraken) -> Api:
    shared_kraken.deploy(_tabular.classifier(), "triton-classes", example=X)
    return api_of(shared_kraken.connection.target.home)


@pytest.fixture
def client(api: Api) -> Iterator[triton.InferenceServerClient]:
    host = api.url.removeprefix("http://")
    with triton.InferenceServerClient(f"{host}/m/triton-classes") as client:
        yield client


@pytest.mark.client("tritonclient (http)", "all of it below the gateway's prefix, with a token")
def test_the_gateway_passes_everything_on(client: Any, api: Api) -> None:
    held = {"Authorization": f"Bearer {api.token}"}
    assert client.is_server_live(headers=held)
    assert client.is_model_ready("triton-classes", "1", headers=held)
    assert client.get_model_metadata("triton-classes", headers=held)["versions"] == ["1"]
    tensor = triton.InferInput("value", list(X.shape), "FP64")
    tensor.set_data_from_numpy(X)
    for version, compression in (("", None), ("live", "gzip"), ("1", "deflate")):
        answer = client.infer(
            "triton-classes",
            [tensor],
            version,
            headers=dict(held),  # the client writes into it
            request_compression_algorithm=compression,
            response_compression_algorithm=compression,
        )
        wanted = _tabular.classifier().predict_proba(X)
        assert answer.as_numpy("probabilities").tobytes() == wanted.tobytes()
    with pytest.raises(InferenceServerException, match="model_not_here"):
        client.infer("other", [tensor], headers=held)


def test_who_has_no_token_is_told_so_in_the_client_s_words(client: Any) -> None:
    with pytest.raises(InferenceServerException) as caught:
        client.get_server_metadata()
    assert "401" in str(caught.value.status())
