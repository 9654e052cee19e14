"""Server-sent events: what changes, and response times as they are recorded."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mlkraken_backend._errors import Invalid
from mlkraken_backend.auth import Authenticator, Caller
from mlkraken_backend.ports import QueryPoint
from mlkraken_backend.routes._http import caller_of, id_of
from mlkraken_backend.routes._hub import Hub
from mlkraken_backend.routes._route import Call
from mlkraken_backend.usecases._outside import Outside
from mlkraken_backend.wire._out import event_out

__all__ = ["EventStream"]

_LOOK_S = 0.04
_BEAT_S = 15.0
_MOST_POINTS = 5_000
_MOST_HISTORY = 100_000
_MOST_EVENTS = 500
_MOST_DIGITS = 15


@dataclass
class _Watched:
    """One model, or one version of it, whose response times a stream carries."""

    reference: str
    model: str
    version: int | None
    cursor: str = "now"


class EventStream:
    """``GET /api/v1/events``: one stream for all that a client wants to hear.

    ``times`` names models (``churn`` or ``churn@2``, separated by commas) whose points to send,
    ``history`` how many of each to send first. An event's id holds all cursors, so a client that
    sends it back as ``Last-Event-ID`` misses nothing. After ``hello`` and the history comes
    ``ready``, then ``change`` and ``times`` as they happen.
    """

    def __init__(self, outside: Outside, authenticator: Authenticator, hub: Hub) -> None:
        self._outside = outside
        self._authenticator = authenticator
        self._hub = hub

    async def __call__(self, request: Request) -> Response:
        caller = caller_of(request, self._authenticator, "query", None)
        watched = _watched(request.query_params.get("times", ""), caller)
        query = Call(caller, {}, request.query_params, {})
        history = query.whole("history", 0, _MOST_HISTORY)
        newest = await run_in_threadpool(self._outside.store.last_event)
        after = self._resume(request.headers.get("last-event-id", ""), watched, newest)
        stream = self._events(after, watched, history, caller)
        headers = {
            "cache-control": "no-cache",
            "x-accel-buffering": "no",
            "x-request-id": id_of(request),
        }
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    async def _events(
        self, after: int, watched: list[_Watched], history: int, caller: Caller
    ) -> AsyncIterator[bytes]:
        yield _message("hello", {"after": after}, after, watched)
        for item in watched:
            async for chunk in self._begin(item, history, after, watched):
                yield chunk
        yield _message("ready", {}, after, watched)
        beat = asyncio.get_running_loop().time() + _BEAT_S
        changed, turn = True, self._hub.turn
        while not self._hub.closed:
            sent = False
            if changed:
                turn = self._hub.turn
                async for number, chunk in self._changes(after, watched, caller):
                    after, sent = number, True
                    yield chunk
            for item in watched:
                points = await self._new_points(item)
                if points:
                    sent = True
                    yield _times(item, points, after, watched)
            now = asyncio.get_running_loop().time()
            if sent:
                beat = now + _BEAT_S
            elif now >= beat:
                beat = now + _BEAT_S
                yield b": still here\n\n"
            changed = await self._hub.wait(turn, _LOOK_S if watched else _BEAT_S)

    async def _changes(
        self, after: int, watched: list[_Watched], caller: Caller
    ) -> AsyncIterator[tuple[int, bytes]]:
        while events := await run_in_threadpool(self._outside.store.events, after, _MOST_EVENTS):
            for event in events:
                after = event.id
                if not caller.model or event.model == caller.model:
                    yield after, _message("change", event_out(event), after, watched)
            if len(events) < _MOST_EVENTS:
                return

    async def _begin(
        self, item: _Watched, history: int, after: int, watched: list[_Watched]
    ) -> AsyncIterator[bytes]:
        if item.cursor != "now":
            return
        points, item.cursor = await run_in_threadpool(
            self._outside.querylog.latest, item.model, item.version, history
        )
        for start in range(0, len(points), _MOST_POINTS):
            yield _times(item, points[start : start + _MOST_POINTS], after, watched)

    async def _new_points(self, item: _Watched) -> list[QueryPoint]:
        points, item.cursor = await run_in_threadpool(
            self._outside.querylog.tail, item.model, item.version, item.cursor, _MOST_POINTS
        )
        return points

    def _resume(self, last_id: str, watched: list[_Watched], newest: int) -> int:
        """Return the event to go on after; of ids that never were, the newest."""
        number, _, packed = last_id.partition(";")
        if not number.isdecimal() or len(number) > _MOST_DIGITS:
            return newest
        with contextlib.suppress(binascii.Error, msgspec.MsgspecError, ValueError):
            cursors = msgspec.json.decode(base64.urlsafe_b64decode(packed), type=dict[str, str])
            for item in watched:
                item.cursor = cursors.get(item.reference, item.cursor)
        return min(int(number), newest)


def _watched(text: str, caller: Caller) -> list[_Watched]:
    watched = []
    for reference in filter(None, text.split(",")):
        model, _, version = reference.partition("@")
        if version and not (version.isdecimal() and len(version) < _MOST_DIGITS):
            raise Invalid(
                "times_invalid",
                f"times={reference!r} names no version.",
                "Write MODEL or MODEL@NUMBER.",
            )
        caller.need("query", model)
        watched.append(_Watched(reference, model, int(version) if version else None))
    return watched


def _times(item: _Watched, points: list[QueryPoint], after: int, watched: list[_Watched]) -> bytes:
    return _message("times", {"of": item.reference, "points": points}, after, watched)


def _message(kind: str, document: Any, after: int, watched: list[_Watched]) -> bytes:
    cursors = {item.reference: item.cursor for item in watched if item.cursor != "now"}
    packed = base64.urlsafe_b64encode(msgspec.json.encode(cursors)) if cursors else b""
    return b"event: %s\nid: %d;%s\ndata: %s\n\n" % (
        kind.encode(),
        after,
        packed,
        msgspec.json.encode(document),
    )
