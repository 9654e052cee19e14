"""Columns in, columns out: Arrow, Parquet and CSV on the paths of the seed contract."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from mlkraken_serving._core import Prediction
from mlkraken_serving._errors import ServingError
from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import ModelInput
from mlkraken_serving.codecs._arrow_in import read_arrow_input
from mlkraken_serving.codecs._arrow_out import write_arrow
from mlkraken_serving.codecs._csv import read_csv
from mlkraken_serving.codecs._csv_header import header_told
from mlkraken_serving.codecs._json_text import strict_json
from mlkraken_serving.codecs._outputs import outputs_of_calls
from mlkraken_serving.codecs._parquet import read_parquet
from mlkraken_serving.protocols._kraken import KrakenProtocol
from mlkraken_serving.protocols._port import JSON, Ask, Query, Reply, Service

__all__ = ["ArrowProtocol", "is_columnar"]

STREAM = "application/vnd.apache.arrow.stream"
_ANSWERED_ALIKE = (STREAM, "application/vnd.apache.arrow.file", "application/vnd.apache.parquet")
_STREAM = STREAM.encode()
_NOTE = "mlkraken"
"""Where the stream's schema has what ``metaData`` says in JSON."""


def is_columnar(query: Query) -> bool:
    """Tell whether a query brings columns, or wants some."""
    kind = query.headers.get(b"content-type")
    return (kind is not None and kind != JSON and query.content_type in _READERS) or (
        _STREAM in query.headers.get(b"accept", b"")
    )


class ArrowProtocol:
    """Answers queries whose body is Arrow, Parquet or CSV, or that accept Arrow.

    An Arrow or Parquet body is answered in Arrow unless ``Accept`` asks for JSON, a CSV or JSON
    body in JSON unless ``Accept`` asks for Arrow. ``?method=`` asks for another method of the
    model.

    Parameters
    ----------
    service
        The service it stands before.
    """

    def __init__(self, service: Service) -> None:
        self._engine = service.engine
        self._signature = service.manifest.signature
        self._json = KrakenProtocol(service)

    def read(self, query: Query) -> Ask:
        """Return what the query wants; see `QueryProtocol.read`.

        Raises
        ------
        BodyError
            ``method_unknown``, and what the codecs raise.
        """
        read = _READERS.get(query.content_type)
        if read is None:
            return self._json.read(query)
        arguments = parse_qs(query.arguments.decode("latin-1"))
        calls = self._json.calls(arguments.get("method", [None])[-1])
        return Ask(read(query, self._signature), calls, {})

    def write(self, ask: Ask, prediction: Prediction, query: Query) -> Reply:
        """Return the answer in the form that the caller reads; see `QueryProtocol.write`."""
        if not _wants_arrow(query):
            return self._json.write(ask, prediction, query)
        calls = ask.calls or self._engine.calls[:1]
        outputs = outputs_of_calls(prediction.value, calls, self._engine.classes, prediction.rows)
        told = self._json.filled(ask.context, query.request_id, prediction)
        note = strict_json(told).decode()
        return Reply(write_arrow(outputs, {_NOTE: note}), content_type=STREAM.encode())

    def failed(self, error: ServingError, status: int, request_id: str) -> Reply:
        """Return an error in the house's own form."""
        return self._json.failed(error, status, request_id)


def _wants_arrow(query: Query) -> bool:
    accept = query.headers.get(b"accept", b"").lower()
    if STREAM.encode() in accept:
        return True
    return query.content_type in _ANSWERED_ALIKE and b"application/json" not in accept


def _arrow(query: Query, signature: Signature) -> ModelInput:
    return read_arrow_input(query.body, signature)


def _parquet(query: Query, signature: Signature) -> ModelInput:
    return read_parquet(query.body, signature)


def _csv(query: Query, signature: Signature) -> ModelInput:
    header = header_told(query.headers.get(b"content-type", b""))
    return read_csv(query.body, signature, header=header)


_READERS: dict[str, Callable[[Query, Signature], ModelInput]] = {
    STREAM: _arrow,
    "application/vnd.apache.arrow.file": _arrow,
    "application/vnd.apache.parquet": _parquet,
    "text/csv": _csv,
}
