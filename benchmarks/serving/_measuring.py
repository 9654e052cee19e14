"""One visit to a server: start it, check it, press it with each workload, end it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from serving._models import BUILD, Served
from serving._processes import Tree, spent_s
from serving._results import Results
from serving._running import Running, running
from serving._workloads import Workload, Wrong, check, files_of
from serving._wrk import Load, press
from serving.peers._peer import Peer

__all__ = ["CANNED", "START", "measured", "visit"]

CANNED = BUILD / "answer.http"
"""An answer of ours, which the echo server gives to everybody."""

START = "start {}"
"""The row of how long a server with this model takes to answer, and what memory it holds."""

_WARM_S = 1


def visit(
    peer: Peer, served: Served, workloads: Sequence[Workload], results: Results, seconds: float
) -> None:
    """Add one round of a server's figures with one model."""
    print(f"  {served.name}: {peer.name}", file=sys.stderr, flush=True)
    row = START.format(served.name)
    try:
        peer.prepare(served)
        with running(peer, served) as server:
            figures = {"start_s": server.start_s}
            # Large bodies leave their traces in memory, so they come last and are told apart.
            for name, encoded in (("memory_mb", False), ("memory_large_mb", True)):
                asked = [workload for workload in workloads if workload.encoded is encoded]
                for workload in asked:
                    _ask(peer, served, workload, results, server, seconds)
                if asked or not encoded:
                    figures[name] = server.tree.memory_mb()
            results.add(row, peer.name, **figures)
    except (Wrong, RuntimeError) as wrong:
        results.refuse(row, peer.name, str(wrong))


def _ask(
    peer: Peer,
    served: Served,
    workload: Workload,
    results: Results,
    server: Running,
    seconds: float,
) -> None:
    for encoding in peer.encodings if workload.encoded else ("json",):
        arm = peer.name if encoding == "json" else f"{peer.name} {encoding}"
        try:
            with tempfile.TemporaryDirectory() as folder:
                files = files_of(peer, served, workload, encoding, Path(folder))
                answer = check(peer, served, workload, files, server.port)
                figures = measured(server.tree, server.port, files, workload, seconds)
        except (Wrong, OSError) as wrong:
            results.refuse(workload.key, arm, str(wrong))
            continue
        results.add(workload.key, arm, **figures)
        if workload.key == "numbers-64" and peer.name == "mlkraken":
            CANNED.write_bytes(answer)


def measured(
    tree: Tree, port: int, files: Sequence[Path], workload: Workload, seconds: float
) -> dict[str, float]:
    """Press a server that is right, and return its figures.

    Raises
    ------
    Wrong
        It broke connections or answered with another status than 2xx.
    """
    press(port, files, workload.connections, _WARM_S)
    tree.settle()
    before = tree.cpu()
    load = press(port, files, workload.connections, seconds)
    used = spent_s(before, tree.cpu())
    tree.settle()
    if load.failed or not load.requests:
        raise Wrong(f"{load.failed} of {load.requests + load.failed} requests failed")
    return _figures(load, used)


def _figures(load: Load, used_s: float) -> dict[str, float]:
    return {
        "per_second": load.per_second,
        "cpu_us": used_s / load.requests * 1e6,
        "p50_ms": load.p50_ms,
        "p99_ms": load.p99_ms,
    }
