"""Who is calling, by the token they carry."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable, Container

import msgspec

from mlkraken_backend._errors import Forbidden, Unauthenticated
from mlkraken_backend.auth._signer import Signer

__all__ = ["Authenticator", "Caller"]

_IMPLIED = {
    "admin": ("admin", "deploy", "query"),
    "deploy": ("deploy", "query"),
    "query": ("query",),
}


class Caller(msgspec.Struct, frozen=True):
    """A person or program, what it may do, and the one model it is limited to, if any.

    ``jti`` and ``until`` are those of the token it carries: what it is given on the strength of
    that token ends with it.
    """

    name: str
    scopes: frozenset[str]
    model: str = ""
    jti: str = ""
    until: float = math.inf

    def need(self, scope: str, model: str | None = "") -> None:
        """Check that the caller may do this; ``model`` None stands for what names no model.

        Raises
        ------
        Forbidden
            ``scope_missing`` or ``other_model``.
        """
        if scope not in self.scopes:
            raise Forbidden(
                "scope_missing",
                f"The token does not carry the scope {scope!r}.",
                f"Make one that does: mlkraken token create NAME --scope {scope}",
            )
        if self.model and model is not None and model != self.model:
            raise Forbidden(
                "other_model",
                f"The token is for the model {self.model!r} only.",
                "Make one without --model.",
            )


class Authenticator:
    """Turns an ``Authorization`` header into a caller.

    Parameters
    ----------
    signer
        Checks signed tokens.
    home_token
        The owner's own secret, which may do everything.
    owner
        Whom the home belongs to.
    revoked
        Returns the ids of revoked tokens.
    """

    def __init__(
        self, signer: Signer, home_token: str, owner: str, revoked: Callable[[], Container[str]]
    ) -> None:
        self._signer = signer
        self._home = hashlib.sha256(home_token.encode()).digest()
        self._owner = owner
        self._revoked = revoked

    def caller(self, authorization: str | None) -> Caller:
        """Return who carries the header.

        Raises
        ------
        Unauthenticated
            ``token_missing``, ``token_invalid``, ``token_expired`` or ``token_revoked``.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated(
                "token_missing",
                "The request carries no token.",
                "Send the header 'Authorization: Bearer TOKEN'.",
            )
        given = token.strip()
        if hmac.compare_digest(hashlib.sha256(given.encode()).digest(), self._home):
            return Caller(self._owner, frozenset(_IMPLIED["admin"]))
        claims = self._signer.claims(given)
        if claims.get("jti") in self._revoked():
            raise Unauthenticated(
                "token_revoked",
                "The token was revoked.",
                "Make a new one: mlkraken token create NAME",
            )
        scopes = {implied for scope in claims["scope"] for implied in _IMPLIED.get(scope, ())}
        return Caller(
            claims["sub"],
            frozenset(scopes),
            claims.get("model", ""),
            claims.get("jti", ""),
            float(claims["exp"]),
        )
