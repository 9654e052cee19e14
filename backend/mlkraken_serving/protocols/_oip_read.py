"""Requests of the Open Inference Protocol: JSON with the tensors in it or as bytes behind it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from mlkraken_serving._errors import BodyError, UnknownModel
from mlkraken_serving.codecs._columns import shown
from mlkraken_serving.codecs._json_in import parse_json
from mlkraken_serving.codecs._oip_big import LARGE, parse_large
from mlkraken_serving.codecs._oip_json import from_json
from mlkraken_serving.codecs._oip_tensors import DATATYPES, OipTensor, from_bytes
from mlkraken_serving.protocols._port import Identity, Query

__all__ = ["InferRequest", "Wanted", "check_model", "read_request", "read_single"]

HEADER = b"inference-header-content-length"
_HINT = 'Send {"inputs": [{"name", "shape", "datatype", "data"}, ...]} as UTF-8 JSON.'

_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which JSON can escape but which is no text."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output that a request names; ``binary`` is None where it leaves the form open."""

    name: str
    binary: bool | None = None


@dataclass(frozen=True, slots=True)
class InferRequest:
    """What a request says; ``outputs`` is empty where it takes all."""

    inputs: tuple[OipTensor, ...]
    outputs: tuple[Wanted, ...] = ()
    id: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


def check_model(query: Query, identity: Identity) -> None:
    """Check that the path means this service; an alias may stand where a version does.

    Raises
    ------
    UnknownModel
        ``model_not_here``.
    """
    model = query.parts.get("model", identity.model)
    version = query.parts.get("version", "")
    if identity.is_meant(model, version):
        return
    wanted = f"{model}@{version}" if version else model
    raise UnknownModel(
        "model_not_here",
        f"This service is {identity.model}@{identity.version}, not {wanted}.",
        "GET /v2/models names what it serves.",
    )


def read_request(query: Query) -> InferRequest:
    """Read an inference request whose body begins with JSON.

    Raises
    ------
    BodyError
        ``body_not_json``, ``request_form``, ``tensor_form`` and what the tensors' codecs raise.
    """
    body = query.body
    header = query.headers.get(HEADER)
    size = len(body) if header is None else _header_length(header, len(body))
    message = parse_large(body) if header is None and size > LARGE else None
    if message is None:
        message = _object(_parsed(body[:size]), "The request")
    inputs = message.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise BodyError("request_form", "The request has no list of inputs.", _HINT)
    parameters = _parameters(message, "The request")
    tail = _Tail(memoryview(body)[size:])
    encoded = parameters.get("content_type")
    tensors = tuple(_tensor(described, tail, encoded) for described in inputs)
    tail.check_end()
    names = [tensor.name for tensor in tensors]
    if len(set(names)) < len(names):
        raise BodyError("request_form", "Two inputs have the same name.", "Name each input once.")
    given = message.get("id")
    return InferRequest(
        tensors,
        tuple(_outputs(message.get("outputs"))),
        None if given is None else str(given),
        parameters,
    )


def read_single(query: Query, described: dict[str, Any]) -> InferRequest:
    """Read a request of raw bytes alone: the model's only input, ``described`` by its metadata."""
    raw = memoryview(query.body)
    datatype, shape = described["datatype"], described["shape"][1:]
    if datatype == "BYTES":
        values: list[Any] = [bytes(raw)]
        return InferRequest((OipTensor(described["name"], datatype, (1,), values),))
    row = _row_bytes(datatype, shape)
    if min(shape, default=1) < 1 or not row or len(raw) % row:
        raise BodyError(
            "tensor_bytes",
            f"{len(raw)} bytes are not whole rows of {datatype} in the shape {shape}.",
            "Send rows of exactly this form, or describe the tensor in a JSON header.",
        )
    whole = (len(raw) // row, *shape)
    return InferRequest((from_bytes(described["name"], datatype, whole, raw),))


def _row_bytes(datatype: str, shape: list[int]) -> int:
    import numpy as np

    return math.prod(shape) * np.dtype(DATATYPES[datatype]).itemsize


@dataclass(slots=True)
class _Tail:
    """The bytes behind the JSON, taken from the front."""

    rest: memoryview

    def take(self, name: str, size: Any) -> memoryview:
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(self.rest):
            raise BodyError(
                "tensor_bytes",
                f"Input {name!r} says binary_data_size {shown(size)}; {len(self.rest)} bytes are "
                "left behind the JSON.",
                "Send the JSON's length in Inference-Header-Content-Length, and all tensors in the "
                "order of the inputs.",
            )
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def check_end(self) -> None:
        if len(self.rest):
            raise BodyError(
                "tensor_bytes",
                f"{len(self.rest)} bytes behind the JSON belong to no input.",
                "Give each binary input its binary_data_size.",
            )


def _header_length(header: bytes, most: int) -> int:
    if header.isdigit() and len(header) < 20 and int(header) <= most:
        return int(header)
    raise BodyError(
        "header_length",
        f"Inference-Header-Content-Length is {shown(header.decode('latin-1'))}; the body has "
        f"{most} bytes.",
        "Send the length of the JSON in bytes, before compression.",
    )


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body)
    except BodyError as error:
        hint = f"{_HINT} With binary tensors, send Inference-Header-Content-Length."
        raise BodyError(error.code, error.message, hint) from error


def _object(value: Any, what: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise BodyError("request_form", f"{what} is not an object.", _HINT)


def _parameters(message: dict[str, Any], what: str) -> dict[str, Any]:
    given = message.get("parameters")
    return {} if given is None else _object(given, f"{what}'s parameters")


def _tensor(value: Any, tail: _Tail, content_type: Any) -> OipTensor:
    described = _object(value, "An input")
    name, shape = described.get("name"), described.get("shape")
    if not isinstance(name, str) or _HALF.search(name):
        raise BodyError("tensor_form", "An input has no name that is text.", _HINT)
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise BodyError(
            "tensor_form",
            f"Input {name!r} has the shape {shown(shape)}.",
            "A shape is a list of sizes from 0.",
        )
    parameters = _parameters(described, f"Input {name!r}")
    datatype, sizes = described.get("datatype", ""), tuple(shape)
    if "shared_memory_region" in parameters:
        raise BodyError(
            "shared_memory",
            f"Input {name!r} lies in shared memory, which this server does not look into.",
            "Send it as data or binary data.",
        )
    if "binary_data_size" in parameters:
        raw = tail.take(name, parameters["binary_data_size"])
        return from_bytes(name, datatype, sizes, raw)
    if "data" not in described:
        raise BodyError("tensor_form", f"Input {name!r} has no data.", _HINT)
    encoded = parameters.get("content_type", content_type) == "base64"
    return from_json(name, datatype, sizes, described["data"], encoded=encoded)


def _outputs(given: Any) -> list[Wanted]:
    wanted = []
    if given is not None and not isinstance(given, list):
        raise BodyError("request_form", "The request's outputs are not a list.", _HINT)
    for value in given or []:
        described = _object(value, "An output")
        name = described.get("name")
        if not isinstance(name, str):
            raise BodyError("request_form", "An output has no name.", _HINT)
        binary = _parameters(described, f"Output {name!r}").get("binary_data")
        wanted.append(Wanted(name, None if binary is None else bool(binary)))
    return wanted
