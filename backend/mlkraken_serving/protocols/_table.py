"""Every protocol that a service speaks, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlkraken_serving.protocols._arrow import ArrowProtocol, is_columnar
from mlkraken_serving.protocols._kraken import kraken
from mlkraken_serving.protocols._kserve_v1 import kserve_v1
from mlkraken_serving.protocols._oip import open_inference
from mlkraken_serving.protocols._operations import described, operations
from mlkraken_serving.protocols._port import Served, Service
from mlkraken_serving.protocols._sagemaker import scoring
from mlkraken_serving.protocols._vetiver import VetiverProtocol, is_bare_array, vetiver

__all__ = ["served"]


def served(service: Service, metrics: Callable[[], tuple[bytes, str]], accept: str = "") -> Served:
    """Return all that a service answers.

    Parameters
    ----------
    service
        The service.
    metrics
        Returns the metrics' page and its media type.
    accept
        Type of an answer to ``/invocations`` whose query does not choose one.
    """
    parts = [
        kraken(
            service,
            (is_columnar, ArrowProtocol(service)),
            (is_bare_array, VetiverProtocol(service)),
        ),
        open_inference(service),
        kserve_v1(service),
        scoring(service, accept),
        vetiver(service),
        operations(service, metrics),
    ]
    all_parts = _together(parts)
    return _together([all_parts, described(service, all_parts)])


def _together(parts: Sequence[Served]) -> Served:
    return Served(
        tuple(endpoint for part in parts for endpoint in part.endpoints),
        tuple(page for part in parts for page in part.pages),
        {prefix: failed for part in parts for prefix, failed in part.dialects.items()},
    )
