"""How benchmarks print: one line a figure, with its bar."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

__all__ = ["figure", "median_ms", "timed_ms"]


def timed_ms(call: Callable[[], object]) -> float:
    """Return how long one call took, in milliseconds."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def median_ms(times: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(times)


def figure(name: str, value: str, bar: str, reached: bool) -> None:
    """Print one figure and whether it reaches its bar."""
    print(f"{'ok  ' if reached else 'MISS'}  {name:<58} {value:>28}   bar: {bar}")
