"""One query to the model, whatever protocol it came by: queue, predict, deliver."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlkraken_serving._batching import Queued, Waiting, split
from mlkraken_serving._errors import DeadlineExceeded, ModelError, ServingError
from mlkraken_serving._values import ModelInput, join
from mlkraken_serving.engines._port import Engine

__all__ = ["Core", "Prediction"]

log = logging.getLogger("mlkraken.serving")


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's answer to one query.

    ``model_ms`` is what the call took, in milliseconds; ``batch_rows`` how many rows it had,
    those of other queries included.
    """

    value: Any
    rows: int
    model_ms: float
    batch_rows: int


_Outcome: TypeAlias = Prediction | ServingError
_Query: TypeAlias = Queued["asyncio.Future[Prediction]"]


class Core:
    """Runs the engine in a thread of its own and batches naturally.

    Parameters
    ----------
    engine
        A loaded engine.
    joinable
        Whether rows of different queries may be predicted in one call.
    deadline_s
        Longest time one query may take, queueing included.
    on_batch
        Called with the number of rows of every call.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        joinable: bool,
        deadline_s: float,
        on_batch: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self.engine = engine
        self._waiting: Waiting[asyncio.Future[Prediction]] = Waiting(joinable)
        self._deadline_s = deadline_s
        self._on_batch = on_batch
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._busy = False

    @property
    def queued(self) -> int:
        """How many queries wait for the model."""
        return len(self._waiting)

    async def predict(self, data: ModelInput) -> Prediction:
        """Return the model's answer to one query.

        Raises
        ------
        InputError, ModelError
            See `Engine.predict`.
        DeadlineExceeded
            ``deadline_exceeded``.
        """
        future = asyncio.get_running_loop().create_future()
        query = Queued(data, future)
        self._waiting.add(query)
        self._pump()
        try:
            return await asyncio.wait_for(future, self._deadline_s)
        except asyncio.TimeoutError:
            raise DeadlineExceeded(
                "deadline_exceeded",
                f"The model did not answer within {self._deadline_s:g} s.",
                "Send fewer rows at once, or deploy with a longer deadline.",
            ) from None
        finally:
            self._waiting.remove(query)

    def _pump(self) -> None:
        if self._busy:
            return
        batch = self._waiting.take()
        if not batch:
            return
        self._busy = True
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(self._thread, self._run, [query.data for query in batch])
        job.add_done_callback(lambda done: self._deliver(batch, done.result()))

    def _deliver(self, batch: list[_Query], outcomes: list[_Outcome]) -> None:
        for query, outcome in zip(batch, outcomes, strict=True):
            if query.owner.done():  # the caller gave up
                continue
            if isinstance(outcome, Prediction):
                query.owner.set_result(outcome)
            else:
                query.owner.set_exception(outcome)
        self._busy = False
        self._pump()

    # -- in the model's thread ----------------------------------------------------------------

    def _run(self, parts: list[ModelInput]) -> list[_Outcome]:
        if len(parts) == 1:
            return [self._one(parts[0])]
        try:
            value, elapsed = self._timed(join(parts))
        except ServingError:
            return [self._one(part) for part in parts]  # the bad row fails its own query only
        rows = [part.rows for part in parts]
        values = split(value, rows)
        if values is None:
            log.warning("the model does not answer row by row; its queries are no longer joined")
            self._waiting.joinable = False
            return [self._one(part) for part in parts]
        return [
            Prediction(value, count, elapsed, sum(rows))
            for value, count in zip(values, rows, strict=True)
        ]

    def _one(self, data: ModelInput) -> _Outcome:
        try:
            value, elapsed = self._timed(data)
        except ServingError as error:
            return error
        return Prediction(value, data.rows, elapsed, data.rows)

    def _timed(self, data: ModelInput) -> tuple[Any, float]:
        self._on_batch(data.rows)
        started = time.perf_counter()
        try:
            value = self.engine.predict(data)
        except ModelError as error:
            log.error("%s", error.message, exc_info=error.__cause__)
            raise
        return value, (time.perf_counter() - started) * 1000
