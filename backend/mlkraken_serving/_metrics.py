"""Prometheus metrics of one model service, in a registry of its own."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)


class Metrics:
    """Counts what one replica does.

    Parameters
    ----------
    queued
        Returns how many queries wait for the model.
    """

    def __init__(self, queued: Callable[[], int]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter(
            "mlkraken_requests", "Queries answered.", ["status"], registry=self._registry
        )
        self._by_status: dict[int, Counter] = {}
        self._response = Histogram(
            "mlkraken_response_seconds",
            "Time from a query's first byte to its answer.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._model = Histogram(
            "mlkraken_model_seconds",
            "Time the prediction itself took.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batch = Histogram(
            "mlkraken_batch_rows",
            "Rows predicted in one call.",
            buckets=_ROWS,
            registry=self._registry,
        )
        self.in_flight = Gauge(
            "mlkraken_requests_in_flight", "Queries being answered.", registry=self._registry
        )
        queue = Gauge(
            "mlkraken_queue_length", "Queries waiting for the model.", registry=self._registry
        )
        queue.set_function(queued)

    def batch(self, rows: int) -> None:
        self._batch.observe(rows)

    def answered(self, status: int, response_ms: float, model_ms: float) -> None:
        """Count one answer; ``model_ms`` is 0 where the model was not reached."""
        if status not in self._by_status:
            self._by_status[status] = self._requests.labels(str(status))
        self._by_status[status].inc()
        self._response.observe(response_ms / 1000)
        if model_ms:
            self._model.observe(model_ms / 1000)

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)
