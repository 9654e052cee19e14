"""Response times in buckets with percentiles."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from mlkraken_backend.ports import QueryPoint

__all__ = ["Bucket", "buckets", "percentile"]


class Bucket(msgspec.Struct, frozen=True):
    """Response times within one stretch, in milliseconds; ``at`` is its begin.

    ``errors`` counts answers with a status of 400 and above; they are in the percentiles too.
    """

    at: float
    count: int
    errors: int
    p50: float
    p95: float
    p99: float
    max: float


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile of sorted, non-empty values; ``share`` in 0..1."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def buckets(points: Sequence[QueryPoint], resolution_s: float) -> list[Bucket]:
    """Group points by stretches of ``resolution_s`` seconds, oldest first."""
    groups: dict[int, list[QueryPoint]] = defaultdict(list)
    for point in points:
        groups[math.floor(point.sent_at / resolution_s)].append(point)
    return [_bucket(number * resolution_s, group) for number, group in sorted(groups.items())]


def _bucket(at: float, points: list[QueryPoint]) -> Bucket:
    times = sorted(point.response_ms for point in points)
    return Bucket(
        at=at,
        count=len(times),
        errors=sum(point.status >= 400 for point in points),
        p50=percentile(times, 0.50),
        p95=percentile(times, 0.95),
        p99=percentile(times, 0.99),
        max=times[-1],
    )
