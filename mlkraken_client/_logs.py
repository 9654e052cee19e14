"""Log lines of a service: a list that reads well, or a stream that follows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from mlkraken_client._connection import Connection

__all__ = ["LogLines", "LogStream", "read_logs"]

_PAGE = 5000
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0


class LogLines(list[str]):
    """Lines of text that show as text."""

    def __str__(self) -> str:
        return "\n".join(self)

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self)}


class LogStream:
    """Lines as they are written, until interrupted.

    Iterate over it, or let a notebook show it: it prints until the kernel is interrupted, which
    ends the printing and nothing else.

    Parameters
    ----------
    connection
        The control plane.
    path
        The service's path below ``/api/v1``.
    tail
        How many of the lines before to begin with.
    """

    def __init__(self, connection: Connection, path: str, tail: int) -> None:
        self._connection = connection
        self._path = path
        self._tail = tail

    def __iter__(self) -> Iterator[str]:
        page = _page(self._connection, self._path, "tail", self._tail)
        pause = _FIRST_PAUSE_S
        while True:
            yield from _texts(page)
            if page["lines"]:
                pause = _FIRST_PAUSE_S
            else:
                time.sleep(pause)
                pause = min(_LONGEST_PAUSE_S, pause * 1.5)
            page = _page(self._connection, self._path, page["cursor"], _PAGE)

    def show(self) -> None:
        """Print lines until interrupted."""
        try:
            for line in self:
                print(line, flush=True)  # noqa: T201 - showing them is what was asked for
        except KeyboardInterrupt:
            return

    def _ipython_display_(self) -> None:
        self.show()


def read_logs(connection: Connection, path: str, limit: int) -> LogLines:
    """Return the last ``limit`` lines."""
    return LogLines(_texts(_page(connection, path, "tail", limit)))


def _page(connection: Connection, path: str, cursor: str, limit: int) -> dict[str, Any]:
    page: dict[str, Any] = connection.call(
        "GET", f"{path}/logs", query={"cursor": cursor, "limit": limit}
    )
    return page


def _texts(page: dict[str, Any]) -> list[str]:
    """Lines, with the replica's id before them where several replicas speak."""
    lines = page["lines"]
    several = len({line["replica"] for line in lines}) > 1
    return [f"[{line['replica']}] {line['text']}" if several else line["text"] for line in lines]
