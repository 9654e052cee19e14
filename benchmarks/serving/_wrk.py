"""Closed-loop load by wrk: so many connections, each asking again once it is answered."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Load", "parse", "press"]

_SCRIPT = Path(__file__).with_name("wrk.lua")
_LONGEST_ANSWER_S = 60


@dataclass(frozen=True)
class Load:
    """What wrk saw.

    Attributes
    ----------
    requests
        Answers that came.
    seconds
        How long it pressed.
    p50_ms, p99_ms
        What a caller waited.
    failed
        Connections that broke, answers that timed out, and statuses other than 2xx.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    failed: int

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


def parse(printed: str) -> Load:
    """Return what ``wrk.lua`` told in its line, among all that wrk prints."""
    for line in printed.splitlines():
        if line.startswith("{"):
            return Load(**json.loads(line))
    raise ValueError(f"wrk told no outcome: {printed.strip() or 'nothing'}")


def press(port: int, requests: Sequence[Path], connections: int, seconds: float) -> Load:
    """Ask the server on ``port`` the raw requests in turn and return what was seen."""
    command = [
        *("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"),
        *(f"--timeout={_LONGEST_ANSWER_S}s", "-s", str(_SCRIPT), f"http://127.0.0.1:{port}/"),
        *("--", *map(str, requests)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"wrk failed: {done.stderr.strip()}")
    return parse(done.stdout)
