"""Who waits for an answer, until when, and which call of the model does not come back.

All queries of a service have the same deadline, so they pass it in the order they came: one
timer looks at the oldest, where a timer a query would cost as much as parsing its JSON.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from mlkraken_serving._errors import DeadlineExceeded, ServingError

__all__ = ["Deadlines", "Ticket"]

T = TypeVar("T")
_LONGEST_GRACE_S = 10.0


class Ticket(Generic[T]):
    """One query's claim to be told, exactly once."""

    __slots__ = ("_done", "began_at", "expires_at", "open", "query")

    def __init__(self, done: Callable[[T], None]) -> None:
        self._done: Callable[[T], None] | None = done
        self.open = True
        self.expires_at = 0.0
        self.began_at = 0.0
        self.query: Any = None

    def end(self, outcome: T | None) -> None:
        """Tell the caller, unless it has gone, which is what None means."""
        self.open = False
        # Neither rows nor caller are kept: each knows the other, and only now and then does the
        # collector look for such circles, which may hold a body of many megabytes.
        done, self._done, self.query = self._done, None, None
        if outcome is not None and done is not None:
            done(outcome)


class Deadlines(Generic[T]):
    """Watches tickets until they are answered.

    Parameters
    ----------
    deadline_s
        Longest time from asking to answering, in seconds.
    expire
        Called with a ticket that is still open by then, and the error for it.
    stuck
        Called once, when a call of the model goes on long after its first query's deadline: as
        long again, at most 10 s.
    """

    def __init__(
        self,
        deadline_s: float,
        expire: Callable[[Ticket[T], ServingError], None],
        stuck: Callable[[], None],
    ) -> None:
        self._deadline_s = deadline_s
        self._expire = expire
        self._stuck: Callable[[], None] | None = stuck
        self._tickets: deque[Ticket[T]] = deque()
        self._running: set[Ticket[T]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, loop: asyncio.AbstractEventLoop, ticket: Ticket[T]) -> None:
        ticket.expires_at = loop.time() + self._deadline_s
        self._tickets.append(ticket)
        if self._timer is None:
            self._timer = loop.call_at(ticket.expires_at, self._look, loop)
        elif not self._tickets[0].open:  # the deque does not grow with what is answered
            while self._tickets and not self._tickets[0].open:
                self._tickets.popleft()

    def begin(self, ticket: Ticket[T]) -> None:
        """The model is called for this ticket, and perhaps for more."""
        self._running.add(ticket)

    def finish(self, ticket: Ticket[T]) -> None:
        """The call has returned."""
        self._running.discard(ticket)

    def open_tickets(self) -> Iterator[Ticket[T]]:
        """Return all who are not answered yet."""
        return iter([ticket for ticket in self._tickets if ticket.open])

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self._timer = None
        while self._tickets and (not self._tickets[0].open or self._tickets[0].expires_at <= now):
            ticket = self._tickets.popleft()
            if ticket.open:
                self._expire(ticket, _exceeded(self._deadline_s))
        due = [self._tickets[0].expires_at] if self._tickets else []
        grace = min(self._deadline_s, _LONGEST_GRACE_S)
        ends = [ticket.expires_at + grace for ticket in self._running]
        if ends and min(ends) <= now and self._stuck is not None:
            stuck, self._stuck = self._stuck, None
            stuck()
        due += [end for end in ends if end > now]
        if due:
            self._timer = loop.call_at(min(due), self._look, loop)


def _exceeded(deadline_s: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        "deadline_exceeded",
        f"The model did not answer within {deadline_s:g} s.",
        "Send fewer rows at once, or deploy with a longer deadline=.",
    )
