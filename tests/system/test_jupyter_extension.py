"""The server extension in a real Jupyter server: authenticated, streaming, starting the backend."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from mlkraken_client import Kraken
from mlkraken_client._embedded import running
from tests.conftest import end_backend, processes_of

pytest_plugins = ("pytest_jupyter.jupyter_server",)


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {
        "ServerApp": {
            "jpserver_extensions": {"mlkraken_jupyter": True},
            "allow_unauthenticated_access": False,
        }
    }


@pytest.fixture(autouse=True)
def extension_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of the test's own, and the environment as it was: the extension sets variables."""
    home = tmp_path / "home"
    before = dict(os.environ)
    os.environ["MLKRAKEN_HOME"] = str(home)
    yield home
    os.environ.clear()
    os.environ.update(before)
    if processes_of(home):
        end_backend(home)


async def test_the_backend_is_started_by_the_first_call_only(
    jp_fetch: Any, extension_home: Path
) -> None:
    answer = await jp_fetch("mlkraken", "status")
    assert "version" in json.loads(answer.body)
    assert running(extension_home) is None
    answer = await jp_fetch("mlkraken", "api", "v1", "models")
    assert json.loads(answer.body) == {"models": [], "next_cursor": ""}
    found = running(extension_home)
    assert found is not None
    command = " ".join(processes_of(extension_home)[0].cmdline())
    assert f"--until={os.getpid()}" in command


async def test_kernels_of_this_server_find_the_same_backend(
    jp_fetch: Any, extension_home: Path
) -> None:
    await jp_fetch("mlkraken", "api", "v1", "models")
    assert os.environ["MLKRAKEN_UNTIL_PID"] == str(os.getpid())
    Kraken().deploy(lambda xs: xs, "from-kernel", example=[1.0])
    answer = await jp_fetch("mlkraken", "api", "v1", "models")
    (model,) = json.loads(answer.body)["models"]
    assert (model["name"], model["state"]) == ("from-kernel", "running")


async def test_every_verb_reaches_the_backend(jp_fetch: Any) -> None:
    async def call(method: str, *path: str, **document: Any) -> Any:
        body = json.dumps(document) if method in ("POST", "PUT", "PATCH") else None
        answer = await jp_fetch("mlkraken", "api", "v1", *path, method=method, body=body)
        return answer.code, json.loads(answer.body)

    assert (await call("POST", "models", name="made"))[0] == 201
    assert (await call("PATCH", "models", "made", description="by hand"))[1]["description"]
    assert (await call("GET", "models", "made"))[1]["description"] == "by hand"
    assert (await call("DELETE", "models", "made"))[0] == 202


async def test_errors_keep_the_backends_form_and_status(jp_fetch: Any) -> None:
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch("mlkraken", "api", "v1", "models", "nobody")
    assert caught.value.code == 404
    error = json.loads(caught.value.response.body)["error"]
    assert error["code"] == "model_not_found"
    assert error["request_id"]


async def test_queries_go_through_the_gateway(jp_fetch: Any) -> None:
    Kraken().deploy(lambda xs: [2 * x for x in xs], "doubler", example=[1.0])
    answer = await jp_fetch("mlkraken", "m", "doubler", method="POST", body='{"modelData": [4]}')
    assert json.loads(answer.body)["result"] == [8.0]


