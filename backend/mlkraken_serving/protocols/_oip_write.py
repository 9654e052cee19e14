"""Answers of the Open Inference Protocol: outputs as JSON, or as bytes behind it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlkraken_serving._errors import BodyError, ModelError, NoRoute, ServingError
from mlkraken_serving.codecs._columns import quoted
from mlkraken_serving.codecs._json_text import strict_json
from mlkraken_serving.codecs._oip_tensors import datatype_of, framed
from mlkraken_serving.codecs._outputs import Output, spelled
from mlkraken_serving.protocols._oip_read import Wanted
from mlkraken_serving.protocols._port import Reply

__all__ = ["chosen", "failed", "json_reply", "write_outputs"]

_STATUS = {422: 400}
"""The protocol knows one status for a bad request."""


def json_reply(document: dict[str, Any] | list[Any], status: int = 200) -> Reply:
    """Return a document as strict JSON."""
    return Reply(strict_json(document), status)


def failed(error: ServingError, status: int, request_id: str) -> Reply:
    """Return an error as the protocol's clients read it: one text."""
    text = f"{error.code}: {error.message}" + (f" {error.hint}" if error.hint else "")
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if isinstance(error, NoRoute) and error.allowed:
        headers = ((b"allow", ", ".join(error.allowed).encode()),)
    return Reply(strict_json({"error": text}), _STATUS.get(status, status), headers=headers)


def chosen(
    outputs: Sequence[Output], wanted: Sequence[Wanted], others: Sequence[str] = ()
) -> list[Output]:
    """Return the outputs that a request names, in its order; all where it names none.

    ``others`` are names that it might have named, for the message.

    Raises
    ------
    BodyError
        ``output_unknown``.
    """
    if not wanted:
        return list(outputs)
    known = {output.name: output for output in outputs}
    if unknown := [one.name for one in wanted if one.name not in known]:
        raise BodyError(
            "output_unknown",
            f"The model has no output {quoted(unknown)}; it has "
            f"{', '.join(dict.fromkeys([*known, *others]))}.",
            "Leave outputs out to get all.",
        )
    return [known[one.name] for one in wanted]


def write_outputs(head: dict[str, Any], outputs: Sequence[Output], binary: Sequence[bool]) -> Reply:
    """Write an answer.

    Parameters
    ----------
    head
        Everything but ``outputs``.
    outputs
        What the model answered.
    binary
        Whether each output may be bytes. What has missing values goes as JSON all the same, with
        null for them, as bytes have no word for it.
    """
    described, tail = [], []
    for output, raw in zip(outputs, binary, strict=True):
        written = _written(spelled(output), raw)
        described.append(written.document)
        if written.raw is not None:
            tail.append(written.raw)
    header = strict_json({**head, "outputs": described})
    if not any(binary) or not any("data" not in one for one in described):
        return Reply(header)
    return Reply(
        b"".join((header, *tail)),
        content_type=b"application/octet-stream",
        headers=((b"Inference-Header-Content-Length", str(len(header)).encode()),),
    )


@dataclass(frozen=True, slots=True)
class _Written:
    document: dict[str, Any]
    raw: bytes | None = None


def _written(output: Output, binary: bool) -> _Written:
    values = output.values
    document: dict[str, Any] = {"name": output.name, "shape": list(values.shape)}
    absent = output.missing is not None
    if binary and not absent:
        raw = _raw(output)
        document["datatype"] = datatype_of(values)
        document["parameters"] = {"binary_data_size": len(raw)}
        return _Written(document, raw)
    if values.dtype.name == "float16":
        values = values.astype("float32")  # FP16 has no JSON form
    document["datatype"] = datatype_of(values)
    cells = values.ravel().tolist()
    if output.kind == "bytes":
        document["parameters"] = {"content_type": "base64"}
        cells = [base64.b64encode(cell).decode("ascii") for cell in cells]
    if output.missing is not None:
        gone = output.missing.ravel().tolist()
        cells = [None if one else cell for cell, one in zip(cells, gone, strict=True)]
    document["data"] = cells
    return _Written(document)


def _raw(output: Output) -> bytes:
    values = output.values
    if output.kind == "bytes":
        return framed(values.ravel().tolist())
    if output.kind == "text":
        return framed([_utf8(cell) for cell in values.ravel().tolist()])
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ModelError(
            "result_unserialisable",
            f"The model answered with the text {text!r}, which is not Unicode.",
            "Let it return whole characters, not halves of a surrogate pair.",
        ) from None
