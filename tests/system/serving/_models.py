"""Models as users write them, the bad ones too; each runs in a model server of its own."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

_LONGEST_S = 20.0


def echo(value: Any) -> Any:
    """Answer with what was asked, whatever it is."""
    return value


def by_process(frame: Any) -> list[int]:
    """Answer otherwise in every process."""
    return [os.getpid()] * len(frame)


def misbehave(asked: dict[str, Any]) -> Any:
    """Do what ``do`` says; every branch is something a user's model has done to a server."""
    return _DEEDS[asked["do"]](asked)


def _recurse(asked: dict[str, Any]) -> Any:
    return _recurse(asked)


def _raise(error: BaseException) -> Any:
    raise error


class _OwnExit(SystemExit):
    """A subclass, as test runners and command line libraries have."""


class _Lying:
    """Looks like rows but is none."""

    shape = (2,)

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no such thing")


def _wait(asked: dict[str, Any]) -> Any:
    """Note that the call has begun, then wait for a file: the test decides how long it takes."""
    gate = Path(asked["gate"])
    begun = gate.with_suffix(".draft")
    begun.write_text(str(os.getpid()))
    begun.rename(gate.with_suffix(".begun"))
    until = time.monotonic() + _LONGEST_S
    while not gate.exists() and time.monotonic() < until:
        time.sleep(0.005)
    return "went on"


_DEEDS: dict[str, Any] = {
    "answer": lambda asked: asked.get("value"),
    "raise": lambda asked: _raise(ValueError("the weights are sad")),
    "raise nothing said": lambda asked: _raise(KeyError()),
    "sys.exit": lambda asked: sys.exit(7),
    "own exit": lambda asked: _raise(_OwnExit("enough")),
    "interrupt": lambda asked: _raise(KeyboardInterrupt()),
    "recurse": _recurse,
    "eat memory": lambda asked: _raise(MemoryError()),
    "open": lambda asked: Path("/no/such/folder/weights.bin").read_bytes(),
    "return an object": lambda asked: object(),
    "return a liar": lambda asked: _Lying(),
    "return what cannot be pickled": lambda asked: (row for row in [1]),
    "leave": lambda asked: os._exit(9),
    "return a surrogate": lambda asked: "\ud800",
    "return a huge number": lambda asked: 2**70,
    "return nan": lambda asked: [float("nan"), float("inf"), 1.5],
    "print": lambda asked: print("a line from the model") or "printed",
    "print to stderr": lambda asked: print("a complaint", file=sys.stderr) or "printed",
    "wait": _wait,
    "environment": lambda asked: sorted(os.environ),
    "pid": lambda asked: os.getpid(),
}


def pass_gates(frame: Any) -> None:
    """Wait at the gate of every row that has one."""
    for gate in frame["gate"]:
        if gate:
            _wait({"gate": gate})


def doubled(frame: Any) -> Any:
    """Row by row; a negative number fails, a row with a gate waits for it."""
    pass_gates(frame)
    if (frame["x"] < 0).any():
        raise ValueError("a negative number")
    return frame["x"].to_numpy() * 2


def totals(frame: Any) -> Any:
    """Not row by row, whatever it says of itself: every call's rows change every answer."""
    pass_gates(frame)
    return {"total": float(frame["x"].sum())}


def ranked(frame: Any) -> Any:
    """As long as its input, but no row's own answer: must not be joined unless it was tried."""
    return frame["x"].rank().to_numpy()
