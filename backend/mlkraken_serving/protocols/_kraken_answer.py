"""``{"result": ..., "metaData": {...}}``: what is the same for all answers is written once."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from mlkraken_serving._calling import Prediction
from mlkraken_serving.codecs._json_out import describe
from mlkraken_serving.protocols._port import Service

__all__ = ["AnswerWriter"]

_USUAL = frozenset(["modelId", "exact"])
_encoder = msgspec.json.Encoder()


class AnswerWriter:
    """Writes answers of one service.

    Parameters
    ----------
    service
        What ``metaData`` is filled with.
    """

    def __init__(self, service: Service) -> None:
        self._identity = service.identity
        self._engine = service.engine
        self._kinds: dict[Any, bytes] = {}
        self._usual = self._template()

    def write(self, prediction: Prediction, meta: dict[str, Any], request_id: str) -> bytes:
        """Return the answer's body; ``meta`` is echoed."""
        exact = meta.get("exact") is True
        if meta.keys() <= _USUAL:
            plain = self._plain(prediction.value, exact)
            if plain is not None:
                return self._usual % (
                    _encoder.encode(plain[0]),
                    b'"exact":true,' if exact else b"",
                    request_id.encode(),
                    prediction.model_ms,
                    prediction.rows,
                    prediction.batch_rows,
                    plain[1],
                )
        result, kind = describe(prediction.value)
        filled = self.filled(meta, request_id, prediction) | {"resultType": kind}
        return _encode(result, filled, exact)

    def _template(self) -> bytes:
        """Return the answer of a query without ``metaData`` of its own, with gaps."""
        told = {
            "modelId": self._identity.model,
            "version": self._identity.version,
            "digest": self._identity.digest,
            "engine": self._engine.name,
        }
        known = _encoder.encode(told)[1:-1].replace(b"%", b"%%")
        return (
            b'{"result":%b,"metaData":{%b' + known + b',"requestId":"%b","modelTimeMs":%.4f,'
            b'"rows":%d,"batchRows":%d,"resultType":%b}}'
        )

    def _plain(self, value: Any, exact: bool) -> tuple[Any, bytes] | None:
        """Return a vector of numbers or truths as a list, with its ``resultType``."""
        if type(value).__module__ != "numpy" or value.ndim != 1 or not len(value):
            return None
        dtype = value.dtype
        kind = self._kinds.get(dtype)
        if kind is None:
            if dtype.kind not in "biuf" or dtype.itemsize > 8:
                return None
            kind = self._kinds[dtype] = _encoder.encode(describe(value)[1])
        plain = value.tolist()
        if exact and dtype.kind == "f" and not all(map(math.isfinite, plain)):
            return None
        return plain, kind

    def filled(self, meta: dict[str, Any], request_id: str, done: Prediction) -> dict[str, Any]:
        """Return ``metaData`` with what every answer says of itself."""
        return {
            **meta,
            "modelId": self._identity.model,
            "version": self._identity.version,
            "digest": self._identity.digest,
            "requestId": request_id,
            "modelTimeMs": round(done.model_ms, 4),
            "rows": done.rows,
            "batchRows": done.batch_rows,
            "engine": self._engine.name,
        }


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
