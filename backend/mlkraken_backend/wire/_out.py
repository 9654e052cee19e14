"""Documents that leave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import msgspec

from mlkraken_backend.ports import LogPage, QueryPoint, Slot
from mlkraken_backend.usecases.percentiles import Bucket
from mlkraken_backend.values import (
    Event,
    Failure,
    Model,
    Parity,
    Service,
    ServiceBrief,
    Token,
    Version,
)

__all__ = [
    "AliasOut",
    "CommittedOut",
    "EndpointOut",
    "EndpointsOut",
    "EventOut",
    "EventsOut",
    "LogsOut",
    "ModelOut",
    "ModelsOut",
    "ServiceOut",
    "TimesOut",
    "TokenOut",
    "TokensOut",
    "UploadOut",
    "Usage",
    "VersionOut",
    "VersionsOut",
    "endpoint_out",
    "event_out",
    "memory_text",
    "model_out",
    "moment",
    "service_out",
    "token_out",
    "version_out",
]

Usage = Callable[[str], "tuple[float, int]"]
"""Returns a replica's CPU use in cores and its memory in bytes."""


def moment(seconds: float) -> datetime:
    """Return a time as the wire writes it: RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), timezone.utc)


def memory_text(amount: int) -> str:
    """Return bytes as people write them: ``2GB``, ``512MB``."""
    for unit, power in (("GB", 30), ("MB", 20)):
        if amount >= 1 << power:
            return f"{amount / (1 << power):.4g}{unit}"
    return f"{amount}B"


class EndpointOut(msgspec.Struct, frozen=True):
    """One replica's address."""

    ip: str
    port: int
    url: str
    state: str
    replica: str


class AliasOut(msgspec.Struct, frozen=True):
    name: str
    version: int | None
    target: int | None
    reason: str
    updated_at: datetime


class ServiceBriefOut(msgspec.Struct, frozen=True):
    """One line about a version's service."""

    version: int
    state: str
    reason: str
    endpoint: str


class ModelOut(msgspec.Struct, frozen=True):
    """A model as lists show it: one call fills the panel.

    State, endpoint and sizes are those of the live version's service. ``memory`` is what each
    replica may use; ``memory_used`` (bytes) and ``cpu_used`` (cores) what all use now.
    """

    name: str
    owner: str
    description: str
    tags: dict[str, str]
    state: str
    reason: str
    versions: list[int]
    live_version: int | None
    target_version: int | None
    shown_version: int | None
    aliases: dict[str, int | None]
    services: list[ServiceBriefOut]
    endpoint: EndpointOut | None
    cpu: float
    cpu_used: float
    memory: str
    memory_used: int
    replicas: int
    ready_replicas: int
    restarts: int
    parity: str
    engine: str
    deleting: bool
    created_at: datetime
    updated_at: datetime
    revision: int


class ModelsOut(msgspec.Struct, frozen=True):
    """One page; ``next_cursor`` is "" on the last."""

    models: list[ModelOut]
    next_cursor: str


class FailureOut(msgspec.Struct, frozen=True):
    """Why something failed, with the last log lines."""

    code: str
    message: str
    hint: str
    logs: list[str]


class VersionOut(msgspec.Struct, frozen=True):
    """One immutable bundle.

    ``status`` is candidate, ready or refused; ``sample`` is ``modelData`` to try it with.
    """

    model: str
    version: int
    status: str
    digest: str
    size: int
    runtime: str
    flavor: str
    signature: dict[str, Any]
    sample: Any
    environment: dict[str, Any]
    provenance: dict[str, Any]
    aliases: list[str]
    failure: FailureOut | None
    created_by: str
    created_at: datetime


class VersionsOut(msgspec.Struct, frozen=True):
    versions: list[VersionOut]


class ServiceOut(msgspec.Struct, frozen=True):
    """How one version is served, and how it should be."""

    model: str
    version: int
    desired: str
    state: str
    reason: str
    failure: FailureOut | None
    cpu: float
    memory: str
    memory_bytes: int
    replicas: int
    endpoints: list[EndpointOut]
    restarts: int
    parity: Parity
    engine: str
    deadline: float
    start_timeout: float
    updated_at: datetime
    revision: int


class EndpointsOut(msgspec.Struct, frozen=True):
    """Where to query, for ``ttl`` seconds, with a token that lives at least as long."""

    endpoints: list[EndpointOut]
    ttl: int
    token: str
    token_expires_at: datetime


