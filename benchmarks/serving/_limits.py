"""What no server can beat: HTTP without a model, and the model without HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from serving._http import ask
from serving._measuring import CANNED, START, measured
from serving._models import Served
from serving._processes import ONE_THREAD, SERVER_CORE, Command
from serving._results import Results
from serving._running import free_port, started
from serving._workloads import Workload, files_of
from serving.peers._ours import Kraken
from serving.peers._peer import APPS

__all__ = ["BARE", "ECHO", "bare", "echo"]

ECHO, BARE = "(echo)", "(bare predict)"
_CALLS = {"numbers": 3000, "mixed": 300}
_LONGEST_START_S = 20.0


def echo(served: Served, workload: Workload, results: Results, seconds: float) -> None:
    """Add a round of a server that parses the same requests and answers the same bytes."""
    if not CANNED.exists():
        results.refuse(workload.key, ECHO, "there is no answer of ours yet to give")
        return
    port = free_port()
    command = Command([sys.executable, str(APPS / "echo.py"), str(port), str(CANNED)])
    with started(command, "echo") as tree, tempfile.TemporaryDirectory() as folder:
        files = files_of(Kraken(), served, workload, "json", Path(folder))
        _wait(port, files[0].read_bytes())
        results.add(workload.key, ECHO, **measured(tree, port, files, workload, seconds))


def _wait(port: int, request: bytes) -> None:
    until = time.monotonic() + _LONGEST_START_S
    while True:
        try:
            ask(port, request)
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def bare(served: Served, workload: Workload, results: Results) -> None:
    """Add a round of calling ``predict`` in process, and of starting to do so."""
    told = _bare(served, _CALLS[served.name])
    results.add(workload.key, BARE, p50_ms=json.loads(told)["p50_ms"])
    began = time.perf_counter()
    _bare(served, 0)
    results.add(START.format(served.name), BARE, start_s=time.perf_counter() - began)


def _bare(served: Served, calls: int) -> str:
    env = {
        **os.environ,
        **ONE_THREAD,
        "SERVED_MODEL": str(served.file),
        "SERVED_TABULAR": "1" if served.tabular else "0",
    }
    command = [
        *("taskset", "-c", str(SERVER_CORE), sys.executable, str(APPS / "bare.py")),
        *(json.dumps(served.rows[:1]), str(calls)),
    ]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
