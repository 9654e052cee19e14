"""What every request passes on its way in and out: routing, credentials, coding, records."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from mlkraken_serving._auth import Gate
from mlkraken_serving._core import Core, Outcome, Prediction
from mlkraken_serving._deadlines import Ticket
from mlkraken_serving._errors import Draining, InternalError, ServingError
from mlkraken_serving._metrics import Metrics
from mlkraken_serving._records import RecordWriter
from mlkraken_serving._router import Found, Router
from mlkraken_serving.protocols._coding import decoded
from mlkraken_serving.protocols._http import request_id_of, sent_at_of, status_of
from mlkraken_serving.protocols._port import Ask, Query, Reply

__all__ = ["Door", "Exchange", "Request"]

_CLIENT_GONE = 499
log = logging.getLogger("mlkraken.serving")


class Request(msgspec.Struct):
    """A request as the parser read it; ``near`` tells that it came from this machine."""

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    near: bool
    body: bytes = b""


Tell: TypeAlias = Callable[["Exchange", Reply], None]


class Exchange:
    """One request until it is answered.

    Parameters
    ----------
    door
        What it passes.
    request
        The request; `take` wants it read to its end, `refuse` does not.
    tell
        Called once with the reply: before `take` returns, or later on the event loop.

    ``close`` and ``response`` are the connection's: whether it ends after this answer, and the
    answer while earlier ones are not written yet.
    """

    __slots__ = (
        *("_ask", "_door", "_found", "_query", "_tell", "_ticket"),
        *("close", "request", "request_id", "response", "sent_at", "started"),
    )

    def __init__(self, door: Door, request: Request, tell: Tell) -> None:
        self._door = door
        self._tell = tell
        self._found: Found | None = None
        self._ask: Ask | None = None
        self._ticket: Ticket[Outcome] | None = None
        self.close = False
        self.response: bytes | None = None
        self.request = request
        self.request_id = request_id_of(request.headers)
        now = time.time()
        self.sent_at = sent_at_of(request.headers, now, request.near)
        self.started = time.perf_counter() - (now - self.sent_at)

    def take(self, alone: bool) -> None:
        """Answer, now or when the model has.

        ``alone`` tells that there is no other connection, so that nobody waits while the model
        is asked at once.
        """
        door, request = self._door, self.request
        try:
            found = self._found = door.router.find(request.method, request.target)
            page = found.page
            if page is None:
                door.metrics.in_flight += 1
            if page is None or not page.open:
                door.gate.check(request.headers.get(b"authorization"))
            self._query = query = self._read(found)
            if found.protocol is None:
                assert page is not None
                self._tell(self, page.answer(query))
                return
            ask = self._ask = found.protocol.read(query)
            self._ticket = door.core.submit(ask.data, ask.calls, self._done, alone=alone)
        except Exception as error:
            self.refuse(error)

    def _read(self, found: Found) -> Query:
        request = self.request
        body, encoding = request.body, request.headers.get(b"content-encoding")
        if encoding:
            body = decoded(body, encoding, self._door.most_bytes)
        return Query(
            request.method.decode("latin-1"),
            found.path,
            request.headers,
            body,
            self.request_id,
            found.arguments,
            found.parts,
        )

    def _done(self, outcome: Outcome) -> None:
        if not isinstance(outcome, Prediction):
            self.refuse(outcome)
            return
        assert self._found is not None
        assert self._found.protocol is not None
        assert self._ask is not None
        try:
            reply = self._found.protocol.write(self._ask, outcome, self._query)
        except Exception as error:
            self.refuse(error)
            return
        self._tell(self, reply)
        self._note(reply.status, outcome.model_ms, outcome.rows)

    def refuse(self, error: Exception) -> None:
        """Answer with a failure, in the dialect of the path."""
        if not isinstance(error, ServingError):
            log.error("unexpected failure in %s", self.request.target, exc_info=error)
            error = InternalError()
        failed = (
            self._found.failed if self._found else self._door.router.failed(self.request.target)
        )
        reply = failed(error, status_of(error), self.request_id)
        self._tell(self, reply)
        if self._found is not None and self._found.page is None:
            self._note(reply.status, 0.0, 0)

    def cancel(self) -> None:
        """The caller has gone; harmless when it has its answer."""
        if self._ticket is not None and self._ticket.open:
            self._door.core.cancel(self._ticket)
            self._note(_CLIENT_GONE, 0.0, 0)

    def _note(self, status: int, model_ms: float, rows: int) -> None:
        door = self._door
        response_ms = (time.perf_counter() - self.started) * 1000
        door.metrics.in_flight -= 1
        door.metrics.answered(status, response_ms, model_ms, rows)
        if door.recorder is not None:
            door.recorder.add(self.sent_at, response_ms, model_ms, rows, status, self.request_id)


@dataclass(frozen=True)
class Door:
    """The parts that all requests of a service share.

    ``recorder`` is None where nobody keeps response times; ``most_bytes`` is the longest body.
    """

    gate: Gate
    core: Core
    router: Router
    metrics: Metrics
    recorder: RecordWriter | None
    most_bytes: int

    def check_early(self, request: Request) -> None:
        """Refuse before a long body is sent what could not be answered anyway.

        Raises
        ------
        NoRoute, Unauthenticated, Forbidden
            As it would be refused later.
        """
        page = self.router.find(request.method, request.target).page
        if page is None or not page.open:
            self.gate.check(request.headers.get(b"authorization"))

    def give_up(self) -> None:
        """Answer all that still wait: the service ends."""
        self.core.give_up(
            Draining(
                "service_stopping",
                "The service is being stopped and could not wait for the model's answer.",
                "Ask again: another replica or the service's next start answers.",
            )
        )
