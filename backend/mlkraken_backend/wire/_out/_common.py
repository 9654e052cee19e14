"""What several documents share: times, sizes, addresses, failures."""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec

from mlkraken_backend.values import Failure

__all__ = ["EndpointOut", "FailureOut", "endpoint_out", "failure_out", "memory_text", "moment"]


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


class FailureOut(msgspec.Struct, frozen=True):
    """Why something failed, with the last log lines."""

    code: str
    message: str
    hint: str
    logs: list[str]


def endpoint_out(host: str, port: int, state: str, replica: str) -> EndpointOut:
    return EndpointOut(host, port, f"http://{host}:{port}", state, replica)


def failure_out(failure: Failure | None) -> FailureOut | None:
    if failure is None:
        return None
    return FailureOut(failure.code, failure.message, failure.hint, failure.logs)
