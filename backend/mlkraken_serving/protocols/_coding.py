"""Content-Encoding, both ways: gzip (RFC 1952) and deflate, which is zlib's form (RFC 1950)."""

from __future__ import annotations

import zlib

from mlkraken_serving._errors import BodyError, BodyTooLarge, RequestRefused

__all__ = ["accepted", "decoded", "encoded", "too_large"]

_WINDOW = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
_WORTH_IT = 1024
"""Shorter answers, in bytes, are sent as they are: they fit into one packet anyway."""
_QUICK = 1


def decoded(body: bytes, encoding: bytes, most_bytes: int) -> bytes:
    """Return the body without its Content-Encoding.

    Raises
    ------
    BodyTooLarge
        ``body_too_large``: it would be longer than ``most_bytes``; it is not unpacked to its end.
    BodyError
        ``body_not_compressed``: it is not what its header says.
    RequestRefused
        ``encoding_unknown``, status 415.
    """
    for name in map(bytes.strip, reversed(encoding.lower().split(b","))):
        if name in (b"", b"identity"):
            continue
        if name not in _WINDOW:
            raise RequestRefused(
                "encoding_unknown",
                f"The body's Content-Encoding {name.decode('latin-1')!r} is not known here.",
                "Send it as gzip or deflate, or as it is.",
                415,
            )
        body = _inflated(body, name, most_bytes)
    return body


def _inflated(body: bytes, name: bytes, most_bytes: int) -> bytes:
    unpacker = zlib.decompressobj(_WINDOW[name])
    try:
        plain = unpacker.decompress(body, most_bytes + 1)
    except zlib.error as error:
        raise BodyError(
            "body_not_compressed",
            f"The body is not {name.decode()}, as its Content-Encoding says: {error}.",
            "Compress it, or leave the header out.",
        ) from None
    if len(plain) > most_bytes:
        raise too_large(most_bytes)
    if not unpacker.eof:
        raise BodyError(
            "body_not_compressed",
            f"The body ends before its {name.decode()} stream does.",
            "Send all of it.",
        )
    if unpacker.unused_data:  # thousands of tiny members would cost the loop minutes
        raise BodyError(
            "body_not_compressed",
            f"The body goes on after its {name.decode()} stream.",
            "Compress it in one piece.",
        )
    return plain


def accepted(header: bytes) -> bytes:
    """Return the encoding to answer in, b"" for none (RFC 9110, section 12.5.3)."""
    wanted: dict[bytes, float] = {}
    for part in header.lower().split(b","):
        name, _, weight = part.partition(b";")
        wanted[name.strip()] = _weight(weight)
    for name in (b"gzip", b"deflate"):
        if wanted.get(name, wanted.get(b"*", 0.0)) > 0:
            return name
    return b""


def _weight(text: bytes) -> float:
    name, _, value = text.partition(b"=")
    if name.strip() != b"q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def encoded(body: bytes, encoding: bytes) -> tuple[bytes, bytes]:
    """Return the body as it is to be sent, and its Content-Encoding (b"" where it stays)."""
    if not encoding or len(body) < _WORTH_IT:
        return body, b""
    packer = zlib.compressobj(_QUICK, zlib.DEFLATED, _WINDOW[encoding])
    return packer.compress(body) + packer.flush(), encoding


def too_large(most_bytes: int) -> BodyTooLarge:
    """Return the error for a body of more than ``most_bytes``."""
    most = most_bytes / 2**20
    shown = f"{most:.3g}" if most < 1 else f"{round(most, 2):g}"
    return BodyTooLarge(
        "body_too_large",
        f"The body is longer than {shown} MiB, the most this service takes.",
        "Send fewer rows at a time.",
    )
