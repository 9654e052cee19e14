"""What passes the gateway below ``/m/{model}/`` is what would have come without it."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from typing import Any

import pytest
import urllib3
import vetiver

from mlkraken_client import Kraken
from tests.system._backend import Api, api_of

NUMBERS = [[float(row), 0.5] for row in range(200)]


@pytest.fixture(scope="module")
def api(shared_kraken: Kraken) -> Api:
    return api_of(shared_kraken.connection.target.home)


@pytest.fixture(scope="module")
def service(shared_kraken: Kraken) -> Any:
    import numpy as np

    def halved(xs: np.ndarray) -> np.ndarray:
        return xs / 2

    return shared_kraken.deploy(halved, "passing", example=np.array([[1.0, 2.0]]))


class Both:
    """Sends one request to the service itself and through the gateway."""

    def __init__(self, api: Api, service: Any) -> None:
        self._pool = urllib3.PoolManager(retries=False)
        self._direct = (service.url.rstrip("/"), service.headers()["Authorization"])
        self._gateway = (f"{api.url}/m/passing", f"Bearer {api.token}")

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        """Return the gateway's answer after a look whether the service's own is the same."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        own, passed = (
            self._pool.request(
                method,
                url + path,
                body=body,
                headers={"Authorization": token, "X-Request-Id": "q-1", **named},
                decode_content=False,
                timeout=20,
            )
            for url, token in (self._direct, self._gateway)
        )
        assert (passed.status, passed.data) == (own.status, own.data)
        kept = {name.lower() for name in own.headers} - {"date", "connection", "transfer-encoding"}
        assert {name: passed.headers.get(name) for name in kept} == {
            name: own.headers[name] for name in kept
        }
        return passed


@pytest.fixture(scope="module")
def both(api: Api, service: Any) -> Both:
    return Both(api, service)


def test_a_packed_body_goes_in_and_a_packed_answer_comes_out(both: Both) -> None:
    body = json.dumps({"inputs": NUMBERS}).encode()
    wanted = {"predictions": [[a / 2, b / 2] for a, b in NUMBERS]}
    for name, pack in (("gzip", gzip.compress), ("deflate", zlib.compress)):
        answer = both.ask(
            "POST", "/invocations", pack(body), Content_Encoding=name, Accept_Encoding=name
        )
        assert answer.headers["content-encoding"] == name
        unpack = gzip.decompress if name == "gzip" else zlib.decompress
        assert json.loads(unpack(answer.data)) == wanted
    plain = both.ask("POST", "/invocations", body, Accept_Encoding="identity")
    assert "content-encoding" not in plain.headers
    assert json.loads(plain.data) == wanted


def test_binary_tensors_keep_their_header_in_both_directions(both: Both) -> None:
    tensor = struct.pack("<2d", 3.0, 5.0)
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "input",
                    "shape": [1, 2],
                    "datatype": "FP64",
                    "parameters": {"binary_data_size": len(tensor)},
                }
            ],
            "parameters": {"binary_data_output": True},
        }
    ).encode()
    name = json.loads(both.ask("GET", "/v2/models/passing").data)["inputs"][0]["name"]
    head = head.replace(b'"input"', json.dumps(name).encode())
    answer = both.ask(
        "POST",
        "/v2/models/passing/infer",
        head + tensor,
        Inference_Header_Content_Length=str(len(head)),
    )
    assert answer.status == 200, answer.data
    size = int(answer.headers["inference-header-content-length"])
    assert struct.unpack("<2d", answer.data[size:]) == (1.5, 2.5)


def test_a_body_whose_sender_names_no_type_keeps_none(both: Both) -> None:
    assert both.ask("POST", "/invocations", b'{"inputs": [[1, 2]]}').status == 200
    assert both.ask("POST", "/predict", b"[[1, 2]]").status == 200


def test_custom_attributes_and_the_asked_type_come_back(both: Both) -> None:
    answer = both.ask(
        "POST",
        "/invocations",
        b'{"inputs": [[1, 2]]}',
        Accept="text/csv",
        X_Amzn_SageMaker_Custom_Attributes="a=1; b",
    )
    assert answer.headers["x-amzn-sagemaker-custom-attributes"] == "a=1; b"
    assert answer.headers["content-type"] == "text/csv"
    assert answer.data == b"0.5,1.0\n"


@pytest.mark.client("vetiver (Python)", "predict through the gateway, with a token")
@pytest.mark.usefixtures("service")
def test_vetiver_s_client_passes_the_gateway(api: Api) -> None:
    answer = vetiver.predict(
        f"{api.url}/m/passing/predict",
        [[1.0, 2.0]],
        headers={"Authorization": f"Bearer {api.token}"},
    )
    assert answer["predict"].tolist() == [[0.5, 1.0]]


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/invocations", None, {}, 405),
        ("POST", "/invocations", b"<p>", {"Content-Type": "text/html"}, 415),
        ("POST", "/invocations", b"x", {"Content-Encoding": "br"}, 415),
        ("POST", "/invocations", b"", {}, 400),
        ("POST", "/v2/models/other/infer", b"{}", {}, 404),
        ("GET", "/nowhere%2Fat all?x=%20".replace(" ", "%20"), None, {}, 404),
        ("GET", "/prototype", None, {}, 200),
        ("GET", "/version", None, {}, 200),
        ("HEAD", "/version", None, {}, 200),
    ],
)
def test_every_status_passes_with_its_own_words(
    both: Both, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int
) -> None:
    assert both.ask(method, path, body, **headers).status == status
