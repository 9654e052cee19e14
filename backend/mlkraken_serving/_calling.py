"""One call of the model for one query or several, and what becomes of each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from mlkraken_serving._batching import Queued, Waiting, cut
from mlkraken_serving._errors import DeadlineExceeded, InternalError, ModelError, ServingError
from mlkraken_serving._pace import Pace
from mlkraken_serving._values import ModelInput, join
from mlkraken_serving.engines._port import Engine

__all__ = ["Calling", "Outcome", "Prediction"]

log = logging.getLogger("mlkraken.serving")


class Prediction(msgspec.Struct, frozen=True):
    """A model's answer to one query.

    ``model_ms`` is what the call took, in milliseconds; ``batch_rows`` how many rows it had,
    those of other queries included.
    """

    value: Any
    rows: int
    model_ms: float
    batch_rows: int


Outcome: TypeAlias = Prediction | ServingError


class Calling:
    """Calls the engine; in whatever thread `run` is called.

    Parameters
    ----------
    engine
        A loaded engine.
    pace
        Told how long each call took.
    waiting
        Told when the model turns out not to answer row by row.
    on_batch
        Called with the number of rows of every call.
    """

    def __init__(
        self,
        engine: Engine,
        pace: Pace,
        waiting: Waiting[Any],
        on_batch: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._pace = pace
        self._waiting = waiting
        self._on_batch = on_batch

    def run(self, batch: Sequence[Queued[Any]]) -> list[Outcome]:
        """Return one outcome a query, whatever happens: nobody else serves the next one."""
        try:
            if len(batch) > 1:
                return self._joined(batch)
            return [self._one(batch[0])]
        except BaseException as error:  # an answer may be an object of the model's own class
            log.error("unexpected failure around a prediction", exc_info=error)
            return [InternalError() for _ in batch]

    def _joined(self, batch: Sequence[Queued[Any]]) -> list[Outcome]:
        rows = [query.data.rows for query in batch]
        try:
            value, elapsed = self._timed(join([query.data for query in batch]), batch[0].calls)
        except DeadlineExceeded as error:
            return [error for _ in batch]  # it has taken too long already
        except ServingError:
            return [self._one(query) for query in batch]  # the bad row fails its own query only
        values = cut(value, rows)
        if values is None:
            log.warning("the model does not answer row by row; its queries are no longer joined")
            self._waiting.joinable = False
            return [self._one(query) for query in batch]
        total = sum(rows)
        return [
            Prediction(value, count, elapsed, total)
            for value, count in zip(values, rows, strict=True)
        ]

    def _one(self, query: Queued[Any]) -> Outcome:
        rows = query.data.rows
        try:
            value, elapsed = self._timed(query.data, query.calls)
        except ServingError as error:
            return error
        return Prediction(value, rows, elapsed, rows)

    def _timed(self, data: ModelInput, calls: tuple[str, ...]) -> tuple[Any, float]:
        self._on_batch(data.rows)
        started, busy = time.perf_counter(), time.thread_time()
        try:
            value = self._engine.predict(data, calls)
        except ModelError as error:
            log.error("%s", error.message, exc_info=error.__cause__)
            raise
        except ServingError:
            raise
        except Exception as error:
            log.error("unexpected failure while predicting", exc_info=error)
            raise InternalError from error
        elapsed = (time.perf_counter() - started) * 1000
        self._pace.note(elapsed, (time.thread_time() - busy) * 1000, data.rows)
        return value, elapsed
