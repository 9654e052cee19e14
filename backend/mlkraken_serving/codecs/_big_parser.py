"""The parser of big JSON bodies: for usual ones always the same, whose memory is there already."""

from __future__ import annotations

import functools
from typing import Any

__all__ = ["parser_for"]

_KEPT_BYTES = 16 * 2**20


def parser_for(body: bytes) -> Any:
    """Return simdjson's parser for ``body``.

    To map new pages for every body takes as long as to parse it. What a parse has returned must
    be let go before the next one; simdjson raises RuntimeError where it is not.
    """
    if len(body) <= _KEPT_BYTES:
        return _kept_parser()
    import simdjson

    return simdjson.Parser()


@functools.cache
def _kept_parser() -> Any:
    import simdjson

    return simdjson.Parser()
