"""Every protocol that a service speaks, put together."""

from __future__ import annotations

from collections.abc import Callable

from mlkraken_serving.protocols._kraken import kraken
from mlkraken_serving.protocols._kserve_v1 import kserve_v1
from mlkraken_serving.protocols._oip import open_inference
from mlkraken_serving.protocols._operations import operations
from mlkraken_serving.protocols._port import Served, Service

__all__ = ["served"]


def served(service: Service, metrics: Callable[[], tuple[bytes, str]]) -> Served:
    """Return all that a service answers.

    Parameters
    ----------
    service
        The service.
    metrics
        Returns the metrics' page and its media type.
    """
    parts = [
        kraken(service),
        open_inference(service),
        kserve_v1(service),
        operations(service, metrics),
    ]
    return Served(
        tuple(endpoint for part in parts for endpoint in part.endpoints),
        tuple(page for part in parts for page in part.pages),
        {prefix: failed for part in parts for prefix, failed in part.dialects.items()},
    )
