"""A service behind a gate: health is open, all else wants a credential, also while it changes."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.system.serving._server import Server
from tests.system.serving.conftest import Start
from tests.system.serving.test_serving_end import run

ROUTES = [("POST", "/"), ("POST", "/predict"), ("GET", "/metrics")]
BODY = b'{"modelData": 1}'


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def write(path: Path, key: Ed25519PrivateKey, revoked: list[str]) -> None:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    access = {
        "issuer": "backend-1",
        "public_key": public.decode(),
        "token_sha256": hashlib.sha256(b"own").hexdigest(),
        "revoked": revoked,
    }
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(access))
    draft.replace(path)


def statuses(server: Server, token: str | None) -> list[int]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return [
        server.send(method, path, BODY if method == "POST" else None, headers).status
        for method, path in ROUTES
    ]


def test_health_is_open_and_every_other_route_wants_a_token(
    start: Start, tmp_path: Path, key: Ed25519PrivateKey
) -> None:
    path = tmp_path / "access.json"
    write(path, key, [])
    server = start("echo", f"--access={path}")
    claims = {"iss": "backend-1", "exp": time.time() + 60, "jti": "t", "scope": ["query"]}
    token = jwt.encode(claims, key, algorithm="EdDSA")
    assert server.get("/health").status == 200
    assert statuses(server, None) == [401, 401, 401]
    assert statuses(server, "wrong") == [401, 401, 401]
    assert statuses(server, "own") == statuses(server, token) == [200, 200, 200]
    other = jwt.encode({**claims, "model": "other"}, key, algorithm="EdDSA")
    assert statuses(server, other) == [403, 403, 403]
    write(path, key, ["t"])
    until = time.monotonic() + 10
    while statuses(server, token) != [401, 401, 401]:
        assert time.monotonic() < until
    assert statuses(server, "own") == [200, 200, 200]


def test_a_refusal_says_how_to_authenticate_before_the_body_is_looked_at(
    start: Start, tmp_path: Path
) -> None:
    server = start("echo", "--token-env=SECRET", SECRET="s3cret")
    for method, path in ROUTES:
        answer = server.send(method, path, b"not json" if method == "POST" else None)
        assert (answer.status, answer.error["code"]) == (401, "token_missing")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert statuses(server, "s3cret") == [200, 200, 200]
    assert statuses(server, "s3cre") == [401, 401, 401]


def test_the_models_code_cannot_read_the_secret_from_its_environment(
    start: Start, tmp_path: Path
) -> None:
    server = start("misbehave", "--token-env=SECRET", SECRET="s3cret")
    body = json.dumps({"modelData": {"do": "environment"}}).encode()
    answer = server.send("POST", "/", body, {"Authorization": "Bearer s3cret"})
    assert "SECRET" not in answer.result


def test_an_empty_secret_or_no_access_file_lets_nobody_in(
    bundles: dict[str, Path], tmp_path: Path
) -> None:
    status, told, _ = run(bundles["echo"], tmp_path, "--token-env=NOT_SET_ANYWHERE")
    assert (status, told["code"]) == (3, "token_empty")
    status, told, _ = run(bundles["echo"], tmp_path, f"--access={tmp_path / 'gone.json'}")
    assert (status, told["code"]) == (3, "access_unreadable")
