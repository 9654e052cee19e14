"""Tokens signed with the backend's own Ed25519 key (RFC 7519, RFC 8037)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mlkraken_backend._errors import StorageCorrupt, Unauthenticated

__all__ = ["Signer", "new_key"]


def new_key() -> bytes:
    """Return a fresh private key as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


class Signer:
    """Signs and checks tokens.

    Parameters
    ----------
    key
        Private key as PEM.
    issuer
        Name of this backend; tokens of another are refused.

    Raises
    ------
    StorageCorrupt
        ``signing_key_corrupt``.
    """

    def __init__(self, key: bytes, issuer: str) -> None:
        try:
            self._key = serialization.load_pem_private_key(key, password=None)
        except ValueError as error:
            raise StorageCorrupt(
                "signing_key_corrupt",
                f"The key that tokens are signed with cannot be read: {error}.",
                "Bring the home's signing.key back; or remove it, which ends all tokens given out.",
            ) from error
        self.issuer = issuer

    @property
    def public_key(self) -> str:
        """The public key as PEM, for those who check offline."""
        return (
            self._key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def sign(
        self, subject: str, scope: Sequence[str], *, now: float, until: float, jti: str, model: str
    ) -> str:
        """Return a token; ``model`` "" means all models."""
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": subject,
            "iat": int(now),
            "exp": int(until),
            "jti": jti,
            "scope": list(scope),
        }
        if model:
            claims["model"] = model
        return jwt.encode(claims, self._key, algorithm="EdDSA")  # type: ignore[arg-type]

    def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that holds.

        Raises
        ------
        Unauthenticated
            ``token_expired`` or ``token_invalid``.
        """
        try:
            return jwt.decode(
                token,
                self._key.public_key(),  # type: ignore[arg-type]
                algorithms=["EdDSA"],
                issuer=self.issuer,
                options={"require": ["exp", "iss", "sub", "scope"]},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(
                "token_expired", "The token has expired.", "Make a new one: mlkraken token create"
            ) from None
        except jwt.InvalidTokenError:
            raise Unauthenticated(
                "token_invalid",
                "The token does not hold here.",
                "On this machine the token is in the home's file 'token'.",
            ) from None
