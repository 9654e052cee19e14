"""Prometheus metrics of one model service.

Every query is counted while it is answered, so counting is an addition to a plain list; the
metrics' own objects are made when somebody reads the page.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

__all__ = ["Metrics"]

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)


class _Distribution:
    """How often values fell between bounds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        names = [*(str(float(bound)) for bound in self.bounds), "+Inf"]
        return list(zip(names, accumulate(map(float, self.counts)), strict=True))


class Metrics:
    """Counts what one replica does.

    Parameters
    ----------
    queued
        Returns how many queries wait for the model.
    """

    def __init__(self, queued: Callable[[], int]) -> None:
        self._queued = queued
        self._statuses: dict[int, int] = {}
        self._response = _Distribution(_SECONDS)
        self._model = _Distribution(_SECONDS)
        self._batch = _Distribution(_ROWS)
        self._rows = 0
        self.in_flight = 0

    def batch(self, rows: int) -> None:
        self._batch.add(rows)

    def answered(self, status: int, response_ms: float, model_ms: float, rows: int) -> None:
        """Count one answer; ``model_ms`` is 0 where the model was not reached."""
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._response.add(response_ms / 1000)
        self._rows += rows
        if model_ms:
            self._model.add(model_ms / 1000)

    def counts(self) -> dict[str, float]:
        """Return the sums, for protocols that tell statistics of their own.

        ``requests``, ``errors``, ``rows``, ``batches``; ``response_seconds`` and
        ``model_seconds`` are sums over all requests; ``in_flight`` and ``queue`` are of now.
        """
        errors = sum(count for status, count in self._statuses.items() if status >= 400)
        return {
            "requests": float(sum(self._statuses.values())),
            "errors": float(errors),
            "rows": float(self._rows),
            "batches": float(sum(self._batch.counts)),
            "response_seconds": self._response.total,
            "model_seconds": self._model.total,
            "in_flight": float(self.in_flight),
            "queue": float(self._queued()),
        }

    def page(self) -> tuple[bytes, str]:
        """Return the metrics in Prometheus' text format, and its media type."""
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry), CONTENT_TYPE_LATEST

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, as Prometheus' registry asks for them."""
        from prometheus_client.metrics_core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        requests = CounterMetricFamily("mlkraken_requests", "Queries answered.", labels=["status"])
        errors = CounterMetricFamily(
            "mlkraken_errors", "Queries answered with a status of 400 or more.", labels=["status"]
        )
        for status, count in sorted(self._statuses.items()):
            requests.add_metric([str(status)], count)
            if status >= 400:
                errors.add_metric([str(status)], count)
        yield requests
        yield errors
        yield CounterMetricFamily("mlkraken_rows", "Rows answered.", value=self._rows)
        for name, told, seen in (
            (
                "response_seconds",
                "Time from a query's first byte to its answer.",
                self._response,
            ),
            ("model_seconds", "Time the prediction itself took.", self._model),
            ("batch_rows", "Rows predicted in one call.", self._batch),
        ):
            yield HistogramMetricFamily(
                f"mlkraken_{name}", told, buckets=seen.buckets(), sum_value=seen.total
            )
        yield GaugeMetricFamily(
            "mlkraken_requests_in_flight", "Queries being answered.", value=self.in_flight
        )
        yield GaugeMetricFamily(
            "mlkraken_queue_length", "Queries waiting for the model.", value=self._queued()
        )
