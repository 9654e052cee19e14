"""The seed contract: ``{"modelData": ..., "metaData": {...}}`` in, ``{"result": ...}`` out."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from mlkraken_serving._core import Core, Prediction
from mlkraken_serving._errors import BodyError, ServingError, UnknownModel
from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import ModelInput
from mlkraken_serving.codecs._json_in import InputReader, parse_json
from mlkraken_serving.codecs._json_out import describe
from mlkraken_serving.protocols._port import Identity

__all__ = ["KrakenProtocol", "error_body"]

_READERS_KEPT = 64


class KrakenProtocol:
    """Answers the seed contract for one model.

    Parameters
    ----------
    core
        Runs the model.
    signature
        How the model wants its input.
    identity
        Echoed in ``metaData``.
    """

    def __init__(self, core: Core, signature: Signature, identity: Identity) -> None:
        self._core = core
        self._identity = identity
        self._reader = InputReader(signature)
        self._unsigned = signature.kind == "any"
        self._readers: dict[bytes, InputReader] = {}

    async def answer(self, body: bytes, request_id: str) -> tuple[bytes, Prediction]:
        """Answer one request body.

        Raises
        ------
        BodyError
            ``body_not_json``, ``model_data_missing`` or ``meta_data_form``.
        UnknownModel
            ``model_not_here``.
        ServingError
            What `Core.predict` and `InputReader.read` raise.
        """
        data, meta = self._read(body)
        prediction = await self._core.predict(data)
        return self._write(prediction, meta, request_id), prediction

    @property
    def idle(self) -> bool:
        """Whether `answer_now` is worth trying."""
        return self._core.idle

    def answer_now(self, body: bytes, request_id: str) -> tuple[bytes, Prediction] | None:
        """Answer as `answer` does, at once; None when the query has to wait or may take long."""
        data, meta = self._read(body)
        prediction = self._core.predict_now(data)
        if prediction is None:
            return None
        return self._write(prediction, meta, request_id), prediction

    def _read(self, body: bytes) -> tuple[ModelInput, dict[str, Any]]:
        data, meta = self._open(parse_json(body))
        return self._reader_for(meta).read(data, exact=meta.get("exact") is True), meta

    def _write(self, prediction: Prediction, meta: dict[str, Any], request_id: str) -> bytes:
        result, kind = describe(prediction.value)
        exact = meta.get("exact") is True
        return _encode(result, self._filled(meta, request_id, prediction, kind), exact)

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
        name, _, version = str(wanted).partition("@")
        here = self._identity
        # A replica knows its number but not which aliases point to it; the gateway does.
        if name != here.model or (version.isdecimal() and int(version) != here.version):
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
        key = msgspec.json.encode(described)
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

    def _filled(
        self, meta: dict[str, Any], request_id: str, done: Prediction, kind: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            **meta,
            "modelId": self._identity.model,
            "version": self._identity.version,
            "digest": self._identity.digest,
            "requestId": request_id,
            "modelTimeMs": round(done.model_ms, 4),
            "rows": done.rows,
            "batchRows": done.batch_rows,
            "engine": self._core.engine.name,
            "resultType": kind,
        }


def error_body(error: ServingError, request_id: str) -> bytes:
    """Return an error in the form all of Kraken's own routes use."""
    return msgspec.json.encode(
        {
            "error": {
                "code": error.code,
                "message": error.message,
                "hint": error.hint,
                "request_id": request_id,
            }
        }
    )


def _encode(result: Any, meta: dict[str, Any], exact: bool) -> bytes:
    """Write strict JSON, null for NaN; literals for those who said that they read them."""
    answer = {"result": result, "metaData": meta}
    try:
        if exact:
            return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
        return msgspec.json.encode(answer)
    except UnicodeEncodeError:  # half of a surrogate pair has no UTF-8, only an escape
        if not exact:
            answer = json.loads(json.dumps(answer), parse_constant=lambda literal: None)
        return json.dumps(answer, separators=(",", ":")).encode()
