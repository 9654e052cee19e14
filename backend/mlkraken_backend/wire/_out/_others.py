"""Events and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from mlkraken_backend.values import Event, Token
from mlkraken_backend.wire._out._common import moment

__all__ = ["EventOut", "EventsOut", "TokenOut", "TokensOut", "event_out", "token_out"]


class EventOut(msgspec.Struct, frozen=True):
    """Something that happened."""

    id: int
    type: str
    model: str
    version: int | None
    message: str
    data: dict[str, Any]
    at: datetime


class EventsOut(msgspec.Struct, frozen=True):
    events: list[EventOut]


class TokenOut(msgspec.Struct, frozen=True):
    """A named token; the secret is told only when it is made."""

    name: str
    owner: str
    scope: list[str]
    model: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    token: str | None = None


class TokensOut(msgspec.Struct, frozen=True):
    tokens: list[TokenOut]


def event_out(event: Event) -> EventOut:
    return EventOut(
        event.id,
        event.type,
        event.model,
        event.version,
        event.message,
        event.data,
        moment(event.at),
    )


def token_out(token: Token, secret: str | None = None) -> TokenOut:
    return TokenOut(
        token.name,
        token.owner,
        list(token.scope),
        token.model,
        moment(token.created_at),
        moment(token.expires_at),
        moment(token.revoked_at) if token.revoked_at is not None else None,
        secret,
    )
