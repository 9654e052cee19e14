"""Long-lived tokens with a name, a scope and an end."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from mlkraken_backend._errors import Conflict, Invalid, NotFound
from mlkraken_backend.checks import check_model_name
from mlkraken_backend.ports import Save
from mlkraken_backend.usecases._outside import Outside, persist
from mlkraken_backend.values import Scope, Token

__all__ = ["Tokens"]

_SCOPES: tuple[Scope, ...] = ("query", "deploy", "admin")
_LONGEST_S = 10 * 365 * 86400.0
_NAME = re.compile(r"[\w.@-](?:[\w.@ -]{0,98}[\w.@-])?")


class Tokens:
    """Use cases about tokens. The secret itself is made and signed one floor above."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def create(
        self, name: str, owner: str, scope: Sequence[str], model: str, ttl_s: float
    ) -> Token:
        """Register a token.

        Raises
        ------
        Invalid
            ``token_name_invalid``, ``token_scope_invalid`` or ``token_ttl_invalid``.
        Conflict
            ``token_exists``.
        """
        scopes = _checked(name, scope, ttl_s)
        if model:
            check_model_name(model)
        now = self._outside.clock.now()

        def attempt() -> Token:
            before = self._outside.store.token(name)
            if before is not None and before.revoked_at is None and before.expires_at > now:
                raise Conflict(
                    "token_exists",
                    f"There is a token {name!r} already.",
                    "Revoke it first, or choose another name.",
                )
            token = Token(
                name=name,
                jti=self._outside.ids.new("t"),
                owner=owner,
                scope=scopes,
                created_at=now,
                expires_at=now + ttl_s,
                model=model,
                former=_revoked(before, now) if before else {},
                revision=before.revision if before else 0,
            )
            self._outside.store.commit([Save(token)])
            return token

        return persist(attempt)

    def every(self) -> list[Token]:
        """Return all tokens, revoked and expired ones included."""
        return self._outside.store.tokens()

    def get(self, name: str) -> Token:
        """Return a token; raises `NotFound` (``token_not_found``)."""
        token = self._outside.store.token(name)
        if token is None:
            raise NotFound(
                "token_not_found", f"There is no token {name!r}.", "mlkraken token list names all."
            )
        return token

    def revoke(self, name: str) -> Token:
        """Revoke a token; raises `NotFound` (``token_not_found``)."""

        def attempt() -> Token:
            token = self.get(name)
            if token.revoked_at is not None:
                return token
            now = self._outside.clock.now()
            revoked = msgspec.structs.replace(token, revoked_at=now)
            self._outside.store.commit([Save(revoked)])
            return revoked

        return persist(attempt)

    def revoked(self) -> list[str]:
        """Return the ids of revoked tokens that would still hold otherwise."""
        now = self._outside.clock.now()
        return [jti for token in self.every() for jti in _revoked(token, now)]


def _checked(name: str, scope: Sequence[str], ttl_s: float) -> list[Scope]:
    """Return the scopes in order, once all that was asked for can be."""
    if not _NAME.fullmatch(name):
        raise Invalid(
            "token_name_invalid",
            f"{name!r} cannot name a token.",
            "Use 1 to 100 letters, digits, spaces and '._@-'; say what it is for.",
        )
    scopes = [known for known in _SCOPES if known in scope]
    if len(scopes) != len(set(scope)) or not scopes:
        raise Invalid(
            "token_scope_invalid",
            f"{', '.join(scope) or 'nothing'} is not a scope.",
            f"Scopes are {', '.join(_SCOPES)}.",
        )
    if not 0 < ttl_s <= _LONGEST_S:
        raise Invalid(
            "token_ttl_invalid", f"A token cannot live {ttl_s:g} s.", "At most ten years."
        )
    return scopes


def _revoked(token: Token, now: float) -> dict[str, float]:
    """The revoked ids of this name that have not ended yet, and when they end."""
    revoked = dict(token.former)
    if token.revoked_at is not None:
        revoked[token.jti] = token.expires_at
    return {jti: end for jti, end in revoked.items() if end > now}
