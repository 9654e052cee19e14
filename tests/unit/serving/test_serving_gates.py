"""Who may query: every way in which a credential can be wrong is told apart, none gets in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mlkraken_serving._auth import KeyGate, OpenGate, TokenGate, bearer
from mlkraken_serving._errors import Forbidden, ServingError, Unauthenticated

KEY = Ed25519PrivateKey.generate()
OTHER_KEY = Ed25519PrivateKey.generate()
OWN = "the home's own token"
ISSUER = "backend-1"


def pem(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write(path: Path, **changes: Any) -> None:
    """Write the access file as the control plane does: another file is put in its place."""
    access = {"issuer": ISSUER, "public_key": pem(KEY), "token_sha256": sha256(OWN), **changes}
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(access))
    draft.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "access.json")
    return tmp_path / "access.json"


@pytest.fixture
def gate(path: Path) -> KeyGate:
    return KeyGate(path, "churn")


def claims(**changes: Any) -> dict[str, Any]:
    told = {"iss": ISSUER, "sub": "ada", "exp": time.time() + 60, "jti": "t1", "scope": ["query"]}
    told |= changes
    return {name: value for name, value in told.items() if value is not None}


def token(key: Any = KEY, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm="EdDSA")


def refusal(gate: Any, credential: str | None) -> ServingError:
    with pytest.raises((Unauthenticated, Forbidden)) as caught:
        gate.check(None if credential is None else credential.encode())
    assert caught.value.hint
    return caught.value


def _unsigned(header: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, claims())
    ]
    body = b".".join(parts)
    return (body + b"." + base64.urlsafe_b64encode(sign(body)).rstrip(b"=")).decode()


def test_an_open_gate_lets_everyone_in() -> None:
    OpenGate().check(None)
    OpenGate().check(b"Bearer whatever")


@pytest.mark.parametrize("sent", [None, "", "Bearer", "Bearer  ", "Basic abc", "abc", "Bearerabc"])
def test_a_missing_token_is_told_by_every_gate(gate: KeyGate, sent: str | None) -> None:
    for one in (gate, TokenGate(sha256("secret"))):
        assert refusal(one, sent).code == "token_missing"


def test_a_shared_secret_must_be_the_very_one() -> None:
    gate = TokenGate(sha256("secret"))
    gate.check(b"Bearer secret")
    gate.check(b"bearer secret")
    for wrong in ("Secret", "secret2", "secre", "ż"):
        assert refusal(gate, f"Bearer {wrong}").code == "token_invalid"


@pytest.mark.parametrize("scope", ["query", "deploy", "admin"])
def test_a_signed_token_for_queries_gets_in_again_and_again(gate: KeyGate, scope: str) -> None:
    good = token(scope=[scope])
    for _ in range(3):
        gate.check(f"Bearer {good}".encode())
    gate.check(f"Bearer {token(model='churn')}".encode())
    gate.check(f"Bearer {token(jti=None)}".encode())


def test_the_homes_own_token_gets_in(gate: KeyGate) -> None:
    gate.check(f"Bearer {OWN}".encode())
    gate.check(f"Bearer {OWN}".encode())


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: token(exp=time.time() - 1), "token_expired"),
        (lambda: token(exp=None), "token_invalid"),
        (lambda: token(iss="backend-2"), "token_invalid"),
        (lambda: token(iss=None), "token_invalid"),
        (lambda: token(key=OTHER_KEY), "token_invalid"),
        (lambda: token(scope=[]), "token_scope"),
        (lambda: token(scope=None), "token_scope"),
        (lambda: token(scope=["read"]), "token_scope"),
        (lambda: token(scope="query"), "token_scope"),
        (lambda: token(scope="xqueryx"), "token_scope"),
        (lambda: token(scope=5), "token_scope"),
        (lambda: token(scope=[["query"]]), "token_scope"),
        (lambda: token(model="other"), "token_model"),
        (lambda: token(model=["churn"]), "token_model"),
        (lambda: token(model=""), "token_model"),
        (lambda: token() + "x", "token_invalid"),
        (lambda: token()[:-8], "token_invalid"),
        (lambda: "a.b.c", "token_invalid"),
        (lambda: "....", "token_invalid"),
        (lambda: "żółw", "token_invalid"),
        (lambda: _unsigned({"alg": "none"}, lambda body: b""), "token_invalid"),
        (lambda: _unsigned({"alg": "None", "typ": "JWT"}, lambda body: b""), "token_invalid"),
        (
            lambda: _unsigned(
                {"alg": "HS256"},
                lambda body: hmac.new(pem(KEY).encode(), body, hashlib.sha256).digest(),
            ),
            "token_invalid",
        ),
        (
            lambda: _unsigned(
                {"alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}},
                OTHER_KEY.sign,
            ),
            "token_invalid",
        ),
    ],
)
def test_a_token_that_does_not_hold_is_refused_each_time(
    gate: KeyGate, make: Callable[[], str], code: str
) -> None:
    bad = make()
    for _ in range(2):
        assert refusal(gate, f"Bearer {bad}").code == code


def test_a_good_token_stops_holding_when_it_expires(gate: KeyGate) -> None:
    short = f"Bearer {token(exp=time.time() + 1.2)}"
    gate.check(short.encode())
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            gate.check(short.encode())
        except Unauthenticated as error:
            assert error.code == "token_expired"
            return
    raise AssertionError("the token never expired")


def _until_refused(gate: KeyGate, credential: str) -> ServingError:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            gate.check(credential.encode())
        except ServingError as error:
            return error
    raise AssertionError("the change was not seen")


def test_a_revoked_token_is_refused_once_the_file_says_so(gate: KeyGate, path: Path) -> None:
    good, other = f"Bearer {token()}", f"Bearer {token(jti='t2')}"
    gate.check(good.encode())
    write(path, revoked=["t1"])
    assert _until_refused(gate, good).code == "token_revoked"
    gate.check(other.encode())


def test_a_new_key_ends_all_tokens_of_the_old_one(gate: KeyGate, path: Path) -> None:
    old = f"Bearer {token()}"
    gate.check(old.encode())
    write(path, public_key=pem(OTHER_KEY), token_sha256=sha256("another"))
    assert _until_refused(gate, old).code == "token_invalid"
    assert refusal(gate, f"Bearer {OWN}").code == "token_invalid"
    gate.check(f"Bearer {token(key=OTHER_KEY)}".encode())
    gate.check(b"Bearer another")


@pytest.mark.parametrize("content", [None, b"", b"{", b"{}"])
def test_an_access_file_gone_or_half_written_changes_nothing(
    gate: KeyGate, path: Path, content: bytes | None
) -> None:
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
        os.utime(path, ns=(1, 1))
    until = time.monotonic() + 1.3  # longer than the gate trusts what it read
    while time.monotonic() < until:
        gate.check(f"Bearer {token()}".encode())
    write(path, revoked=["t1"])
    assert _until_refused(gate, f"Bearer {token()}").code == "token_revoked"


def test_a_start_without_a_readable_access_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    for name in ("gone.json", "broken.json"):
        with pytest.raises(ServingError) as caught:
            KeyGate(tmp_path / name, "churn")
        assert caught.value.code == "access_unreadable"


def test_many_tokens_do_not_fill_the_memory(gate: KeyGate) -> None:
    for number in range(1100):
        gate.check(f"Bearer {token(jti=str(number))}".encode())
    assert len(gate._good) <= 1000


def test_bearer_takes_the_token_only() -> None:
    assert bearer(b"Bearer  abc ") == "abc"
