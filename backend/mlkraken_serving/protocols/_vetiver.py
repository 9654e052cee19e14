"""vetiver's contract: ``/predict`` with a bare array of rows, ``/metadata`` and ``/prototype``."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import msgspec

from mlkraken_serving._core import Prediction
from mlkraken_serving._errors import BodyError, BodyTooLarge, InputError, ServingError
from mlkraken_serving._manifest import Manifest
from mlkraken_serving.codecs._json_in import parse_json
from mlkraken_serving.codecs._json_out import describe
from mlkraken_serving.codecs._json_text import strict_json
from mlkraken_serving.codecs._schema import row_schema
from mlkraken_serving.protocols._mlflow_json import ScoringReader
from mlkraken_serving.protocols._port import Ask, Page, Query, Reply, Served, Service

__all__ = ["VetiverProtocol", "is_bare_array", "vetiver"]

_ARRAY = re.compile(rb"\s*\[")
_EPOCH = dt.datetime(1970, 1, 1)
_LATEST_MS = 253402300800000


def is_bare_array(query: Query) -> bool:
    """Tell whether a body of ``/predict`` is vetiver's: a JSON array, not an object."""
    return _ARRAY.match(query.body) is not None


class VetiverProtocol:
    """Answers ``POST /predict`` for vetiver's clients.

    Parameters
    ----------
    service
        The service it stands before.
    """

    def __init__(self, service: Service) -> None:
        signature = service.manifest.signature
        self._reader = ScoringReader(signature)
        self._times = {
            field.name: bool(field.tz) for field in signature.fields if field.dtype == "datetime"
        }

    def read(self, query: Query) -> Ask:
        """Read an array of row objects; see `QueryProtocol.read`.

        Raises
        ------
        BodyError
            ``rows_form``, ``body_not_json``.
        """
        rows = parse_json(query.body)
        if not isinstance(rows, list):
            raise BodyError("rows_form", "The body is not an array.", 'Send [{"column": 1}, ...].')
        if self._times:
            rows = [self._dated(row) for row in rows]
        named = rows and all(isinstance(row, dict) for row in rows)
        return Ask(self._reader.read("dataframe_records" if named else "instances", rows))

    def write(self, ask: Ask, prediction: Prediction, query: Query) -> Reply:
        """Write what ``pandas.DataFrame`` takes: a table's columns, else ``{"predict": [...]}``."""
        plain, kind = describe(prediction.value)
        if kind.get("kind") == "dataframe":
            names = [field["name"] for field in kind["fields"]]
            return Reply(strict_json({name: [row[name] for row in plain] for name in names}))
        rows = plain if isinstance(plain, list) else [plain]
        return Reply(strict_json({"predict": rows}))

    def failed(self, error: ServingError, status: int, request_id: str) -> Reply:
        """Write an error; what is wrong with the rows is 422, which clients raise as TypeError."""
        return vetiver_error(error, status, request_id)

    def _dated(self, row: Any) -> Any:
        """Return a row whose times are text: pandas' ``to_json`` writes milliseconds of 1970."""
        if not isinstance(row, dict):
            return row
        return {
            name: _text(cell, self._times[name]) if name in self._times else cell
            for name, cell in row.items()
        }


def vetiver_error(error: ServingError, status: int, request_id: str) -> Reply:
    """Return an error as vetiver's server writes it."""
    if isinstance(error, InputError) and not isinstance(error, BodyTooLarge):
        status = 422
    told = {"detail": f"{error.message} {error.hint}".strip(), "code": error.code}
    return Reply(strict_json(told), status)


def vetiver(service: Service) -> Served:
    """Return ``/metadata`` and ``/prototype``; ``/predict`` is shared with Kraken's own form."""
    identity, manifest = service.identity, service.manifest

    def metadata(query: Query) -> Reply:
        told = {
            "user": {"model": identity.model, "digest": identity.digest},
            "version": str(identity.version),
            "url": None,
            "required_pkgs": _packages(manifest),
            "python_version": _python(manifest),
        }
        return Reply(msgspec.json.encode(told))

    def prototype(query: Query) -> Reply:
        return Reply(msgspec.json.encode({"title": "prototype", **row_schema(manifest.signature)}))

    return Served(
        pages=(
            Page("/metadata", metadata, vetiver_error),
            Page("/prototype", prototype, vetiver_error),
        )
    )


def _packages(manifest: Manifest) -> list[str]:
    known = {"sklearn": "scikit-learn", "function": "", "object": ""}
    package = known.get(manifest.flavor, manifest.flavor)
    return [package] if package else []


def _python(manifest: Manifest) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", manifest.environment.python.version)]


def _text(cell: Any, zoned: bool) -> Any:
    if type(cell) is not int or abs(cell) >= _LATEST_MS:
        return cell
    try:
        stamp = _EPOCH + dt.timedelta(milliseconds=cell)
    except OverflowError:
        return cell
    return stamp.isoformat() + ("+00:00" if zoned else "")
