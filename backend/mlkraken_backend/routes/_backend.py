"""This backend itself, and the tokens it has given out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from mlkraken_backend.auth import Signer
from mlkraken_backend.routes._route import Call, Reply, Route
from mlkraken_backend.usecases._outside import Outside
from mlkraken_backend.usecases.tokens import Tokens
from mlkraken_backend.wire import _in as take
from mlkraken_backend.wire import _out as give

__all__ = ["About", "SelfRoutes"]


class About(msgspec.Struct, frozen=True):
    """What this backend says of itself to those who may know."""

    version: str
    kind: str
    home: str
    owner: str
    pid: int
    started_at: datetime


@dataclass(frozen=True)
class SelfRoutes:
    """Handlers about the backend, one method a route.

    Parameters
    ----------
    outside
        The ports.
    signer
        Signs tokens.
    about
        This backend.
    tokens_changed
        Called after a token was revoked, so that replicas hear of it.
    """

    outside: Outside
    signer: Signer
    about: About
    tokens_changed: Callable[[], None]

    def health(self, call: Call) -> Reply:
        return Reply({"status": "ok"})

    def version(self, call: Call) -> Reply:
        return Reply({"version": self.about.version, "api": "v1", "issuer": self.signer.issuer})

    def backend(self, call: Call) -> Reply:
        return Reply(self.about)

    def list_tokens(self, call: Call) -> Reply:
        limit = call.caller.model
        tokens = [item for item in Tokens(self.outside).every() if limit in ("", item.model)]
        return Reply(give.TokensOut([give.token_out(token) for token in tokens]))

    def create_token(self, call: Call) -> Reply:
        body: take.TokenIn = call.body
        call.caller.need("admin", body.model)
        token = Tokens(self.outside).create(
            body.name, call.caller.name, body.scope, body.model, body.ttl
        )
        secret = self.signer.sign(
            token.owner,
            token.scope,
            now=token.created_at,
            until=token.expires_at,
            jti=token.jti,
            model=token.model,
        )
        return Reply(give.token_out(token, secret), 201)

    def revoke_token(self, call: Call) -> Reply:
        tokens, name = Tokens(self.outside), call.path["name"]
        call.caller.need("admin", tokens.get(name).model)
        token = tokens.revoke(name)
        self.tokens_changed()
        return Reply(give.token_out(token))

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/health", None, "Whether the backend answers.", self.health, gives=dict),
            Route("GET", "/version", None, "What answers.", self.version, gives=dict),
            Route("GET", "/backend", "query", "This backend.", self.backend, gives=About),
            Route(
                "GET", "/tokens", "admin", "Named tokens.", self.list_tokens, gives=give.TokensOut
            ),
            Route(
                "POST",
                "/tokens",
                "admin",
                "Make a named token; its secret is told only now.",
                self.create_token,
                takes=take.TokenIn,
                gives=give.TokenOut,
            ),
            Route(
                "DELETE",
                "/tokens/{name}",
                "admin",
                "Revoke a token.",
                self.revoke_token,
                gives=give.TokenOut,
            ),
        ]
