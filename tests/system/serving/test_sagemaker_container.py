"""A model server started as SageMaker starts containers, by variables and the word ``serve``."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from mlkraken_serving._errors import ServingError
from mlkraken_serving.sagemaker import server_arguments

BOUND_S = 20.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Container:
    """What a container would run, in a folder of its own instead of ``/opt/ml``."""

    def __init__(self, base: Path, *words: str, **environment: str) -> None:
        self.port = free_port()
        named = {"SAGEMAKER_BASE_DIR": str(base), "SAGEMAKER_BIND_TO_PORT": str(self.port)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlkraken_serving.sagemaker", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **named, **environment},
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> str:
        """Wait for the line that tells of readiness; return it."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> tuple[int, str]:
        _, log = self.process.communicate(timeout=BOUND_S)
        return self.process.returncode, log


@pytest.fixture
def base(bundles: dict[str, Path], tmp_path: Path) -> Path:
    shutil.copytree(bundles["doubled"], tmp_path / "ml" / "model")
    return tmp_path / "ml"


@pytest.fixture
def container(base: Path) -> Iterator[Container]:
    started = Container(
        base,
        "serve",
        SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/csv",
        SAGEMAKER_MAX_PAYLOAD_IN_MB="1",
        SAGEMAKER_MODEL_SERVER_TIMEOUT="30",
        SAGEMAKER_CONTAINER_LOG_LEVEL="20",
        SAGEMAKER_MODEL_SERVER_WORKERS="2",
        SAGEMAKER_PROGRAM="inference.py",
    )
    yield started
    if started.process.poll() is None:
        started.process.kill()
        started.process.communicate()


@pytest.mark.client("requests", "SageMaker: serve, /ping, /invocations, SIGTERM")
def test_a_container_serves_until_it_is_told_to_end(container: Container) -> None:
    assert container.ready() == f"ready http://0.0.0.0:{container.port}"
    ping = requests.get(f"{container.url}/ping", timeout=2)
    assert ping.status_code == 200
    rows = [{"x": 1.5, "gate": ""}, {"x": 2.0, "gate": ""}]
    answer = requests.post(
        f"{container.url}/invocations",
        data=json.dumps({"instances": rows}),
        headers={
            "Content-Type": "application/json",
            "X-Amzn-SageMaker-Custom-Attributes": "c000",
            "X-Amzn-SageMaker-Inference-Id": "7",
        },
        timeout=BOUND_S,
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv")
    assert answer.headers["x-amzn-sagemaker-custom-attributes"] == "c000"
    assert answer.text.split() == ["3.0", "4.0"]
    large = requests.post(f"{container.url}/invocations", b"[" + b"1," * 2**20, timeout=BOUND_S)
    assert (large.status_code, large.json()["error_class"]) == (413, "body_too_large")
    container.process.send_signal(signal.SIGTERM)
    status, log = container.end()
    assert status == 0
    assert "SAGEMAKER_PROGRAM is not looked at" in log


@pytest.mark.parametrize(
    ("words", "environment", "status", "told"),
    [
        ([], {}, 2, "serve"),
        (["train"], {}, 2, "not train"),
        (["serve"], {"SAGEMAKER_MULTI_MODEL": "true"}, 3, "many models"),
        (["serve"], {"SAGEMAKER_BIND_TO_PORT": "http"}, 3, "SAGEMAKER_BIND_TO_PORT is 'http'"),
        (["serve"], {"SAGEMAKER_BASE_DIR": "/nowhere"}, 3, "mlkraken pack"),
    ],
)
def test_what_cannot_be_started_says_why(
    base: Path, words: list[str], environment: dict[str, str], status: int, told: str
) -> None:
    found, log = Container(base, *words, **environment).end()
    assert found == status
    assert told in log
    assert "Traceback" not in log


def test_variables_become_the_server_s_options(base: Path, tmp_path: Path) -> None:
    named: dict[str, Any] = {"SAGEMAKER_BASE_DIR": str(base)}
    folder, *usual = server_arguments(named)
    assert folder == str(base / "model")
    assert usual == ["--host=0.0.0.0", "--port=8080", "--drain=25"]
    told = server_arguments(
        named
        | {
            "SAGEMAKER_MODEL_SERVER_TIMEOUT": "60",
            "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "90",
            "MLKRAKEN_TOKEN": "s3cret",
        }
    )
    assert "--deadline=90" in told
    assert "--token-env=MLKRAKEN_TOKEN" in told
    assert not any("s3cret" in word for word in told)
    below = tmp_path / "below"
    shutil.copytree(base / "model", below / "model" / "churn")
    assert server_arguments({"SAGEMAKER_BASE_DIR": str(below)})[0].endswith("model/churn")
    shutil.copytree(base / "model", below / "model" / "other")
    with pytest.raises(ServingError, match="more than one"):
        server_arguments({"SAGEMAKER_BASE_DIR": str(below)})
