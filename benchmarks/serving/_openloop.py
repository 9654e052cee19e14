"""Open-loop load: requests go out when they are due, whether earlier ones are answered or not.

wrk asks again once it is answered, so a server that stalls is asked less, and the wait of those
who would have come meanwhile is seen by nobody. Here a request's time begins when it was due.
Debian has no such generator that speaks HTTP/1.1 with keep-alive; this one spins on its core.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import httptools
import uvloop

__all__ = ["Seen", "arrivals", "offer", "quantile"]

_CONNECTIONS = 256
_LONGEST_WAIT_S = 30.0


@dataclass
class Seen:
    """What callers saw.

    Attributes
    ----------
    waits_s
        From when each request was due until its answer was there.
    late_s
        From when each request was due until it went out: the generator's own share of the wait.
    failed
        Answers with another status than 200.
    """

    waits_s: list[float] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    failed: int = 0


def arrivals(rate: float, seconds: float, seed: int = 0) -> list[float]:
    """Return when requests are due, in seconds: as many callers that know nothing of each other."""
    rng, due, found = random.Random(seed), 0.0, []
    while (due := due + rng.expovariate(rate)) < seconds:
        found.append(due)
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """Return the least value that at least a ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-len(ordered) * share // 1) - 1))]


def offer(port: int, requests: Sequence[bytes], due: Sequence[float]) -> Seen:
    """Send a request at each of the times in ``due`` and return what came of them."""
    return uvloop.run(_Offer(requests, due).run(port))


class _Offer:
    def __init__(self, requests: Sequence[bytes], due: Sequence[float]) -> None:
        self.seen = Seen()
        self.idle: list[_Caller] = []
        self._requests = requests
        self._due = due
        self._next = 0
        self._behind: deque[int] = deque()

    async def run(self, port: int) -> Seen:
        self.loop = asyncio.get_running_loop()
        for _ in range(_CONNECTIONS):
            _, caller = await self.loop.create_connection(lambda: _Caller(self), "127.0.0.1", port)
            self.idle.append(caller)
        self._began = self.loop.time()
        end = self._began + self._due[-1] + _LONGEST_WAIT_S
        while len(self.seen.waits_s) < len(self._due) and self.loop.time() < end:
            self._send()
            # A timer of the loop is late by up to a millisecond, which is more than the wait.
            await asyncio.sleep(0)
        self.seen.failed += len(self._due) - len(self.seen.waits_s)
        for caller in self.idle:
            caller.transport.close()
        return self.seen

    def _send(self) -> None:
        now, due = self.loop.time() - self._began, self._due
        while self._next < len(due) and due[self._next] <= now:
            self._behind.append(self._next)
            self._next += 1
        while self._behind and self.idle:
            number = self._behind.popleft()
            self.seen.late_s.append(now - due[number])
            request = self._requests[number % len(self._requests)]
            self.idle.pop().ask(request, self._began + due[number])


class _Caller(asyncio.Protocol):
    """One connection, which asks one thing at a time."""

    def __init__(self, offer: _Offer) -> None:
        self._offer = offer
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes, due: float) -> None:
        self._due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        seen = self._offer.seen
        seen.waits_s.append(self._offer.loop.time() - self._due)
        seen.failed += self._parser.get_status_code() != 200
        self._offer.idle.append(self)
