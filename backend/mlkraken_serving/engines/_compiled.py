"""The compiled engine: a graph that was proven to answer as the model does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from mlkraken_serving._manifest import Bundle, Compiled
from mlkraken_serving._values import ModelInput
from mlkraken_serving.engines._compiled_feeds import FeedBuilder
from mlkraken_serving.engines._environment import check_environment
from mlkraken_serving.engines._onnx_session import open_session
from mlkraken_serving.engines._port import Engine

__all__ = ["CompiledEngine"]

log = logging.getLogger("mlkraken.serving")


class CompiledEngine:
    """Answers by the compiled graph, and asks the original for all that was not proven.

    The original is loaded when it is first needed, so that a service that never needs it has
    neither its libraries nor its trees in memory.

    Parameters
    ----------
    bundle
        A bundle whose compiled form agrees.
    compiled
        What its manifest says of it.
    original
        Returns the original model's engine, loaded.
    """

    name = "onnx-compiled"
    lanes = 1

    def __init__(self, bundle: Bundle, compiled: Compiled, original: Callable[[], Engine]) -> None:
        self._bundle = bundle
        self._compiled = compiled
        self._load_original = original
        self._original: Engine | None = None
        self._feeds = FeedBuilder(compiled.inputs, bundle.manifest.signature)
        self._session: Any = None
        self.calls = tuple(compiled.calls)
        self.classes = tuple(compiled.classes)
        self.parameters: tuple[str, ...] = ()

    def load(self) -> None:
        """Open the graph; see `Engine.load`."""
        check_environment(self._bundle)
        self._session = open_session(self._bundle.path(self._compiled.path))

    def predict(self, data: ModelInput, calls: tuple[str, ...] = ()) -> Any:
        """Answer for all rows of ``data``; see `Engine.predict`."""
        names = calls or self.calls[:1]
        methods = [self._compiled.methods.get(name) for name in names]
        feeds = self._feeds.build(data) if None not in methods else None
        if feeds is None:
            return self._ask_original(data, calls)
        known = [method for method in methods if method is not None]
        try:
            raw = self._session.run([method.output for method in known], feeds)
        except Exception as error:  # the runtime's errors have no common base
            log.error("the compiled model failed; the original is asked", exc_info=error)
            return self._ask_original(data, calls)
        answers = tuple(
            answer.astype(method.dtype, copy=False).reshape(-1, *method.shape)
            for answer, method in zip(raw, known, strict=True)
        )
        return answers if len(calls) > 1 else answers[0]

    def _ask_original(self, data: ModelInput, calls: tuple[str, ...]) -> Any:
        if self._original is None:
            log.info(
                "loading the original model for a query that the compiled one is not proven for"
            )
            self._original = self._load_original()
        return self._original.predict(data, calls)
