"""KServe's first protocol: ``{"instances": [...]}`` in, ``{"predictions": [...]}`` out."""

from __future__ import annotations

from typing import Any

from mlkraken_serving._core import Prediction
from mlkraken_serving._errors import BodyError, NoRoute, ServingError
from mlkraken_serving.codecs._json_in import InputReader, parse_json
from mlkraken_serving.codecs._json_out import describe
from mlkraken_serving.codecs._json_text import strict_json
from mlkraken_serving.protocols._oip_read import check_model
from mlkraken_serving.protocols._oip_write import failed, json_reply
from mlkraken_serving.protocols._port import Ask, Endpoint, Page, Query, Reply, Served, Service

__all__ = ["KserveV1", "kserve_v1"]

_VERB = ":predict"
_HINT = 'Send {"instances": [...]}: a list of rows, as objects or lists.'


class KserveV1:
    """Answers ``POST /v1/models/{model}:predict``.

    Parameters
    ----------
    service
        The service it stands before.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reader = InputReader(service.manifest.signature)

    def read(self, query: Query) -> Ask:
        """See `QueryProtocol.read`; the rows may also be called ``inputs``."""
        check_model(query, self._service.identity)
        try:
            message = parse_json(query.body)
        except BodyError as error:
            raise BodyError(error.code, error.message, _HINT) from error
        rows = _rows(message)
        if rows is None:
            raise BodyError("instances_missing", "The body has no list of instances.", _HINT)
        return Ask(self._reader.read(rows))

    def write(self, ask: Ask, prediction: Prediction, query: Query) -> Reply:
        """See `QueryProtocol.write`."""
        predictions, _ = describe(prediction.value)
        return Reply(strict_json({"predictions": predictions}))

    def failed(self, error: ServingError, status: int, request_id: str) -> Reply:
        """See `QueryProtocol.failed`."""
        return failed(error, status, request_id)


def kserve_v1(service: Service) -> Served:
    """Return all that the protocol answers."""

    def models(query: Query) -> Reply:
        return json_reply({"models": [service.identity.model]})

    def model(query: Query) -> Reply:
        if query.parts["model"].endswith(_VERB):  # a path of its own, but not to the router
            raise NoRoute(
                "method_not_allowed",
                f"{query.method} {query.path} is not served.",
                "Allowed here: POST.",
                ("POST",),
            )
        check_model(query, service.identity)
        ready = bool(service.health().get("ready"))
        return json_reply({"name": service.identity.model, "ready": ready}, 200 if ready else 503)

    def alive(query: Query) -> Reply:
        return json_reply({"status": "alive"})

    return Served(
        (Endpoint(f"/v1/models/{{model}}{_VERB}", KserveV1(service)),),
        (
            Page("/", alive, failed, open=True),
            Page("/v1/models", models, failed),
            Page("/v1/models/{model}", model, failed),
        ),
        {"/v1": failed},
    )


def _rows(message: Any) -> list[Any] | None:
    if not isinstance(message, dict):
        return None
    rows = message.get("instances", message.get("inputs"))
    return rows if isinstance(rows, list) else None
