"""Everybody who waits is told once, and nobody is kept when it is over."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

from mlkraken_serving._deadlines import Deadlines, Ticket
from mlkraken_serving._errors import ServingError


class Caller:
    """Knows its ticket, which knows it."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.ticket: Ticket[Any] = Ticket(self.told_of)

    def told_of(self, outcome: Any) -> None:
        self.told.append(outcome)


def test_a_caller_is_let_go_as_soon_as_it_is_answered() -> None:
    caller = Caller()
    alive = weakref.ref(caller)
    gc.disable()
    try:
        caller.ticket.end("answer")
        assert caller.told == ["answer"]
        del caller
        assert alive() is None
    finally:
        gc.enable()


def test_a_ticket_past_its_deadline_is_expired_in_the_order_of_arrival() -> None:
    expired: list[Ticket[Any]] = []

    def expire(ticket: Ticket[Any], error: ServingError) -> None:
        assert error.code == "deadline_exceeded"
        expired.append(ticket)
        ticket.end(error)

    async def run() -> tuple[list[Ticket[Any]], list[Caller]]:
        loop = asyncio.get_running_loop()
        deadlines: Deadlines[Any] = Deadlines(0.05, expire, lambda: None)
        callers = [Caller() for _ in range(4)]
        for caller in callers:
            deadlines.watch(loop, caller.ticket)
        callers[1].ticket.end("in time")
        while len(expired) < 3:
            await asyncio.sleep(0.01)
        return expired, callers

    got, callers = asyncio.run(run())
    assert got == [callers[0].ticket, callers[2].ticket, callers[3].ticket]
    assert callers[1].told == ["in time"]


def test_answered_tickets_do_not_pile_up_behind_the_timer() -> None:
    async def run() -> int:
        loop = asyncio.get_running_loop()
        deadlines: Deadlines[Any] = Deadlines(60.0, lambda ticket, error: None, lambda: None)
        for _ in range(1000):
            ticket = Caller().ticket
            deadlines.watch(loop, ticket)
            ticket.end("answer")
        return len(deadlines._tickets)

    assert asyncio.run(run()) <= 2


def test_a_call_that_goes_on_long_after_its_deadline_is_told_once() -> None:
    stuck: list[bool] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        deadlines: Deadlines[Any] = Deadlines(
            0.05, lambda ticket, error: ticket.end(error), lambda: stuck.append(True)
        )
        caller = Caller()
        deadlines.watch(loop, caller.ticket)
        deadlines.begin(caller.ticket)
        while not stuck:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert isinstance(caller.told[0], ServingError)

    asyncio.run(run())
    assert stuck == [True]
