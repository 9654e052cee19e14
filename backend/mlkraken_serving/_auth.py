"""Who may query: tokens signed by the control plane, checked here without asking it.

A query token is a JWT (RFC 7519) signed with Ed25519 (RFC 8037, ``EdDSA``). Its claims are
``iss`` (the backend), ``sub`` (the person), ``exp``, ``jti``, ``scope`` (a list of ``query``,
``deploy``, ``admin``) and, where it is for one model only, ``model``.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from pathlib import Path
from typing import Any, Protocol

import msgspec

from mlkraken_serving._errors import Forbidden, ServingError, Unauthenticated

__all__ = ["AccessFile", "Gate", "KeyGate", "OpenGate", "TokenGate"]

_SCOPES = frozenset(["query", "deploy", "admin"])
_RECHECK_S = 1.0
_REMEMBERED = 1000
log = logging.getLogger("mlkraken.serving")


class Gate(Protocol):
    """Lets a caller pass or raises."""

    def check(self, authorization: bytes | None) -> None:
        """Check the ``Authorization`` header, as it came.

        Raises
        ------
        Unauthenticated
            ``token_missing``, ``token_invalid``, ``token_expired`` or ``token_revoked``.
        Forbidden
            ``token_scope`` or ``token_model``.
        """


class OpenGate:
    """Lets everyone pass: for one model in the foreground on the loopback address."""

    def check(self, authorization: bytes | None) -> None:
        return None


class TokenGate:
    """One shared secret, known by its SHA-256 only.

    Parameters
    ----------
    sha256
        Hex digest of the secret.
    """

    def __init__(self, sha256: str) -> None:
        self._sha256 = sha256
        self._good = b""

    def check(self, authorization: bytes | None) -> None:
        if authorization and hmac.compare_digest(authorization, self._good):
            return
        if not self.knows(bearer(authorization)):
            raise _invalid()
        self._good = authorization or b""

    def knows(self, token: str) -> bool:
        digest = hashlib.sha256(token.encode()).hexdigest()
        return hmac.compare_digest(digest, self._sha256)


class AccessFile(msgspec.Struct, frozen=True):
    """What the control plane tells its replicas: nothing in it is secret.

    ``public_key`` is PEM; ``token_sha256`` the digest of the home's own token; ``revoked`` the
    ``jti`` of tokens that no longer hold.
    """

    issuer: str
    public_key: str
    token_sha256: str = ""
    revoked: list[str] = []


class KeyGate:
    """Tokens signed by the control plane, and the home's own token.

    Parameters
    ----------
    path
        The `AccessFile` as JSON; read again when it changes.
    model
        Name of the model served here.

    Raises
    ------
    ServingError
        ``access_unreadable``. Later, what was known still holds while the file cannot be read.
    """

    def __init__(self, path: Path, model: str) -> None:
        self._path = path
        self._model = model
        self._good: dict[bytes, tuple[float, str]] = {}
        self._checked_at = 0.0
        self._changed_ns = -1
        try:
            self._refresh()
        except (OSError, msgspec.MsgspecError) as error:
            raise ServingError(
                "access_unreadable",
                f"{path.name}, which tells who may query, cannot be read: {error}.",
                "Start the backend again; it writes the file anew.",
            ) from error

    def check(self, authorization: bytes | None) -> None:
        header = authorization or b""  # whole, as the same caller sends it every time
        now = time.time()
        if now - self._checked_at > _RECHECK_S or now < self._checked_at:
            self._refresh_if_readable()
        known = self._good.get(header)
        if known is None or now >= known[0]:
            self._good.pop(header, None)
            if len(self._good) >= _REMEMBERED:
                self._good.clear()
            self._good[header] = self._verify(bearer(header))
        elif known[1] in self._revoked:
            raise _revoked()

    def _verify(self, token: str) -> tuple[float, str]:
        if self._own.knows(token):
            return float("inf"), ""
        claims = self._claims(token)
        if claims.get("jti") in self._revoked:
            raise _revoked()
        scope = claims.get("scope")
        if not isinstance(scope, list) or not any(name in scope for name in _SCOPES):
            raise Forbidden(
                "token_scope",
                "The token is not for queries.",
                "Make one with the scope query: mlkraken token create NAME --scope query",
            )
        if claims.get("model", self._model) != self._model:
            raise Forbidden(
                "token_model",
                f"The token is for the model {claims['model']!r}, not for {self._model!r}.",
                "Make one for this model, or one without --model for all.",
            )
        return float(claims["exp"]), str(claims.get("jti", ""))

    def _claims(self, token: str) -> dict[str, Any]:
        import jwt

        try:
            return jwt.decode(
                token,
                self._access.public_key,
                algorithms=["EdDSA"],
                issuer=self._access.issuer,
                options={"require": ["exp", "iss"]},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(
                "token_expired",
                "The token has expired.",
                "Query tokens live for minutes: ask for the endpoints again.",
            ) from None
        except jwt.InvalidTokenError:
            raise _invalid() from None

    def _refresh_if_readable(self) -> None:
        try:
            self._refresh()
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("%s cannot be read, so the last one holds: %s", self._path.name, error)

    def _refresh(self) -> None:
        self._checked_at = time.time()
        changed = self._path.stat().st_mtime_ns
        if changed == self._changed_ns:
            return
        self._access = msgspec.json.decode(self._path.read_bytes(), type=AccessFile)
        self._own = TokenGate(self._access.token_sha256)
        self._revoked = frozenset(self._access.revoked)
        self._changed_ns = changed
        self._good.clear()


def bearer(authorization: bytes | None) -> str:
    """Return the token of an ``Authorization: Bearer`` header.

    Raises
    ------
    Unauthenticated
        ``token_missing``.
    """
    scheme, _, token = (authorization or b"").decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated(
            "token_missing",
            "The request carries no token.",
            "Send the header 'Authorization: Bearer TOKEN'; service.headers() has it.",
        )
    return token.strip()


def _invalid() -> Unauthenticated:
    return Unauthenticated(
        "token_invalid",
        "The token does not hold here.",
        "Take a fresh one from service.headers() or `mlkraken token create`.",
    )


def _revoked() -> Unauthenticated:
    return Unauthenticated(
        "token_revoked", "The token was revoked.", "Make a new one: mlkraken token create NAME"
    )
