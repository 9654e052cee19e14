"""The usual query, read by one decoder that was made for the model's signature.

msgspec checks types, names, bounds and lengths in C while it parses, so what passes here needs no
second look; everything else (missing values, other forms, whatever is wrong) is `InputReader`'s,
which accepts more and says what it does not like. Both give the same rows for the same body.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from mlkraken_serving._manifest import Field, Signature
from mlkraken_serving._values import ModelInput, Table, Tensor

__all__ = ["Envelope", "QuickReader", "quick_reader"]

_WHOLE = 2.0**53
"""Up to here every whole number is a float: beyond, somebody has to look at each digit."""

_LARGEST = {"float64": _WHOLE, "float32": _WHOLE, "float16": 65520.0}
_INT_BITS = {f"{sign}int{bits}": (sign, bits) for sign in ("", "u") for bits in (8, 16, 32)}
_BIG_BYTES = 4096
"""From this length on one buffer is quicker than lists of floats, by far."""

_ESCAPED = re.compile(r'[\x00-\x1f"\\\ud800-\udfff]')
"""In a name that JSON writes with an escape, which msgspec's structs do not take."""

_MISSES = 16
_SKIPPED = 256


@dataclass(frozen=True)
class Envelope:
    """What stands around the rows: their key, the key of an object beside them.

    ``single`` tells that one row may stand for a list of it, ``closed`` that nothing else may be
    there.
    """

    rows: str = "modelData"
    meta: str = "metaData"
    single: bool = True
    closed: bool = False


_KRAKEN = Envelope()


class QuickReader:
    """Reads rows in an envelope, ``{"modelData": ..., "metaData": {...}}`` unless told otherwise.

    Parameters
    ----------
    decoder
        Of a struct with ``rows`` and ``meta``.
    convert
        Makes rows of what was decoded; None where it has to be looked at more closely.
    big
        Reads long bodies, where there is a quicker way for them.
    """

    def __init__(
        self,
        decoder: msgspec.json.Decoder[Any],
        convert: Callable[[Any], ModelInput | None],
        big: Callable[[bytes], tuple[ModelInput, dict[str, Any]] | None] | None = None,
    ) -> None:
        self._decoder = decoder
        self._big = big
        self._convert = convert
        self._misses = 0
        self._skip = 0

    def read(self, body: bytes) -> tuple[ModelInput, dict[str, Any]] | None:
        """Return rows and what is beside them; None where the body is not of the usual form."""
        if self._skip:  # callers here send something else most of the time
            self._skip -= 1
            return None
        if self._big is not None and len(body) >= _BIG_BYTES:
            found = self._big(body)
            if found is not None:
                return found
        try:
            message = self._decoder.decode(body)
            data = self._convert(message.rows)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            data = None
        if data is None:
            self._misses += 1
            self._skip = _SKIPPED if self._misses % _MISSES == 0 else 0
            return None
        self._misses = 0
        return data, message.meta


def quick_reader(signature: Signature, envelope: Envelope = _KRAKEN) -> QuickReader | None:
    """Return the reader for a signature, None where there is none."""
    if signature.kind == "ndarray":
        return _for_matrix(signature.fields[0], envelope)
    if signature.kind == "dataframe" and signature.fields:
        return _for_table(signature, envelope)
    return None


def _message(rows: Any, envelope: Envelope) -> msgspec.json.Decoder[Any]:
    meta: tuple[str, Any, Any] = ("meta", dict[str, Any], msgspec.field(default_factory=dict))
    message = msgspec.defstruct(
        "Message",
        [("rows", rows), meta],
        rename={"rows": envelope.rows, "meta": envelope.meta},
        forbid_unknown_fields=envelope.closed,
    )
    return msgspec.json.Decoder(message)


def _for_matrix(field: Field, envelope: Envelope) -> QuickReader | None:
    cell = _cell(field)
    shape = field.shape or []
    if cell is None or len(shape) != 2 or shape[1] < 1 or not field.storage:
        return None
    import numpy as np

    width, dtype = shape[1], np.dtype(field.storage)
    if dtype.kind not in "fiu":
        return None
    length = msgspec.Meta(min_length=width, max_length=width)
    row = Annotated[list[cell], length]  # type: ignore[valid-type]

    def convert(rows: list[list[Any]]) -> Tensor | None:
        return Tensor.of_rows(rows, width, dtype) if rows else None

    def big(body: bytes) -> tuple[ModelInput, dict[str, Any]] | None:
        from mlkraken_serving.codecs._big_matrix import read_big_matrix

        return read_big_matrix(body, (envelope.rows, envelope.meta), width, dtype)

    usual = dtype.name in ("float64", "float32", "int64")
    return QuickReader(_message(list[row], envelope), convert, big if usual else None)


def _for_table(signature: Signature, envelope: Envelope) -> QuickReader | None:
    cells = [_cell(field) for field in signature.fields]
    if any(cell is None for cell in cells) or any(
        _ESCAPED.search(field.name) for field in signature.fields
    ):
        return None
    attributes = [
        field.name if _is_attribute(field.name) else f"field_{place}"
        for place, field in enumerate(signature.fields)
    ]
    if len(set(attributes)) < len(attributes):
        return None
    row: Any = msgspec.defstruct(
        "Row",
        list(zip(attributes, cells, strict=True)),
        forbid_unknown_fields=True,
        gc=False,
        rename=dict(zip(attributes, (field.name for field in signature.fields), strict=True)),
    )
    names = [field.name for field in signature.fields]
    levels = [
        (field.name, frozenset(field.levels or []))
        for field in signature.fields
        if field.dtype == "category"
    ]

    def convert(rows: Any) -> Table | None:
        several = rows if type(rows) is list else [rows]
        if not several:
            return None
        cells = zip(*map(msgspec.structs.astuple, several), strict=True)
        columns = {name: list(column) for name, column in zip(names, cells, strict=True)}
        for name, known in levels:
            if not known.issuperset(columns[name]):
                return None
        return Table(columns, len(several), signature)

    rows = row | list[row] if envelope.single else list[row]
    return QuickReader(_message(rows, envelope), convert)


def _is_attribute(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")


def _cell(field: Field) -> Any:
    """Return the type that a cell is decoded as, None where decoding is not enough."""
    if field.dtype in _LARGEST:
        bound = _LARGEST[field.dtype]
        return Annotated[float, msgspec.Meta(gt=-bound, lt=bound)]
    if field.dtype in _INT_BITS:
        sign, bits = _INT_BITS[field.dtype]
        low, high = (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return Annotated[int, msgspec.Meta(ge=low, le=high)]
    if field.dtype == "int64":
        return Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    if field.dtype == "category":
        return str if all(type(level) is str for level in field.levels or []) else None
    return {"string": str, "bool": bool}.get(field.dtype)
