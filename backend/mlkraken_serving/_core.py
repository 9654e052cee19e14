"""One query to the model, whatever protocol it came by: queue, predict, deliver."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlkraken_serving._batching import Queued, Waiting, split
from mlkraken_serving._errors import DeadlineExceeded, InternalError, ModelError, ServingError
from mlkraken_serving._pace import Pace
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
    """Runs the engine and batches naturally.

    Calls run in a thread of the model's own, or on the event loop while they are short.

    Parameters
    ----------
    engine
        A loaded engine.
    joinable
        Whether rows of different queries may be predicted in one call.
    trusted
        Whether the model is a library's estimator, which does not wait for anything: only such
        a call may run on the event loop.
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
        trusted: bool,
        deadline_s: float,
        on_batch: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self.engine = engine
        self._waiting: Waiting[asyncio.Future[Prediction]] = Waiting(joinable)
        self._deadline_s = deadline_s
        self._on_batch = on_batch
        self._busy = False
        self._scheduled = False
        self._in_flight = 0
        self._pace = Pace(trusted)
        # A queue and a thread cost a third of what an executor's futures do.
        self._calls: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, list[_Query]]]
        self._calls = queue.SimpleQueue()
        threading.Thread(target=self._work, name="model", daemon=True).start()

    @property
    def queued(self) -> int:
        """How many queries wait for the model."""
        return len(self._waiting)

    async def predict(self, data: ModelInput, calls: tuple[str, ...] = ()) -> Prediction:
        """Return the model's answer to one query; ``calls`` as `Engine.predict` takes them.

        Raises
        ------
        InputError, ModelError
            See `Engine.predict`.
        InternalError
            The engine failed in a way it does not know.
        DeadlineExceeded
            ``deadline_exceeded``.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Prediction] = loop.create_future()
        query = Queued(data, future, calls)
        timer = loop.call_later(self._deadline_s, self._expire, query)
        self._in_flight += 1
        self._waiting.add(query)
        self._schedule(loop)
        try:
            return await future
        finally:
            timer.cancel()
            self._in_flight -= 1
            if future.cancelled():
                self._waiting.remove(query)

    @property
    def idle(self) -> bool:
        """Whether a call could begin and end right now; see `predict_now`."""
        return not self._busy and self._in_flight == 0 and self._pace.known_short

    def predict_now(self, data: ModelInput, calls: tuple[str, ...] = ()) -> Prediction | None:
        """Return the answer to the only query there is, without a turn of the loop.

        None when it has to wait, or may take long: then `predict` is for it. Raises as `predict`.
        """
        if not self.idle or not self._pace.stays_on_loop(1, data.rows):
            return None
        (outcome,) = self._run([data], calls)
        if isinstance(outcome, Prediction):
            return outcome
        raise outcome

    def _expire(self, query: _Query) -> None:
        self._waiting.remove(query)
        if not query.owner.done():
            query.owner.set_exception(
                DeadlineExceeded(
                    "deadline_exceeded",
                    f"The model did not answer within {self._deadline_s:g} s.",
                    "Send fewer rows at once, or deploy with a longer deadline=.",
                )
            )

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at the queue after all that this turn of the loop has read is in it."""
        if not self._scheduled and not self._busy:
            self._scheduled = True
            loop.call_soon(self._pump, loop)

    def _pump(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        if self._busy:
            return
        batch = self._waiting.take()
        if not batch:
            return
        self._busy = True
        parts = [query.data for query in batch]
        if self._pace.stays_on_loop(self._in_flight, sum(part.rows for part in parts)):
            self._deliver(loop, batch, self._run(parts, batch[0].calls))
        else:
            self._calls.put((loop, batch))

    def _deliver(
        self, loop: asyncio.AbstractEventLoop, batch: list[_Query], outcomes: list[_Outcome]
    ) -> None:
        for query, outcome in zip(batch, outcomes, strict=True):
            if query.owner.done():  # the caller gave up, or the deadline passed
                continue
            if isinstance(outcome, Prediction):
                query.owner.set_result(outcome)
            else:
                query.owner.set_exception(outcome)
        self._busy = False
        if self._waiting:
            self._schedule(loop)

    # -- in the model's thread, or on the loop -------------------------------------------------

    def _work(self) -> None:
        while True:
            loop, batch = self._calls.get()
            outcomes = self._run([query.data for query in batch], batch[0].calls)
            if loop.is_closed():
                return
            loop.call_soon_threadsafe(self._deliver, loop, batch, outcomes)

    def _run(self, parts: list[ModelInput], calls: tuple[str, ...]) -> list[_Outcome]:
        """Return one outcome a part, whatever happens: nobody else serves the next query."""
        try:
            if len(parts) > 1:
                return self._joined(parts, calls)
            return [self._one(parts[0], calls)]
        except BaseException as error:  # an answer may be an object of the model's own class
            log.error("unexpected failure around a prediction", exc_info=error)
            return [InternalError() for _ in parts]

    def _joined(self, parts: list[ModelInput], calls: tuple[str, ...]) -> list[_Outcome]:
        try:
            value, elapsed = self._timed(join(parts), calls)
        except ServingError:
            return [
                self._one(part, calls) for part in parts
            ]  # the bad row fails its own query only
        rows = [part.rows for part in parts]
        values = _cut(value, rows)
        if values is None:
            log.warning("the model does not answer row by row; its queries are no longer joined")
            self._waiting.joinable = False
            return [self._one(part, calls) for part in parts]
        return [
            Prediction(value, count, elapsed, sum(rows))
            for value, count in zip(values, rows, strict=True)
        ]

    def _one(self, data: ModelInput, calls: tuple[str, ...]) -> _Outcome:
        try:
            value, elapsed = self._timed(data, calls)
        except ServingError as error:
            return error
        return Prediction(value, data.rows, elapsed, data.rows)

    def _timed(self, data: ModelInput, calls: tuple[str, ...]) -> tuple[Any, float]:
        self._on_batch(data.rows)
        started = time.perf_counter()
        try:
            value = self.engine.predict(data, calls)
        except ModelError as error:
            log.error("%s", error.message, exc_info=error.__cause__)
            raise
        except ServingError:
            raise
        except Exception as error:
            log.error("unexpected failure while predicting", exc_info=error)
            raise InternalError from error
        elapsed = (time.perf_counter() - started) * 1000
        self._pace.note(elapsed, data.rows)
        return value, elapsed


def _cut(answer: Any, rows: list[int]) -> list[Any] | None:
    try:
        return split(answer, rows)
    except Exception:  # an object of the model's own class, which looks like rows but is none
        return None
