"""The Open Inference Protocol's documents: health, metadata, repository, statistics."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Callable
from typing import Any

from mlkraken_serving._errors import BodyError
from mlkraken_serving.codecs._json_in import parse_json
from mlkraken_serving.protocols._oip_metadata import model_config, model_metadata
from mlkraken_serving.protocols._oip_read import check_model
from mlkraken_serving.protocols._oip_write import failed, json_reply
from mlkraken_serving.protocols._port import Page, Query, Reply, Service

__all__ = ["oip_pages"]

_EXTENSIONS = [
    "binary_tensor_data",
    "model_repository",
    "model_configuration",
    "statistics",
    "pandas",
]


def oip_pages(service: Service) -> tuple[Page, ...]:
    """Return the pages below ``/v2``."""
    pages = _Pages(service)

    def page(path: str, answer: Callable[[Query], Reply], method: str = "GET") -> Page:
        return Page(path, answer, failed, (method,))

    model, version = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
    return (
        Page("/v2/health/live", pages.live, failed, open=True),
        Page("/v2/health/ready", pages.ready, failed, open=True),
        page("/v2", pages.server),
        page("/v2/models", pages.models),
        page("/v2/models/stats", pages.statistics),
        *(
            page(f"{base}{rest}", pages.of_model(answer))
            for base in (model, version)
            for rest, answer in (
                ("", pages.metadata),
                ("/ready", pages.model_ready),
                ("/config", pages.config),
                ("/stats", pages.statistics),
            )
        ),
        page("/v2/repository/index", pages.index, "POST"),
        page("/v2/repository/models/{model}/load", pages.of_model(pages.load), "POST"),
        page("/v2/repository/models/{model}/unload", pages.of_model(pages.unload), "POST"),
    )


class _Pages:
    def __init__(self, service: Service) -> None:
        self._service = service

    def of_model(self, answer: Callable[[Query], Reply]) -> Callable[[Query], Reply]:
        """Return ``answer`` for this model and version only."""

        @functools.wraps(answer)
        def checked(query: Query) -> Reply:
            check_model(query, self._service.identity)
            return answer(query)

        return checked

    def live(self, query: Query) -> Reply:
        return self._health("live")

    def ready(self, query: Query) -> Reply:
        return self._health("ready")

    def _health(self, asked: str) -> Reply:
        """Answer clients that look at the status and clients that look into the body alike."""
        health = self._service.health()
        document = {"live": bool(health.get("live")), "ready": bool(health.get("ready"))}
        return json_reply(document, 200 if document[asked] else 503)

    def server(self, query: Query) -> Reply:
        version = importlib.metadata.version("mlkraken")
        return json_reply({"name": "mlkraken", "version": version, "extensions": _EXTENSIONS})

    def models(self, query: Query) -> Reply:
        return json_reply({"models": [self._service.identity.model]})

    def metadata(self, query: Query) -> Reply:
        return json_reply(model_metadata(self._service))

    def model_ready(self, query: Query) -> Reply:
        ready = bool(self._service.health().get("ready"))
        name = self._service.identity.model
        return json_reply({"name": name, "ready": ready}, 200 if ready else 503)

    def config(self, query: Query) -> Reply:
        return json_reply(model_config(self._service))

    def statistics(self, query: Query) -> Reply:
        return json_reply({"model_stats": [self._statistics()]})

    def _statistics(self) -> dict[str, Any]:
        """Return Triton's statistics, as far as this server counts the same."""
        counts, identity = self._service.counts(), self._service.identity
        bad = int(counts["errors"])
        good = int(counts["requests"]) - bad
        waited, computed = counts["response_seconds"], counts["model_seconds"]
        return {
            "name": identity.model,
            "version": str(identity.version),
            "inference_count": int(counts["rows"]),
            "execution_count": int(counts["batches"]),
            "inference_stats": {
                "success": _duration(good, waited),
                "fail": _duration(bad, 0.0),
                "queue": _duration(good, max(waited - computed, 0.0)),
                "compute_infer": _duration(good, computed),
            },
            "batch_stats": [],
        }

    def index(self, query: Query) -> Reply:
        wanted = parse_json(query.body) if query.body else {}
        if not isinstance(wanted, dict):
            raise BodyError("request_form", "The body is not an object.", 'Send {} or {"ready"}.')
        ready = bool(self._service.health().get("ready"))
        if wanted.get("ready") is True and not ready:
            return json_reply([])
        identity = self._service.identity
        state = "READY" if ready else "UNAVAILABLE"
        return json_reply(
            [
                {
                    "name": identity.model,
                    "version": str(identity.version),
                    "state": state,
                    "reason": "" if ready else str(self._service.health().get("status", "")),
                }
            ]
        )

    def load(self, query: Query) -> Reply:
        """A service has its model from the start, so that asking for it is granted."""
        return json_reply({})

    def unload(self, query: Query) -> Reply:
        return json_reply(
            {
                "error": "unload_unsupported: A service has one model for as long as it runs. Stop "
                "it on the control plane: service.stop(), or mlkraken stop."
            },
            501,
        )


def _duration(count: int, seconds: float) -> dict[str, int]:
    return {"count": count, "ns": int(seconds * 1e9)}
