"""Bodies of ``/invocations`` that are not JSON objects: CSV, Parquet, numpy files, JSON lines.

The type is told by Content-Type where that says anything, else by how the body begins: many
clients send none, ``curl -d`` sends a form's, and SageMaker's SDK sends octet-stream.
"""

from __future__ import annotations

import re

from mlkraken_serving._errors import RequestRefused
from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import ModelInput
from mlkraken_serving.codecs._csv import header_told, read_csv
from mlkraken_serving.codecs._json_in import InputReader, parse_json
from mlkraken_serving.codecs._npy import NPY, NPZ, read_npy
from mlkraken_serving.codecs._parquet import read_parquet
from mlkraken_serving.protocols._port import Query

__all__ = ["TYPES", "media_type", "read_other"]

_PARQUET = "application/vnd.apache.parquet"

TYPES = {
    "application/json": "application/json",
    "text/csv": "text/csv",
    "application/vnd.apache.parquet": _PARQUET,
    "application/x-parquet": _PARQUET,
    "application/x-npy": "application/x-npy",
    "application/x-npz": "application/x-npz",
    "application/jsonlines": "application/jsonlines",
    "application/x-jsonlines": "application/jsonlines",
    "application/x-ndjson": "application/jsonlines",
}
"""What is taken, and the name each goes by here."""

_SAYS_NOTHING = ("", "application/octet-stream", "application/x-www-form-urlencoded")
_BEGINNINGS = (
    (b"PAR1", _PARQUET),
    (NPY, "application/x-npy"),
    (NPZ, "application/x-npz"),
)
_PARAMETERS = {"application/json": {"charset"}, "text/csv": {"charset", "header"}}
_PARAMETER = re.compile(r"""\s*([^\s=;]+)\s*=\s*"?([^";]*)"?\s*""")


def media_type(query: Query) -> str:
    """Return what the body is, by one of the names in `TYPES`.

    Raises
    ------
    RequestRefused
        ``content_type_unsupported``, status 415.
    """
    given = query.content_type
    if given in _SAYS_NOTHING:
        return _sniffed(query.body)
    kind = TYPES.get(given)
    if kind is None:
        raise _unsupported(f"Bodies of the type {given!r} are not taken here")
    for name, value in _parameters(query).items():
        if name not in _PARAMETERS.get(kind, ()):
            raise _unsupported(f"The Content-Type has the parameter {name!r}")
        if name == "charset" and value.lower() not in ("utf-8", "utf8"):
            raise _unsupported(f"The Content-Type names the charset {value!r}")
    return kind


def read_other(kind: str, query: Query, signature: Signature) -> ModelInput:
    """Return the rows of a body that is not a JSON object.

    Parameters
    ----------
    kind
        What `media_type` said.

    Raises
    ------
    InputError
        What the codec of ``kind`` raises.
    """
    if kind == "text/csv":
        header = header_told(query.headers.get(b"content-type", b""))
        return read_csv(query.body, signature, header=header)
    if kind == _PARQUET:
        return read_parquet(query.body, signature)
    if kind == "application/jsonlines":
        lines = [line for line in query.body.splitlines() if line.strip()]
        return InputReader(signature).read(parse_json(b"[" + b",".join(lines) + b"]"))
    return read_npy(query.body, signature)


def _sniffed(body: bytes) -> str:
    for beginning, kind in _BEGINNINGS:
        if body.startswith(beginning):
            return kind
    return "application/json"


def _parameters(query: Query) -> dict[str, str]:
    _, _, rest = query.headers.get(b"content-type", b"").decode("latin-1").partition(";")
    found = {}
    for part in filter(str.strip, rest.split(";")):
        told = _PARAMETER.fullmatch(part)
        name, value = told.groups() if told else (part.strip(), "")
        found[name.lower()] = value.strip()
    return found


def _unsupported(what: str) -> RequestRefused:
    return RequestRefused(
        "content_type_unsupported",
        f"{what}.",
        f"Send UTF-8 as one of {', '.join(dict.fromkeys(TYPES.values()))}, "
        "with no parameter but charset.",
        415,
    )
