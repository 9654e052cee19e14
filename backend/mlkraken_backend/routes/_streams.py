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

from mlkraken_backend._errors import Invalid, Unauthenticated
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


@dataclass
class _Stream:
    """One open stream: who reads it, what it carries, and how far it is."""

    caller: Caller
    authorization: str | None
    watched: list[_Watched]
    history: int
    after: int

    def message(self, kind: str, document: Any) -> bytes:
        """Return an event whose id holds all cursors."""
        cursors = {item.reference: item.cursor for item in self.watched if item.cursor != "now"}
        packed = base64.urlsafe_b64encode(msgspec.json.encode(cursors)) if cursors else b""
        return b"event: %s\nid: %d;%s\ndata: %s\n\n" % (
            kind.encode(),
            self.after,
            packed,
            msgspec.json.encode(document),
        )

    def times(self, item: _Watched, points: list[QueryPoint]) -> bytes:
        return self.message("times", {"of": item.reference, "points": points})


class _Beat:
    """Says when a stream has been silent for so long that its readers may think it broken."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self.put_off()

    def put_off(self) -> None:
        self._at = self._now() + _BEAT_S

    def due(self) -> bool:
        due = self._now() >= self._at
        if due:
            self.put_off()
        return due


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
        authorization = request.headers.get("authorization")
        stream = _Stream(caller, authorization, watched, history, after)
        headers = {
            "cache-control": "no-cache",
            "x-accel-buffering": "no",
            "x-request-id": id_of(request),
        }
        return StreamingResponse(
            self._events(stream), media_type="text/event-stream", headers=headers
        )

    async def _events(self, stream: _Stream) -> AsyncIterator[bytes]:
        yield stream.message("hello", {"after": stream.after})
        for item in stream.watched:
            async for chunk in self._begin(stream, item):
                yield chunk
        yield stream.message("ready", {})
        beat, changed = _Beat(), True
        while not self._hub.closed:
            turn = self._hub.turn
            if changed and not self._holds(stream):
                return
            async for chunk in self._news(stream, changed):
                beat.put_off()
                yield chunk
            if beat.due():
                yield b": still here\n\n"
            changed = await self._hub.wait(turn, _LOOK_S if stream.watched else _BEAT_S / 3)

    def _holds(self, stream: _Stream) -> bool:
        """Whether the credential still does: a stream lives longer than many a token."""
        try:
            self._authenticator.caller(stream.authorization)
        except Unauthenticated:
            return False
        return True

    async def _news(self, stream: _Stream, changed: bool) -> AsyncIterator[bytes]:
        if changed:
            async for chunk in self._changes(stream):
                yield chunk
        for item in stream.watched:
            points, item.cursor = await run_in_threadpool(
                self._outside.querylog.tail, item.model, item.version, item.cursor, _MOST_POINTS
            )
            if points:
                yield stream.times(item, points)

    async def _changes(self, stream: _Stream) -> AsyncIterator[bytes]:
        read, limit = self._outside.store.events, stream.caller.model
        while events := await run_in_threadpool(read, stream.after, _MOST_EVENTS):
            for event in events:
                stream.after = event.id
                if not limit or event.model == limit:
                    yield stream.message("change", event_out(event))
            if len(events) < _MOST_EVENTS:
                return

    async def _begin(self, stream: _Stream, item: _Watched) -> AsyncIterator[bytes]:
        if item.cursor != "now":
            return
        points, item.cursor = await run_in_threadpool(
            self._outside.querylog.latest, item.model, item.version, stream.history
        )
        for start in range(0, len(points), _MOST_POINTS):
            yield stream.times(item, points[start : start + _MOST_POINTS])

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
