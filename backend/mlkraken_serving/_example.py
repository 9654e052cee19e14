"""The example that a bundle carries, as a caller would send it."""

from __future__ import annotations

import logging
from typing import Any

from mlkraken_serving._errors import ServingError
from mlkraken_serving._manifest import Bundle
from mlkraken_serving._parity import read_example
from mlkraken_serving._values import Tuned
from mlkraken_serving.codecs._json_out import describe
from mlkraken_serving.engines._frames import native

__all__ = ["example_data"]

_MOST_ROWS = 2
log = logging.getLogger("mlkraken.serving")


def example_data(bundle: Bundle) -> Any:
    """Return the first rows of the example as ``modelData``; None where there is none."""
    example = bundle.manifest.example
    if example is None or not example.input:
        return None
    try:
        data = read_example(bundle.path(example.input), bundle.manifest.signature)
        assert not isinstance(data, Tuned)
        plain, _ = describe(native(data))
    except ServingError as error:
        log.warning("the documents show no example: %s", error.message)
        return None
    return plain[:_MOST_ROWS] if isinstance(plain, list) else plain
