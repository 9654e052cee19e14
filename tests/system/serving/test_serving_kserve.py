"""KServe's own client, as it comes, against both of its protocols."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlkraken_client._pack import pack
from tests.system.serving import _tabular
from tests.system.serving._server import BOUND_S, Server

pytestmark = pytest.mark.timeout(900)  # the client's environment is made once
ROOT = Path(__file__).parents[3]
X = _tabular.FEATURES[:5]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("kserve")
    bundle = pack(_tabular.classifier(), "classes", folder / "classes", example=X).folder
    running = Server(bundle, folder / "log")
    yield running
    running.end()


@pytest.fixture(scope="module")
def told(server: Server) -> dict[str, Any]:
    """Return what the client says, which lives in an environment with an older pandas."""
    subprocess.run([str(ROOT / "scripts" / "client"), "kserve"], check=True)
    python = ROOT / "build" / "clients" / "kserve" / "bin" / "python"
    script = ROOT / "tests" / "clients" / "kserve_client.py"
    done = subprocess.run(
        [str(python), str(script), str(server.port), "classes", json.dumps(X.tolist())],
        capture_output=True,
        text=True,
        timeout=3 * BOUND_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.client(
    "kserve InferenceRESTClient", "version 2: live, ready, infer binary and JSON, a refusal"
)
def test_version_two(told: dict[str, Any]) -> None:
    asked, model = told["v2"], _tabular.classifier()
    assert [asked[key] for key in ("live", "ready", "model ready", "other ready")] == [
        *(True, True, True),
        False,
    ]
    for form in ("binary", "json"):
        assert asked[form] == {
            "label": model.predict(X).tolist(),
            "probabilities": model.predict_proba(X).ravel().tolist(),
        }
    assert "model_not_here" in asked["error"]


@pytest.mark.client("kserve InferenceRESTClient", "version 1: live, ready, predict, a refusal")
def test_version_one(told: dict[str, Any]) -> None:
    asked = told["v1"]
    assert asked["live"] is True
    assert asked["model ready"] is True
    assert asked["predictions"] == {"predictions": _tabular.classifier().predict(X).tolist()}
    assert "'much'" in asked["error"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b'{"instances": [[1, 2, 3, 4]]}', 200, "predictions"),
        (b'{"inputs": [[1, 2, 3, 4]]}', 200, "predictions"),
        (b"[[1, 2, 3, 4]]", 400, "instances_missing"),
        (b'{"instances": 1}', 400, "instances_missing"),
        (b'{"instances": [[1, 2]]}', 400, "shape_mismatch"),
        (b"{", 400, "body_not_json"),
    ],
    ids=str,
)
def test_bodies_of_version_one(server: Server, body: bytes, status: int, says: str) -> None:
    answer = server.send("POST", "/v1/models/classes:predict", body)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert says in answer.body.decode()


def test_pages_of_version_one(server: Server) -> None:
    assert server.get("/").json == {"status": "alive"}
    assert server.get("/v1/models").json == {"models": ["classes"]}
    assert server.get("/v1/models/classes").json == {"name": "classes", "ready": True}
    assert server.get("/v1/models/other").status == 404
    refused = server.get("/v1/models/classes:predict")
    assert (refused.status, refused.headers["allow"]) == (405, "POST")
    assert set(refused.json) == {"error"}
