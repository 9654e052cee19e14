"""One query to the model, whatever protocol it came by: queue, predict, deliver."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mlkraken_serving._batching import Queued, Waiting
from mlkraken_serving._calling import Calling, Outcome, Prediction
from mlkraken_serving._deadlines import Deadlines, Ticket
from mlkraken_serving._errors import QueueFull, ServingError
from mlkraken_serving._pace import Pace
from mlkraken_serving._values import ModelInput
from mlkraken_serving.engines._port import Engine

__all__ = ["Core", "Limits", "Outcome", "Prediction"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one service takes on: seconds a query, queries that wait, rows in a joined call."""

    deadline_s: float = 60.0
    waiting: int = 4096
    batch_rows: int = 4096


_Query: TypeAlias = Queued[Ticket[Outcome]]


class Core:
    """Runs the engine and batches naturally.

    Calls run in threads of the model's own, or on the event loop while they are short.

    Parameters
    ----------
    engine
        A loaded engine.
    joinable
        Whether rows of different queries may be predicted in one call.
    trusted
        Whether the model is a library's estimator, which does not wait for anything: only such
        a call may run on the event loop.
    limits
        Deadline, queue and rows.
    on_batch
        Called with the number of rows of every call.
    on_stuck
        Called once, when a call has not returned long after its deadline.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        joinable: bool,
        trusted: bool,
        limits: Limits | None = None,
        on_batch: Callable[[int], None] = lambda rows: None,
        on_stuck: Callable[[], None] = lambda: None,
    ) -> None:
        limits = limits or Limits()
        self.engine = engine
        self._pace = Pace(trusted)
        self._waiting: Waiting[Ticket[Outcome]] = Waiting(joinable, limits.batch_rows)
        self._most_waiting = limits.waiting
        self._calling = Calling(engine, self._pace, self._waiting, on_batch)
        self._free = engine.lanes
        self._scheduled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._in_flight = 0
        self._deadlines: Deadlines[Outcome] = Deadlines(limits.deadline_s, self._expire, on_stuck)
        # A queue and a thread cost a third of what an executor's futures do.
        self._calls: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, list[_Query]]]
        self._calls = queue.SimpleQueue()
        for lane in range(engine.lanes):
            threading.Thread(target=self._work, name=f"model-{lane}", daemon=True).start()

    @property
    def queued(self) -> int:
        """How many queries wait for the model."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether a call could begin and end right now, without a turn of the loop."""
        return self._in_flight == 0 and self._free > 0 and self._pace.known_short

    def submit(
        self,
        data: ModelInput,
        calls: tuple[str, ...],
        done: Callable[[Outcome], None],
        *,
        alone: bool = False,
    ) -> Ticket[Outcome]:
        """Ask the model; ``done`` is called once, on the event loop, with what comes of it.

        Parameters
        ----------
        data, calls
            As `Engine.predict` takes them.
        done
            Gets a prediction or the error instead of it.
        alone
            Nobody else can be asking: a short call runs before this returns.

        Returns
        -------
        Ticket
            For `cancel`.

        Raises
        ------
        QueueFull
            ``queue_full``.
        """
        loop = self._loop or self._at_first()
        ticket = Ticket(done)
        query = Queued(data, ticket, calls)
        ticket.query = query
        if alone and self.idle and self._pace.stays_on_loop(0, data.rows):
            (outcome,) = self._calling.run([query])
            ticket.end(outcome)
            return ticket
        if len(self._waiting) >= self._most_waiting:
            raise _queue_full(self._most_waiting)
        self._in_flight += 1
        self._waiting.add(query)
        self._deadlines.watch(loop, ticket)
        if not self._scheduled:
            self._schedule(loop)
        return ticket

    def _at_first(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    def cancel(self, ticket: Ticket[Outcome]) -> None:
        """Forget a query whose caller has gone; harmless when it is answered already."""
        if ticket.open:
            self._waiting.remove(ticket.query)
            self._end(ticket, None)

    def _expire(self, ticket: Ticket[Outcome], error: ServingError) -> None:
        self._waiting.remove(ticket.query)
        self._end(ticket, error)

    def give_up(self, error: ServingError) -> None:
        """Answer all that are not answered yet with ``error``."""
        for ticket in self._deadlines.open_tickets():
            self._expire(ticket, error)

    def _end(self, ticket: Ticket[Outcome], outcome: Outcome | None) -> None:
        if ticket.open:
            self._in_flight -= 1
            ticket.end(outcome)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at the queue after all that this turn of the loop has read is in it."""
        if not self._scheduled and self._free:
            self._scheduled = True
            loop.call_soon(self._pump, loop)

    def _pump(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        while self._free and self._waiting:
            batch = self._waiting.take(-(-len(self._waiting) // self._free))
            self._free -= 1
            rows = sum(item.data.rows for item in batch)
            if self._pace.stays_on_loop(self._in_flight - len(batch), rows):
                self._deliver(loop, batch, self._calling.run(batch))
                return  # others are read before the next call on the loop
            self._deadlines.begin(batch[0].owner)
            self._calls.put((loop, batch))

    def _deliver(
        self, loop: asyncio.AbstractEventLoop, batch: list[_Query], outcomes: list[Outcome]
    ) -> None:
        self._deadlines.finish(batch[0].owner)
        self._free += 1
        for query, outcome in zip(batch, outcomes, strict=True):
            self._end(query.owner, outcome)  # unless the caller gave up, or the deadline passed
        if self._waiting:
            self._schedule(loop)

    # -- in a thread of the model's, or on the loop --------------------------------------------

    def _work(self) -> None:
        while True:
            loop, batch = self._calls.get()
            outcomes = self._calling.run(batch)
            if loop.is_closed():
                return
            loop.call_soon_threadsafe(self._deliver, loop, batch, outcomes)


def _queue_full(most: int) -> QueueFull:
    return QueueFull(
        "queue_full",
        f"{most} queries wait for this service already, and that is the most it lets wait.",
        "Ask again in a moment, send more rows in one query, or deploy with more replicas.",
    )