class UploadOut(msgspec.Struct, frozen=True):
    """Where the files go; ``version`` is set when this very bundle is there already."""

    upload: str
    slots: list[Slot]
    digest: str
    exists: bool
    version: VersionOut | None


class CommittedOut(msgspec.Struct, frozen=True):
    version: VersionOut
    exists: bool


class LogsOut(msgspec.Struct, frozen=True):
    """Log lines and the cursor after them."""

    lines: list[dict[str, str]]
    cursor: str

    @classmethod
    def of(cls, page: LogPage) -> LogsOut:
        lines = [{"replica": line.replica, "text": line.text} for line in page.lines]
        return cls(lines, page.cursor)


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


class TimesOut(msgspec.Struct, frozen=True):
    """Points as ``[sent_at, response_ms, model_ms, rows, version, status, request_id]``.

    With a resolution there are buckets instead.
    """

    columns: list[str]
    points: list[QueryPoint]
    buckets: list[Bucket]


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


def endpoint_out(host: str, port: int, state: str, replica: str) -> EndpointOut:
    return EndpointOut(host, port, f"http://{host}:{port}", state, replica)


def model_out(model: Model, used: tuple[float, int]) -> ModelOut:
    """Return a model for a list, with what its shown service uses now."""
    shown = model.services.get(model.shown) if model.shown is not None else None
    size = shown or _NOTHING
    ready = shown is not None and shown.port
    return ModelOut(
        name=model.name,
        owner=model.owner,
        description=model.description,
        tags=model.tags,
        state="stopping" if model.deleting else size.state,
        reason="being deleted" if model.deleting else size.reason or model.live.reason,
        versions=[number for number in model.versions if number not in model.leaving],
        live_version=model.live.version,
        target_version=model.live.target,
        shown_version=model.shown,
        aliases={name: alias.version for name, alias in model.aliases.items()},
        services=[_brief_out(number, item) for number, item in sorted(model.services.items())],
        endpoint=endpoint_out(size.host, size.port, "running", "") if ready else None,
        cpu=size.cpu,
        cpu_used=round(used[0], 3),
        memory=memory_text(size.memory) if shown else "",
        memory_used=used[1],
        replicas=size.replicas,
        ready_replicas=size.ready,
        restarts=size.restarts,
        parity=size.parity,
        engine=size.engine,
        deleting=model.deleting,
        created_at=moment(model.created_at),
        updated_at=moment(model.updated_at),
        revision=model.revision,
    )


def _brief_out(number: int, service: ServiceBrief) -> ServiceBriefOut:
    where = f"{service.host}:{service.port}" if service.port else ""
    return ServiceBriefOut(number, service.state, service.reason, where)


def version_out(version: Version, model: Model | None) -> VersionOut:
    manifest = version.manifest
    aliases = model.aliases if model else {}
    return VersionOut(
        model=version.model,
        version=version.number,
        status=version.status,
        digest=version.digest,
        size=version.size,
        runtime=manifest["runtime"],
        flavor=manifest["flavor"],
        signature=manifest.get("signature", {}),
        sample=(manifest.get("example") or {}).get("sample"),
        environment=manifest.get("environment", {}),
        provenance=manifest.get("provenance", {}),
        aliases=[name for name, alias in aliases.items() if alias.version == version.number],
        failure=_failure_out(version.failure),
        created_by=version.created_by,
        created_at=moment(version.created_at),
    )


def service_out(service: Service) -> ServiceOut:
    return ServiceOut(
        model=service.model,
        version=service.version,
        desired=service.desired,
        state=service.state,
        reason=service.reason,
        failure=_failure_out(service.failure),
        cpu=service.size.cpu,
        memory=memory_text(service.size.memory),
        memory_bytes=service.size.memory,
        replicas=service.size.replicas,
        endpoints=[
            endpoint_out(replica.host, replica.port, replica.state, replica.id)
            for replica in service.replicas
            if replica.port
        ],
        restarts=service.restarts,
        parity=service.parity,
        engine=service.engine,
        deadline=service.deadline_s,
        start_timeout=service.start_timeout_s,
        updated_at=moment(service.updated_at),
        revision=service.revision,
    )


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


def _failure_out(failure: Failure | None) -> FailureOut | None:
    if failure is None:
        return None
    return FailureOut(failure.code, failure.message, failure.hint, failure.logs)


_NOTHING = ServiceBrief(
    state="stopped",
    desired="stopped",
    reason="",
    cpu=0.0,
    memory=0,
    replicas=0,
    ready=0,
    host="",
    port=0,
    restarts=0,
    parity="none",
    engine="",
    updated_at=0.0,
)
