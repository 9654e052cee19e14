"""What the harness asks of a server, and the form most peers share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from serving._http import Query, json_query
from serving._models import BUILD, Row, Served
from serving._processes import Command

__all__ = ["APPS", "Peer", "Program"]

APPS = Path(__file__).parents[1] / "apps"


class Peer(ABC):
    """One server under test, with one worker, in the configuration that suits it best.

    Attributes
    ----------
    name
        In the table, of its requirements file, and of its environment.
    encodings
        How it takes large matrices.
    """

    name: ClassVar[str]
    encodings: ClassVar[Sequence[str]] = ("json",)

    @property
    def bin(self) -> Path:
        """Where the programs of its environment are."""
        return BUILD / self.name / "bin"

    def prepare(self, served: Served) -> None:  # noqa: B027 - most need nothing
        """Write what it needs beside the model; nothing when it is there already."""

    @abstractmethod
    def command(self, served: Served, port: int) -> Command:
        """Return how to start it with one worker."""

    @abstractmethod
    def query(self, served: Served, rows: Sequence[Row], encoding: str) -> Query:
        """Return the request for the answers to these rows."""

    @abstractmethod
    def answers(self, body: bytes, headers: Mapping[str, str]) -> list[Any]:
        """Return one answer a row.

        Raises
        ------
        ValueError, LookupError
            The body is no answer.
        """


class Program(Peer):
    """A peer that serves a program of ours in ``apps/``, on ``/predict``."""

    def environment(self, served: Served) -> dict[str, str]:
        """Return the variables that ``apps/served.py`` reads."""
        return {
            "SERVED_MODEL": str(served.file),
            "SERVED_TABULAR": "1" if served.tabular else "0",
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(APPS),
        }

    @abstractmethod
    def argv(self, port: int) -> list[str]:
        """Return the program and its arguments."""

    def command(self, served: Served, port: int) -> Command:
        return Command(self.argv(port), self.environment(served), APPS)

    def query(self, served: Served, rows: Sequence[Row], encoding: str) -> Query:
        return json_query("/predict", {"rows": rows})

    def answers(self, body: bytes, headers: Mapping[str, str]) -> list[Any]:
        return list(json.loads(body)["predictions"])
