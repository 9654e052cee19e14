"""The port for whatever runs replicas: child processes here, containers elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from mlkraken_backend.lifecycle import Sighting
from mlkraken_backend.values import Size

__all__ = ["LogLine", "LogPage", "ReplicaSpec", "Runtime"]


class ReplicaSpec(msgspec.Struct, frozen=True):
    """All a runtime needs to start one replica.

    ``interpreter`` is the notebook's own Python, ``port`` the wanted port or 0 for any.
    """

    replica: str
    model: str
    version: int
    digest: str
    location: str
    runtime: str
    interpreter: str
    size: Size
    port: int
    deadline_s: float


class LogLine(msgspec.Struct, frozen=True):
    replica: str
    text: str


class LogPage(msgspec.Struct, frozen=True):
    """Lines after a cursor, and the cursor after them."""

    lines: list[LogLine]
    cursor: str


class Runtime(Protocol):
    """Starts, stops and watches replicas."""

    kinds: frozenset[str]
    """Names of the bundle runtimes it can run."""

    def start(self, spec: ReplicaSpec) -> None:
        """Start a replica; does nothing when it runs or is being stopped.

        Raises
        ------
        StartFailed
            ``start_failed``, with what the system said.
        """

    def stop(self, replica: str, grace_s: float) -> None:
        """Ask a replica to finish its queries and end; harmless when it is gone or asked already.

        Does not wait. After ``grace_s`` seconds the replica is killed with all its children.
        """

    def kill(self, replica: str) -> None:
        """End a replica and all its children now; harmless when it is gone."""

    def seen(self) -> Mapping[str, Sighting]:
        """Return what is known of every replica, ended ones included until `forget_replica`."""

    def forget_replica(self, replica: str) -> None:
        """Forget an ended replica, once its end has been recorded."""

    def usage(self, replica: str) -> tuple[float, int]:
        """Return CPU use in cores and resident memory in bytes; zeros when unknown."""

    def logs(self, model: str, version: int, cursor: str, limit: int) -> LogPage:
        """Return up to ``limit`` lines after ``cursor`` ("" from the start, "tail" the last).

        Following the returned cursors gives every line once.
        """

    def forget(self, model: str, version: int) -> None:
        """Remove all logs of a version; harmless when there are none."""

    def close(self, *, stop_replicas: bool) -> None:
        """Stop watching and, where asked, stop all replicas and wait for their end."""
