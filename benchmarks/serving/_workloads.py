"""What is asked of every server, and that the answers are right before any is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving._http import ask, ask_together, raw
from serving._models import Served
from serving.peers._peer import Peer

__all__ = ["WORKLOADS", "Workload", "Wrong", "check", "files_of", "first_request", "same"]

_DIFFERENT = 16
_TOGETHER = 64


class Wrong(Exception):
    """A server's answer is not the notebook's: nothing of it counts."""


@dataclass(frozen=True)
class Workload:
    """One row of the table.

    Attributes
    ----------
    key
        Names it on the command line.
    title
        Names it in the table.
    model
        One of `serving._models.MODELS`.
    rows
        In one request.
    connections
        That ask at the same time.
    encoded
        Whether it is asked in each encoding a server knows, or in JSON alone.
    """

    key: str
    title: str
    model: str
    rows: int
    connections: int
    encoded: bool = False

    def portions(self, served: Served) -> list[slice]:
        """Return which rows each different request asks."""
        count = max(1, min(_DIFFERENT, len(served.rows) // self.rows))
        return [slice(self.rows * number, self.rows * (number + 1)) for number in range(count)]


WORKLOADS = (
    Workload("numbers-64", "20 floats, 1 row, 64 connections", "numbers", 1, 64),
    Workload("numbers-1", "20 floats, 1 row, 1 connection", "numbers", 1, 1),
    Workload("mixed-64", "mixed types, 1 row, 64 connections", "mixed", 1, 64),
    Workload("mixed-1", "mixed types, 1 row, 1 connection", "mixed", 1, 1),
    Workload("hundred", "20 floats, 100 rows, 16 connections", "numbers", 100, 16),
    Workload("large", "20 floats, 10,000 rows, 1 connection", "numbers", 10_000, 1, encoded=True),
)


def first_request(peer: Peer, served: Served) -> bytes:
    """Return the request that tells whether a starting server answers."""
    return raw(peer.query(served, served.rows[:1], "json"))


def files_of(
    peer: Peer, served: Served, workload: Workload, encoding: str, folder: Path
) -> list[Path]:
    """Write the different requests of a workload, each into a file."""
    files = []
    for number, portion in enumerate(workload.portions(served)):
        file = folder / f"{workload.key}-{encoding}-{number}.http"
        file.write_bytes(raw(peer.query(served, served.rows[portion], encoding)))
        files.append(file)
    return files


def check(
    peer: Peer, served: Served, workload: Workload, files: Sequence[Path], port: int
) -> bytes:
    """Ask each request, alone and then many at once; return the last answer's bytes.

    Raises
    ------
    Wrong
        Status, form or a value differs from what ``model.predict`` says in this process.
    """
    requests = [file.read_bytes() for file in files]
    expected = [served.answers[portion] for portion in workload.portions(served)]
    answers = [ask(port, request) for request in requests]
    if workload.connections > 1:
        repeats = -(-_TOGETHER // len(requests))
        answers += ask_together(port, requests * repeats, workload.connections)
        expected = expected * (repeats + 1)
    for (status, body, headers), wanted in zip(answers, expected, strict=True):
        if status != 200:
            raise Wrong(f"{status} {body[:120].decode('utf-8', 'replace')}")
        try:
            told = peer.answers(body, headers)
        except (ValueError, LookupError, TypeError) as error:
            raise Wrong(f"{type(error).__name__} on reading {body[:80]!r}") from error
        if not same(told, wanted):
            raise Wrong(f"{str(told)[:80]} instead of {str(wanted)[:80]}")
    _, body, headers = answers[-1]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + body


def same(told: list[Any], wanted: list[Any]) -> bool:
    """Tell whether values and their types are equal: 1, 1.0 and true are three answers."""
    return told == wanted and list(map(type, told)) == list(map(type, wanted))
