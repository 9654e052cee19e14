"""Models as lists show them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mlkraken_backend.values import Model, ServiceBrief
from mlkraken_backend.wire._out._common import EndpointOut, endpoint_out, memory_text, moment

__all__ = ["ModelOut", "ModelsOut", "ServiceBriefOut", "model_out"]


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