async def test_a_protocol_s_own_headers_pass_in_both_directions(jp_fetch: Any) -> None:
    Kraken().deploy(lambda xs: [2 * x for x in xs], "passed", example=[1.0])
    body = gzip.compress(json.dumps({"instances": [1.0] * 1000}).encode())
    answer = await jp_fetch(
        *("mlkraken", "m", "passed", "invocations"),
        method="POST",
        body=body,
        headers={
            "Content-Type": "application/json",  # Tornado would look into a form
            "Content-Encoding": "gzip",
            "Accept-Encoding": "gzip",
            "X-Amzn-SageMaker-Custom-Attributes": "a=1",
        },
        decompress_response=False,
    )
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["X-Amzn-SageMaker-Custom-Attributes"] == "a=1"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert json.loads(gzip.decompress(answer.body))["predictions"] == [2.0] * 1000

    tensor = struct.pack("<2d", 3.0, 5.0)
    (described,) = json.loads(
        (await jp_fetch("mlkraken", "m", "passed", "v2", "models", "passed")).body
    )["inputs"]
    given = {"shape": [2], "datatype": "FP64", "parameters": {"binary_data_size": len(tensor)}}
    asked = {
        "inputs": [{"name": described["name"], **given}],
        "parameters": {"binary_data_output": True},
    }
    head = json.dumps(asked).encode()
    answer = await jp_fetch(
        *("mlkraken", "m", "passed", "v2", "models", "passed", "infer"),
        method="POST",
        body=head + tensor,
        headers={
            "Content-Type": "application/octet-stream",
            "Inference-Header-Content-Length": str(len(head)),
        },
    )
    size = int(answer.headers["Inference-Header-Content-Length"])
    assert struct.unpack("<2d", answer.body[size:]) == (6.0, 10.0)


async def test_events_stream_as_they_happen(jp_fetch: Any) -> None:
    received: list[bytes] = []

    def take(chunk: bytes) -> None:
        received.append(chunk)
        if b"event: hello" in chunk:
            Kraken().deploy(lambda xs: xs, "streamed", example=[1.0], wait=False)
        if b"version.created" in b"".join(received):
            raise ConnectionAbortedError("seen enough")

    with pytest.raises((ConnectionAbortedError, HTTPClientError)):
        await jp_fetch(
            "mlkraken", "api", "v1", "events", streaming_callback=take, request_timeout=30
        )
    assert b"event: change" in b"".join(received)


@pytest.mark.parametrize("path", ["status", "api/v1/models", "m/some-model"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_nobody_passes_without_a_credential(
    jp_fetch: Any, extension_home: Path, path: str, method: str
) -> None:
    body = "{}" if method in ("POST", "PUT", "PATCH") else None
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch(
            "mlkraken", *path.split("/"), method=method, body=body, headers={"Authorization": ""}
        )
    assert caught.value.code in (403, 405)
    assert running(extension_home) is None


async def test_a_browser_without_the_xsrf_token_cannot_write(
    jp_fetch: Any, jp_serverapp: Any
) -> None:
    cookie = f"{jp_serverapp.identity_provider.get_cookie_name}"
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch(
            "mlkraken",
            "api",
            "v1",
            "models",
            method="POST",
            body='{"name": "forged"}',
            headers={"Authorization": "", "Cookie": cookie},
        )
    assert caught.value.code == 403


async def test_a_backend_that_cannot_start_is_explained(
    jp_fetch: Any, extension_home: Path
) -> None:
    shutil.rmtree(extension_home, ignore_errors=True)
    extension_home.write_text("a file where the folder should be")
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch("mlkraken", "api", "v1", "models")
    assert caught.value.code == 503
    error = json.loads(caught.value.response.body)["error"]
    assert str(extension_home) in error["message"]
    assert error["hint"]


async def test_a_backend_that_died_is_started_again(jp_fetch: Any, extension_home: Path) -> None:
    await jp_fetch("mlkraken", "api", "v1", "models")
    first = running(extension_home)
    assert first is not None
    (process,) = processes_of(extension_home)
    process.kill()
    process.wait(10)
    answer = await jp_fetch("mlkraken", "api", "v1", "models")
    assert answer.code == 200
    second = running(extension_home)
    assert second is not None
    assert second.pid != first.pid


def test_every_handler_checks_who_calls() -> None:
    """All verbs of all handlers carry both decorators of Jupyter's authorization."""
    from mlkraken_jupyter import _handlers

    for handler in (_handlers.ApiHandler, _handlers.StatusHandler):
        for verb in ("get", "post", "put", "patch", "delete", "head", "options"):
            method = vars(handler).get(verb)
            if method is not None:
                assert hasattr(method, "__wrapped__"), f"{handler.__name__}.{verb}"
