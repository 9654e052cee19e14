"""Requests made from descriptions, by schemathesis: the service's own and the Open Inference one.

Whatever they hold, the answer is no failure of the server's own and JSON in the path's dialect.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from mlkraken_client._pack import pack
from tests.system.serving import _tabular
from tests.system.serving._server import BOUND_S, Server

OPEN_INFERENCE = Path(__file__).with_name("open_inference.json")
EXAMPLES_AN_OPERATION = 25
SETTINGS = settings(
    max_examples=EXAMPLES_AN_OPERATION,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
EXAMPLE = pd.DataFrame(
    {
        "x": [1.5, 2.5],
        "n": [1, 2],
        "s": ["a", "żółw"],
        "t": pd.to_datetime(["2026-01-01", "2026-01-02"]),
        "c": pd.Categorical(["u", "v"]),
    }
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server of a model that answers with what it was shown, so that it never fails."""
    folder = tmp_path_factory.mktemp("described")
    bundle = pack(_tabular.seen, "m", folder / "m", example=EXAMPLE).folder
    running = Server(bundle, folder / "log")
    yield running
    assert running.ask(EXAMPLE.astype({"t": str}).to_dict("records")).status == 200
    running.end()
    assert "unexpected failure" not in running.log
    assert "Traceback" not in running.log


def check_told(path: str, answer: Any) -> None:
    """Check the form of an answer: what failed is told as the path's protocol tells it."""
    status, body = answer.status_code, answer.content
    # 501 is how the protocol refuses to unload; no other status is the server's own fault.
    assert status < 500 or (status == 501 and path.endswith("/unload")), (path, status, body)
    json_told = answer.headers["content-type"] == ["application/json"]
    if status < 400:
        if json_told and path not in ("/version", "/ping"):  # which MLflow wants like this
            json.loads(body or b"null", parse_constant=pytest.fail)
        return
    assert json_told, (path, status, body)
    told = json.loads(body)
    if path.startswith(("/v1", "/v2")):
        assert list(told) == ["error"], told
        assert isinstance(told["error"], str)
    elif path.startswith("/invocations"):
        assert {"error_code", "message"} <= set(told), told
    else:
        assert {"code", "message", "hint", "request_id"} == set(told["error"]), told


def ask_all(server: Server, document: dict[str, Any]) -> int:
    """Ask what every operation of a document may be asked; return how many there are."""
    schema = schemathesis.openapi.from_dict(document)
    count = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        count += 1

        @given(case=operation.as_strategy())
        @SETTINGS
        def check(case: Any) -> None:
            for name in [*case.path_parameters]:
                if name == "model" and len(str(case.path_parameters[name])) % 2:
                    case.path_parameters[name] = "m"  # or the half that is told 404 tells little
            answer = case.call(base_url=f"http://127.0.0.1:{server.port}", timeout=BOUND_S)
            check_told(case.path, answer)

        check()
    return count


def test_the_service_takes_what_its_own_document_says(server: Server) -> None:
    document = server.get("/openapi.json").json
    document.pop("servers")
    assert ask_all(server, document) >= 20


def test_the_service_takes_what_the_open_inference_protocol_says(server: Server) -> None:
    assert ask_all(server, json.loads(OPEN_INFERENCE.read_text())) == 10
