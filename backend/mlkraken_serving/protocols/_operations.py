"""What operators ask of a service: is it well, and what has it done."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from mlkraken_serving.codecs._json_text import strict_json
from mlkraken_serving.protocols._described import openapi
from mlkraken_serving.protocols._docs_page import docs_page
from mlkraken_serving.protocols._kraken import failed
from mlkraken_serving.protocols._port import Page, Query, Reply, Served, Service

__all__ = ["described", "operations"]


def operations(service: Service, metrics: Callable[[], tuple[bytes, str]]) -> Served:
    """Return ``/health``, open to everyone, and Prometheus' ``/metrics``.

    Parameters
    ----------
    service
        Whose health is told.
    metrics
        Returns the page and its media type.
    """

    def healthy(query: Query) -> Reply:
        told = service.health()
        return Reply(msgspec.json.encode(told), 200 if told["ready"] else 503)

    def counted(query: Query) -> Reply:
        page, kind = metrics()
        return Reply(page, content_type=kind.encode())

    return Served(
        pages=(Page("/health", healthy, failed, open=True), Page("/metrics", counted, failed))
    )


def described(service: Service, served: Served) -> Served:
    """Return ``/openapi.json`` and ``/docs`` for all that is ``served``, themselves included."""

    def document(query: Query) -> Reply:
        return Reply(strict_json(openapi(service, everything)))

    def page(query: Query) -> Reply:
        shown = docs_page(service, openapi(service, everything))
        return Reply(shown.encode(), content_type=b"text/html; charset=utf-8")

    pages = (Page("/openapi.json", document, failed), Page("/docs", page, failed))
    everything = Served(served.endpoints, served.pages + pages, served.dialects)
    return Served(pages=pages)
