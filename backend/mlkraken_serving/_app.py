"""The HTTP door: routes, authentication, records."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mlkraken_serving._auth import Gate
from mlkraken_serving._errors import Draining, InternalError, ServingError
from mlkraken_serving._metrics import CONTENT_TYPE, Metrics
from mlkraken_serving._records import RecordWriter
from mlkraken_serving.protocols._http import (
    Caller,
    ClientGone,
    caller_of,
    headers_of,
    read_body,
    send_json,
    status_of,
)
from mlkraken_serving.protocols._kraken import KrakenProtocol, error_body

__all__ = ["App", "Door", "QueryRoute", "build_app"]

_JSON = "application/json"
_CLIENT_GONE = 499
_INTERNAL = InternalError()
_DRAINING = Draining(
    "service_stopping",
    "The service is being stopped and could not wait for the model's answer.",
    "Ask again: another replica or the service's next start answers.",
)
log = logging.getLogger("mlkraken.serving")

App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Door:
    """What every query passes on its way in and out.

    ``recorder`` is None where nobody keeps response times.
    """

    gate: Gate
    metrics: Metrics
    recorder: RecordWriter | None
    most_bytes: int


class QueryRoute:
    """An ASGI app that answers queries in one protocol and records each.

    Parameters
    ----------
    door
        Authentication, limits, metrics and records.
    protocol
        Parses, asks the model, writes the answer.
    """

    def __init__(self, door: Door, protocol: KrakenProtocol) -> None:
        self._door = door
        self._protocol = protocol

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, caller, started = _arrival(scope)
        self._door.metrics.in_flight.inc()
        status, model_ms, rows = _CLIENT_GONE, 0.0, 0
        try:
            try:
                self._check(headers)
                body = await read_body(headers, receive, self._door.most_bytes)
                answer, done = await self._protocol.answer(body, caller.request_id)
                status, model_ms, rows = 200, done.model_ms, done.rows
            except ClientGone:
                return
            except asyncio.CancelledError:  # the server ends and has waited as long as it may
                status, answer = 503, error_body(_DRAINING, caller.request_id)
            except Exception as error:
                status, answer = _failed(error, caller)
            await send_json(send, status, answer, caller)
        finally:
            self._note_later(caller, started, status, model_ms, rows)

    @property
    def idle(self) -> bool:
        """Whether `now` is worth trying."""
        return self._protocol.idle

    def now(self, scope: Scope, body: bytes) -> tuple[int, bytes, Caller] | None:
        """Answer the only query there is, at once: status, body, and who asked.

        None when it has to wait or may take long; then it is to be asked as an ASGI app.
        """
        headers, caller, started = _arrival(scope)
        status, model_ms, rows = 200, 0.0, 0
        try:
            self._check(headers)
            answered = self._protocol.answer_now(body, caller.request_id)
            if answered is None:
                return None
            answer, done = answered
            model_ms, rows = done.model_ms, done.rows
        except Exception as error:
            status, answer = _failed(error, caller)
        self._door.metrics.in_flight.inc()
        self._note_later(caller, started, status, model_ms, rows)
        return status, answer, caller

    def _check(self, headers: dict[bytes, bytes]) -> None:
        self._door.gate.check(headers.get(b"authorization", b"").decode("latin-1"))

    def _note_later(
        self, caller: Caller, started: float, status: int, model_ms: float, rows: int
    ) -> None:
        """Note it in the loop's next turn: the answer leaves at the end of this one."""
        response_ms = (time.perf_counter() - started) * 1000
        loop = asyncio.get_running_loop()
        loop.call_soon(self._note, caller, status, response_ms, model_ms, rows)

    def _note(
        self, caller: Caller, status: int, response_ms: float, model_ms: float, rows: int
    ) -> None:
        door = self._door
        door.metrics.in_flight.dec()
        door.metrics.answered(status, response_ms, model_ms)
        if door.recorder is not None:
            door.recorder.add(
                sent_at=caller.sent_at,
                response_ms=response_ms,
                model_ms=model_ms,
                rows=rows,
                status=status,
                request_id=caller.request_id,
            )


def _arrival(scope: Scope) -> tuple[dict[bytes, bytes], Caller, float]:
    """Return the headers, who asked, and when on the clock that measures."""
    headers = headers_of(scope)
    caller = caller_of(scope, headers)
    return headers, caller, time.perf_counter() - (time.time() - caller.sent_at)


def _failed(error: Exception, caller: Caller) -> tuple[int, bytes]:
    if isinstance(error, ServingError):
        return status_of(error), error_body(error, caller.request_id)
    log.error("unexpected failure in a query", exc_info=error)
    return 500, error_body(_INTERNAL, caller.request_id)


def build_app(query: QueryRoute, door: Door, health: Callable[[], dict[str, Any]]) -> App:
    """Return the ASGI app of one model service.

    Parameters
    ----------
    query
        Answers queries.
    door
        Authentication and metrics.
    health
        Returns the body of ``GET /health``; open to everyone, so it names nothing secret.
    """

    async def healthy(request: Request) -> Response:
        return Response(msgspec.json.encode(health()), media_type=_JSON)

    async def metrics(request: Request) -> Response:
        door.gate.check(request.headers.get("authorization"))
        return Response(door.metrics.page(), headers={"content-type": CONTENT_TYPE})

    others = Starlette(
        routes=[
            Route("/", query, methods=["POST"]),
            Route("/predict", query, methods=["POST"]),
            Route("/health", healthy, methods=["GET"]),
            Route("/metrics", metrics, methods=["GET"]),
        ],
        exception_handlers={
            ServingError: _refused,
            HTTPException: _no_route,
            Exception: _unexpected,
        },
    )

    others.router.redirect_slashes = False  # a redirect would lose the query's token and body

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """Queries skip the router and its middleware, which would cost as much as they do."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in _HOT:
            await query(scope, receive, send)
        else:
            await others(scope, receive, send)

    return app


_HOT = frozenset(["/", "/predict"])


def _answer(request: Request, status: int, error: ServingError) -> Response:
    caller = caller_of(request.scope, headers_of(request.scope))
    headers = {"x-request-id": caller.request_id}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(error_body(error, caller.request_id), status, headers, media_type=_JSON)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServingError)
    return _answer(request, status_of(error), error)


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        failure = ServingError(
            "method_not_allowed",
            f"{request.method} {request.url.path} is not served.",
            f"Allowed here: {allowed}.",
        )
    else:
        failure = ServingError(
            "not_found",
            f"There is nothing at {request.url.path}.",
            "Queries go to POST / or /predict; also served: GET /health, GET /metrics.",
        )
    response = _answer(request, error.status_code, failure)
    response.headers.update(error.headers or {})
    return response


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected failure in %s %s", request.method, request.url.path, exc_info=error)
    return _answer(request, 500, _INTERNAL)
