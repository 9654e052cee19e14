"""What SageMaker's container contract adds to ``/invocations``: Accept and custom attributes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

from mlkraken_serving._core import Prediction
from mlkraken_serving._errors import ServingError
from mlkraken_serving.codecs._json_text import strict_json
from mlkraken_serving.codecs._npy import write_npy
from mlkraken_serving.protocols._mlflow import MlflowProtocol, mlflow_pages, predictions_of
from mlkraken_serving.protocols._port import Ask, Endpoint, Query, Reply, Served, Service

__all__ = ["InvocationsProtocol", "scoring"]

_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
_ATTRIBUTE_TEXT = re.compile(rb"[\x20-\x7e]{1,1024}")
"""As long as SageMaker itself takes them; longer ones are not echoed."""

_JSON = "application/json"


class InvocationsProtocol:
    """Answers ``POST /invocations`` for MLflow's and SageMaker's clients.

    Parameters
    ----------
    service
        The service it stands before.
    accept
        Type of an answer whose query does not choose; "" is JSON.
    """

    def __init__(self, service: Service, accept: str = "") -> None:
        self._scoring = MlflowProtocol(service)
        self._default = accept if accept in _WRITERS else _JSON

    def read(self, query: Query) -> Ask:
        """Read a body as MLflow's protocol says; see `MlflowProtocol.read`."""
        return self._scoring.read(query)

    def write(self, ask: Ask, prediction: Prediction, query: Query) -> Reply:
        """Write the answer in the first type of ``Accept`` that there is, else the default."""
        kind = self._accepted(query.headers.get(b"accept", b""))
        if kind == _JSON:
            reply = self._scoring.write(ask, prediction, query)
        else:
            reply = Reply(_WRITERS[kind](prediction.value), content_type=kind.encode())
        attributes = query.headers.get(_ATTRIBUTES)
        if attributes is None or not _ATTRIBUTE_TEXT.fullmatch(attributes):
            return reply
        return Reply(reply.body, reply.status, reply.content_type, ((_ATTRIBUTES, attributes),))

    def failed(self, error: ServingError, status: int, request_id: str) -> Reply:
        """Write an error as MLflow does; see `QueryProtocol.failed`."""
        return self._scoring.failed(error, status, request_id)

    def _accepted(self, accept: bytes) -> str:
        if accept in (b"", b"*/*"):
            return self._default
        wanted = sorted(
            map(_ranked, accept.decode("latin-1").split(",")), key=lambda item: -item[0]
        )
        for weight, kind in wanted:
            if weight > 0 and kind in ("*/*", "application/*"):
                return self._default
            if weight > 0 and kind in _WRITERS:
                return kind
        return self._default


def scoring(service: Service, accept: str = "") -> Served:
    """Return what MLflow's and SageMaker's clients ask for; see `InvocationsProtocol`."""
    protocol = InvocationsProtocol(service, accept)
    endpoints = (Endpoint("/invocations", protocol),)
    return Served(endpoints, mlflow_pages(service), {"/invocations": protocol.failed})


def _ranked(item: str) -> tuple[float, str]:
    kind, _, rest = item.partition(";")
    weight = re.search(r"q\s*=\s*([0-9.]+)", rest)
    try:
        return (float(weight[1]) if weight else 1.0), kind.strip().lower()
    except ValueError:
        return 0.0, kind.strip().lower()


def _json(value: Any) -> bytes:
    return strict_json({"predictions": predictions_of(value)})


def _csv(value: Any) -> bytes:
    """Write one line a prediction and no header, as SageMaker's own containers do."""
    into = io.StringIO()
    writer = csv.writer(into, lineterminator="\n")
    for row in _lines(value):
        cells = row.values() if isinstance(row, dict) else row if isinstance(row, list) else [row]
        writer.writerow(["" if _missing(cell) else _cell(cell) for cell in cells])
    return into.getvalue().encode("utf-8", "surrogatepass")


def _json_lines(value: Any) -> bytes:
    return b"".join(strict_json(row) + b"\n" for row in _lines(value))


def _lines(value: Any) -> list[Any]:
    plain = predictions_of(value)
    return plain if isinstance(plain, list) else [plain]


def _missing(cell: Any) -> bool:
    return cell is None or cell != cell  # noqa: PLR0124 - NaN


def _cell(cell: Any) -> Any:
    return strict_json(cell).decode() if isinstance(cell, (list, dict)) else cell


_WRITERS: dict[str, Callable[[Any], bytes]] = {
    _JSON: _json,
    "text/csv": _csv,
    "application/x-npy": write_npy,
    "application/jsonlines": _json_lines,
}
