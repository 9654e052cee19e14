"""The seed contract: ``{"modelData": ..., "metaData": {...}}`` in, ``{"result": ...}`` out."""

from __future__ import annotations

from typing import Any

import msgspec

from mlkraken_serving._core import Prediction
from mlkraken_serving._errors import BodyError, NoRoute, ServingError, UnknownModel
from mlkraken_serving._manifest import Signature
from mlkraken_serving.codecs._json_in import InputReader, parse_json
from mlkraken_serving.codecs._json_text import strict_json
from mlkraken_serving.codecs._quick import quick_reader
from mlkraken_serving.protocols._kraken_answer import AnswerWriter
from mlkraken_serving.protocols._port import Ask, Endpoint, Query, Reply, Served, Service
from mlkraken_serving.protocols._sharing import Case, SharedPath

__all__ = ["KrakenProtocol", "failed", "kraken"]

_READERS_KEPT = 64


class KrakenProtocol:
    """Answers the seed contract for one model.

    Parameters
    ----------
    service
        The model's signature, and what ``metaData`` is filled with.
    """

    def __init__(self, service: Service) -> None:
        self._engine = service.engine
        self._identity = service.identity
        signature = service.manifest.signature
        self._reader = InputReader(signature)
        self._quick = quick_reader(signature)
        self._writer = AnswerWriter(service)
        self._unsigned = signature.kind == "any"
        self._readers: dict[bytes, InputReader] = {}

    def read(self, query: Query) -> Ask:
        """Return what the query wants; see `QueryProtocol.read`.

        Raises
        ------
        BodyError
            ``body_not_json``, ``model_data_missing``, ``meta_data_form``, ``signature_form`` or
            ``method_unknown``.
        UnknownModel
            ``model_not_here``.
        InputError
            What `InputReader.read` raises.
        """
        quick = self._quick.read(query.body) if self._quick else None
        if quick is not None:
            data, meta = quick
            self._check_model(meta.get("modelId"))
            return Ask(data, self.calls(meta.get("method")), meta)
        data, meta = self._open(parse_json(query.body))
        calls = self.calls(meta.get("method"))
        return Ask(self._reader_for(meta).read(data, exact=meta.get("exact") is True), calls, meta)

    def write(self, ask: Ask, prediction: Prediction, query: Query) -> Reply:
        """Return the answer; see `QueryProtocol.write`."""
        return Reply(self._writer.write(prediction, ask.context, query.request_id))

    def failed(self, error: ServingError, status: int, request_id: str) -> Reply:
        """Return an error in the house's own form."""
        return failed(error, status, request_id)

    def calls(self, method: Any) -> tuple[str, ...]:
        """Return what to call for a method's name, nothing for None.

        Raises
        ------
        BodyError
            ``method_unknown``.
        """
        if method is None:
            return ()
        if method not in self._engine.calls:
            raise BodyError(
                "method_unknown",
                f"The model has no method {method!r} that answers queries.",
                f"It has {', '.join(self._engine.calls)}.",
            )
        return (method,)

    def _open(self, message: Any) -> tuple[Any, dict[str, Any]]:
        if not isinstance(message, dict) or "modelData" not in message:
            raise BodyError(
                "model_data_missing",
                "The body has no modelData.",
                'Send {"modelData": ..., "metaData": {"modelId": "..."}}.',
            )
        meta = message.get("metaData") or {}
        if not isinstance(meta, dict):
            raise BodyError(
                "meta_data_form", "metaData is not an object.", 'Send "metaData": {} or leave it.'
            )
        self._check_model(meta.get("modelId"))
        return message["modelData"], meta

    def _check_model(self, wanted: Any) -> None:
        if wanted is None:
            return
        here = self._identity
        if wanted == here.model:
            return
        name, _, version = str(wanted).partition("@")
        if not here.is_meant(name, version):
            raise UnknownModel(
                "model_not_here",
                f"This service is {here.model}@{here.version}, not {wanted}.",
                "Ask the backend's /api/v1/query, which finds the model itself.",
            )

    def _reader_for(self, meta: dict[str, Any]) -> InputReader:
        """A model without a signature takes the one that its caller sends along."""
        described = meta.pop("signature", None)
        if not self._unsigned or described is None:
            return self._reader
        key = strict_json(described)
        if key not in self._readers:
            if len(self._readers) >= _READERS_KEPT:
                self._readers.clear()
            try:
                self._readers[key] = InputReader(msgspec.convert(described, Signature))
            except (ValueError, TypeError) as error:  # msgspec's, or numpy's of a dtype
                raise BodyError(
                    "signature_form",
                    f"metaData.signature is not a signature: {error}.",
                    "Leave it out, or send what the version's document has.",
                ) from error
        return self._readers[key]

    def filled(self, meta: dict[str, Any], request_id: str, done: Prediction) -> dict[str, Any]:
        """Return ``metaData`` with what the answer says of itself."""
        return self._writer.filled(meta, request_id, done)


def failed(error: ServingError, status: int, request_id: str) -> Reply:
    """Return an error in the form that all of Kraken's own routes use."""
    told = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "request_id": request_id,
    }
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if isinstance(error, NoRoute) and error.allowed:
        headers = ((b"allow", ", ".join(error.allowed).encode()),)
    return Reply(strict_json({"error": told}), status, headers=headers)


def kraken(service: Service, everywhere: Case, *cases: Case) -> Served:
    """Return what is served in Kraken's own form.

    ``everywhere`` shares both paths with it, ``cases`` share ``/predict``.
    """
    protocol = KrakenProtocol(service)
    endpoints = (
        Endpoint("/", SharedPath(protocol, everywhere)),
        Endpoint("/predict", SharedPath(protocol, everywhere, *cases)),
    )
    return Served(endpoints, (), {"/": failed})
