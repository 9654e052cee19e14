"""Services: how they run, where they answer, what they log, how fast they are."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mlkraken_backend.ports import LogPage, QueryPoint
from mlkraken_backend.usecases.percentiles import Bucket
from mlkraken_backend.values import Parity, Service
from mlkraken_backend.wire._out._common import (
    EndpointOut,
    FailureOut,
    endpoint_out,
    failure_out,
    memory_text,
    moment,
)

__all__ = ["EndpointsOut", "LogsOut", "ServiceOut", "TimesOut", "service_out"]


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
    workers: int
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


class LogsOut(msgspec.Struct, frozen=True):
    """Log lines and the cursor after them."""

    lines: list[dict[str, str]]
    cursor: str

    @classmethod
    def of(cls, page: LogPage) -> LogsOut:
        lines = [{"replica": line.replica, "text": line.text} for line in page.lines]
        return cls(lines, page.cursor)


class TimesOut(msgspec.Struct, frozen=True):
    """Points as ``[sent_at, response_ms, model_ms, rows, version, status, request_id]``.

    With a resolution there are buckets instead.
    """

    columns: list[str]
    points: list[QueryPoint]
    buckets: list[Bucket]


def service_out(service: Service) -> ServiceOut:
    return ServiceOut(
        model=service.model,
        version=service.version,
        desired=service.desired,
        state=service.state,
        reason=service.reason,
        failure=failure_out(service.failure),
        cpu=service.size.cpu,
        memory=memory_text(service.size.memory),
        memory_bytes=service.size.memory,
        replicas=service.size.replicas,
        workers=service.size.workers,
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
