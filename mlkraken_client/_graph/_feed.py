"""A thread that follows a model's response times and hands them on."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

from mlkraken_client._connection import Connection
from mlkraken_client._errors import KrakenError

__all__ = ["Feed", "events"]

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0
_CHUNK = 1 << 16


class Feed:
    """Follows response times until closed; a backend that is gone is waited for.

    Parameters
    ----------
    connection
        The control plane.
    reference
        ``model`` or ``model@version``.
    history
        Newest points to begin with.
    points
        Called with every batch of points, from the feed's thread.
    state
        Called with ``live`` or ``offline`` when that changes.
    caught_up
        Called when the history has been handed on.
    """

    def __init__(
        self,
        connection: Connection,
        reference: str,
        history: int,
        *,
        points: Callable[[list[list[Any]]], None],
        state: Callable[[str], None],
        caught_up: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._reference = reference
        self._history = history
        self._points = points
        self._state = state
        self._caught_up = caught_up
        self._closed = threading.Event()
        self._answer: Any = None
        self._last_id = ""
        self._thread = threading.Thread(target=self._run, name=f"times {reference}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop following. Harmless when done already."""
        self._closed.set()
        answer = self._answer
        if answer is not None and hasattr(answer, "shutdown"):
            with contextlib.suppress(Exception):  # the connection may be going by itself
                answer.shutdown()

    def _run(self) -> None:
        pause = _FIRST_PAUSE_S
        while not self._closed.is_set():
            try:
                for kind, document in self._messages():
                    pause = _FIRST_PAUSE_S
                    if kind == "hello":
                        self._state("live")
                    elif kind == "ready":
                        self._caught_up()
                    elif kind == "times":
                        self._points(document["points"])
            except (KrakenError, OSError, ValueError):
                pass  # offline is a state that is shown, not an error of anybody's
            if self._closed.is_set():
                return
            self._state("offline")
            self._closed.wait(pause * random.uniform(0.7, 1.3))  # noqa: S311 - only spreads load
            pause = min(_LONGEST_PAUSE_S, pause * 2)

    def _messages(self) -> Iterator[tuple[str, Any]]:
        import urllib3

        query = {"times": self._reference, "history": 0 if self._last_id else self._history}
        self._answer = self._connection.follow("/events", query=query, last_id=self._last_id)
        try:
            for kind, identity, data in events(self._answer.stream(_CHUNK)):
                self._last_id = identity or self._last_id
                yield kind, json.loads(data)
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from error
        finally:
            self._answer.close()


def events(chunks: Iterator[bytes]) -> Iterator[tuple[str, str, str]]:
    """Return the event, id and data of every message of a server-sent event stream.

    Follows https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6, as far
    as the backend makes use of it: event, id and data fields, comments ignored.
    """
    waiting = b""
    fields: dict[str, list[str]] = {}
    for chunk in chunks:
        *lines, waiting = (waiting + chunk).split(b"\n")
        for raw in lines:
            line = raw.rstrip(b"\r").decode()
            if not line:
                if "data" in fields:
                    yield _last(fields, "event"), _last(fields, "id"), "\n".join(fields["data"])
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                fields.setdefault(name, []).append(value.removeprefix(" "))


def _last(fields: dict[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[-1]
