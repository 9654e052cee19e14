"""From Starlette's requests to calls and back: credentials, ids, bodies, idempotency, errors."""

from __future__ import annotations

import hashlib
import logging
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mlkraken_backend._errors import BackendError, Conflict, Invalid, NotFound, TooLarge
from mlkraken_backend.auth import Authenticator, Caller
from mlkraken_backend.routes._route import Call, Reply, Route
from mlkraken_backend.usecases.idempotency import Once
from mlkraken_backend.wire._errors import error_body, status_of

__all__ = [
    "Endpoint",
    "answer_error",
    "answer_no_route",
    "answer_unexpected",
    "caller_of",
    "endpoint",
    "id_of",
    "whole_body",
]

MOST_BODY = 32 * 2**20
"""Largest JSON body in bytes; bundles go to upload slots, queries through the gateway."""

_ID = re.compile(r"[\x21-\x7e]{1,128}")
_NOBODY = Caller("", frozenset())
log = logging.getLogger("mlkraken.backend")

Endpoint = Callable[[Request], Awaitable[Response]]


def id_of(request: Request) -> str:
    """Return the request's id: the caller's own if it is one, else a new one, always the same."""
    known: str | None = getattr(request.state, "request_id", None)
    if known is None:
        given = request.headers.get("x-request-id", "")
        known = given if _ID.fullmatch(given) else uuid.uuid4().hex
        request.state.request_id = known
    return known


def caller_of(
    request: Request, authenticator: Authenticator, scope: str, model: str | None
) -> Caller:
    """Return who calls; raises `Unauthenticated` or `Forbidden`. See `Caller.need`."""
    caller = authenticator.caller(request.headers.get("authorization"))
    caller.need(scope, model)
    return caller


def endpoint(route: Route, authenticator: Authenticator, once: Once) -> Endpoint:
    """Return the Starlette endpoint of a route."""

    async def serve(request: Request) -> Response:
        caller = _NOBODY
        if route.scope is not None:
            # Lists, tokens and new models name no model in their path; their handlers decide.
            caller = caller_of(request, authenticator, route.scope, request.path_params.get("m"))
        raw = await whole_body(request, MOST_BODY, "Bundles go to the upload slots.")
        call = Call(
            caller=caller,
            path={key: str(value) for key, value in request.path_params.items()},
            query=request.query_params,
            headers=request.headers,
            body=_decoded(route, raw),
        )
        status, body, headers = await run_in_threadpool(_run, route, call, request, raw, once)
        headers["x-request-id"] = id_of(request)
        return Response(body, status, headers, media_type="application/json")

    return serve


def _run(
    route: Route, call: Call, request: Request, raw: bytes, once: Once
) -> tuple[int, bytes, dict[str, str]]:
    given = request.headers.get("idempotency-key", "")
    if not given or route.method == "GET":
        return _answer(route.handle(call))
    # Keys are the callers' own: two who hit on the same one have nothing to do with each other.
    key = hashlib.sha256(f"{call.caller.name}\n{given}".encode()).hexdigest()
    told = f"{request.method} {request.url.path} ".encode() + raw
    remembered = once.begin(key, hashlib.sha256(told).hexdigest())
    if remembered is not None:
        return remembered.status, remembered.body, {"idempotency-replayed": "true"}
    try:
        status, body, headers = _answer(route.handle(call))
    except BaseException:
        once.give_up(key)
        raise
    once.finish(key, status, body)
    return status, body, headers


def _answer(reply: Reply) -> tuple[int, bytes, dict[str, str]]:
    return reply.status, msgspec.json.encode(reply.document), dict(reply.headers)


async def whole_body(request: Request, most: int, hint: str) -> bytes:
    """Return the body; raises `TooLarge` (``body_too_large``) as soon as it is."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise TooLarge("body_too_large", f"The body is longer than {most >> 20} MiB.", hint)
    return bytes(body)


def _decoded(route: Route, raw: bytes) -> Any:
    if route.takes is None:
        return None
    try:
        return msgspec.json.decode(raw or b"{}", type=route.takes)
    except msgspec.ValidationError as error:
        raise Invalid(
            "body_invalid", f"The body does not fit: {error}.", "See /api/v1/docs for its form."
        ) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid("body_not_json", f"The body is not JSON: {error}.", "") from error


async def answer_error(request: Request, error: Exception) -> Response:
    """Answer one of our errors."""
    assert isinstance(error, BackendError)
    status = status_of(error)
    headers = {"x-request-id": id_of(request)}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    body = error_body(error, id_of(request))
    return Response(body, status, headers, media_type="application/json")


async def answer_no_route(request: Request, error: Exception) -> Response:
    """Answer a path or method that is not served."""
    assert isinstance(error, HTTPException)
    what = f"{request.method} {request.url.path}"
    if error.status_code == 405:
        failure: BackendError = Conflict(
            "method_not_allowed",
            f"{what} is not served.",
            f"Allowed here: {(error.headers or {}).get('Allow', '')}.",
        )
    else:
        failure = NotFound("not_found", f"There is nothing at {what}.", "See /api/v1/docs.")
    body = error_body(failure, id_of(request))
    headers = {**(error.headers or {}), "x-request-id": id_of(request)}
    return Response(body, error.status_code, headers, media_type="application/json")


async def answer_unexpected(request: Request, error: Exception) -> Response:
    """Answer a failure of ours without telling the world our insides."""
    log.error("unexpected failure in %s %s", request.method, request.url.path, exc_info=error)
    failure = BackendError(
        "internal_error",
        "The backend failed in a way it does not know.",
        "Its log, backend.log in the home, has the whole traceback.",
    )
    body = error_body(failure, id_of(request))
    return Response(body, 500, {"x-request-id": id_of(request)}, media_type="application/json")
