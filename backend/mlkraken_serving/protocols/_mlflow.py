"""MLflow's scoring protocol: ``/invocations``, ``/ping`` and ``/version``.

What differs from MLflow's own server, because its clients cannot mind and people do: an answer is
strict JSON (null for NaN), a body without a Content-Type is read, and a model that raises is
answered 500 with one line, not 400 with a stack trace.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from mlkraken_serving._core import Prediction
from mlkraken_serving._errors import BodyError, NoRoute, ServingError
from mlkraken_serving._values import ModelInput, Tuned
from mlkraken_serving.codecs._json_in import parse_json
from mlkraken_serving.codecs._json_out import describe
from mlkraken_serving.codecs._json_text import strict_json
from mlkraken_serving.codecs._quick import Envelope, quick_reader
from mlkraken_serving.protocols._mlflow_bodies import media_type, read_other
from mlkraken_serving.protocols._mlflow_json import FORMS, ScoringReader
from mlkraken_serving.protocols._port import Ask, Page, Query, Reply, Service

__all__ = ["MlflowProtocol", "mlflow_error", "mlflow_pages"]

_UNWRAPPED = ("messages", "prompt", "input")
"""Keys of bodies for language models, which are passed on whole and answered whole."""

_JSON = b"application/json"
_BEGINNING = re.compile(rb'\s*\{\s*"(\w+)"\s*:')
_ENVELOPES = [
    Envelope("inputs", "params", closed=True),
    Envelope("instances", "params", single=False, closed=True),
    Envelope("dataframe_records", "params", single=False, closed=True),
]
"""Bodies that one decoder reads, where nothing is missing and nothing beyond."""

_ERROR_CODES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    409: "RESOURCE_CONFLICT",
    429: "REQUEST_LIMIT_EXCEEDED",
    501: "NOT_IMPLEMENTED",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class MlflowProtocol:
    """Answers ``POST /invocations``.

    Parameters
    ----------
    service
        The service it stands before.
    """

    def __init__(self, service: Service) -> None:
        self._signature = service.manifest.signature
        self._engine = service.engine
        self._reader = ScoringReader(self._signature)
        self._quick = {
            envelope.rows.encode(): reader
            for envelope in _ENVELOPES
            if (reader := quick_reader(self._signature, envelope)) is not None
        }

    def read(self, query: Query) -> Ask:
        """Read a body of any content type that is taken; see `QueryProtocol.read`.

        Raises
        ------
        RequestRefused
            ``content_type_unsupported``.
        BodyError
            ``invocation_form``, ``params_form``, ``params_unsupported`` or ``method_unknown``, and
            what the codecs raise.
        """
        quick = self._read_quickly(query)
        if quick is not None:
            return quick
        kind = media_type(query)
        if kind != "application/json":
            return Ask(read_other(kind, query, self._signature))
        message = parse_json(query.body)
        if not isinstance(message, dict):
            raise _wrong_form(f"It is {'a list' if isinstance(message, list) else 'one value'}.")
        present = [form for form in FORMS if form in message]
        if not present and any(key in message for key in _UNWRAPPED):
            return Ask(self._reader.whole(message), context="unwrapped")
        if len(present) != 1:
            raise _wrong_form(f"It has {' and '.join(present) or 'none of them'}.")
        return self._ask(self._reader.read(present[0], message[present[0]]), message.get("params"))

    def write(self, ask: Ask, prediction: Prediction, query: Query) -> Reply:
        """Write ``{"predictions": ...}``; see `QueryProtocol.write`."""
        plain = predictions_of(prediction.value)
        answer = plain if ask.context == "unwrapped" else {"predictions": plain}
        return Reply(strict_json(answer))

    def failed(self, error: ServingError, status: int, request_id: str) -> Reply:
        """Write an error as MLflow does; see `QueryProtocol.failed`."""
        return mlflow_error(error, status, request_id)

    def _read_quickly(self, query: Query) -> Ask | None:
        """Return what a body of the usual form wants; None for one that needs a closer look."""
        if query.headers.get(b"content-type", _JSON) != _JSON:
            return None
        begun = _BEGINNING.match(query.body)
        reader = self._quick.get(begun[1]) if begun else None
        rows = reader.read(query.body) if reader else None
        return None if rows is None else self._ask(*rows)

    def _ask(self, data: ModelInput, params: Any) -> Ask:
        calls, parameters = self._params(params)
        if parameters and not isinstance(data, Tuned):
            data = Tuned(data, parameters)
        return Ask(data, calls)

    def _params(self, params: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Return the methods to call and the parameters of the model itself."""
        if params is None or params == {}:
            return (), {}
        if not isinstance(params, dict):
            raise BodyError("params_form", "params is not an object.", 'Send "params": {}.')
        known = self._engine.parameters
        parameters = {name: value for name, value in params.items() if name in known}
        others = [name for name in params if name not in known and name != "method"]
        if others:
            raise BodyError(
                "params_unsupported",
                f"The model takes no parameter {others[0]!r}.",
                f"It takes {', '.join(known) or 'none'}; params.method names one of its methods.",
            )
        method = None if "method" in known else params.get("method")
        if method is None:
            return (), parameters
        if method not in self._engine.calls:
            raise BodyError(
                "method_unknown",
                f"The model has no method {method!r} that can be asked for.",
                f"It has {', '.join(self._engine.calls)}.",
            )
        return (method,), parameters


def predictions_of(value: Any) -> Any:
    """Return an answer as MLflow puts it: records for a frame or series, else plain lists."""
    if type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "to_frame"):
        value = value.to_frame()  # of a series, as MLflow writes it
    return describe(value)[0]


def mlflow_error(error: ServingError, status: int, request_id: str) -> Reply:
    """Return an error as MLflow writes it, our own code in ``error_class``."""
    code = _ERROR_CODES.get(status)
    if status == 422:  # which MLflow does not know: what its schema refuses is 400
        status, code = 400, "INVALID_PARAMETER_VALUE"
    default = "BAD_REQUEST" if status < 500 else "INTERNAL_ERROR"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if isinstance(error, NoRoute) and error.allowed:
        headers = ((b"allow", ", ".join(error.allowed).encode()),)
    body = {
        "error_code": code or default,
        "message": f"{error.message} {error.hint}".strip(),
        "error_class": error.code,
    }
    return Reply(strict_json(body), status, headers=headers)


def mlflow_pages(service: Service) -> tuple[Page, ...]:
    """Return ``/ping`` and ``/version``, which their callers ask without a credential.

    ``/ping`` is asked by MLflow and SageMaker for its status alone and by vetiver for
    ``{"ping": "pong"}``, to which its R package's server adds ``status`` and ``time``.
    """

    def ping(query: Query) -> Reply:
        ready = bool(service.health().get("ready"))
        now = dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds")
        told: Mapping[str, Any] = {
            "ping": "pong",
            "status": "online" if ready else "offline",
            "time": now,
        }
        return Reply(msgspec.json.encode(told), 200 if ready else 503)

    def version(query: Query) -> Reply:
        return Reply(importlib.metadata.version("mlkraken").encode())

    return (
        Page("/ping", ping, mlflow_error, open=True),
        Page("/version", version, mlflow_error, open=True),
    )


def _wrong_form(what: str) -> BodyError:
    return BodyError(
        "invocation_form",
        f"The body is not an object with exactly one of {', '.join(FORMS)}. {what}",
        'Send {"dataframe_split": {"columns": [...], "data": [[...]]}} or {"instances": [...]}.',
    )
