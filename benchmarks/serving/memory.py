"""``python -m serving.memory``: a million queries in a row, and what the server's memory does."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from _report import figure

from serving._models import made
from serving._processes import LOAD_CORE
from serving._running import Running, running
from serving._workloads import WORKLOADS, check, files_of
from serving._wrk import press
from serving.peers._ours import Kraken

_READINGS = 10
_BURST_S = 2
_MOST_GROWTH_MB = 2.0
"""In half of a million queries: four bytes a query, where the smallest object has sixteen."""


def main() -> None:
    """Ask, and print the memory after each tenth of the queries."""
    parser = argparse.ArgumentParser(prog="python -m serving.memory", description=__doc__)
    parser.add_argument("--queries", type=int, default=1_000_000, help="(1,000,000)")
    parser.add_argument("--row", choices=[one.key for one in WORKLOADS], default="numbers-64")
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    workload = next(one for one in WORKLOADS if one.key == options.row)
    served, server = made(workload.model), Kraken()
    server.prepare(served)
    with running(server, served) as found, tempfile.TemporaryDirectory() as folder:
        files = files_of(server, served, workload, "json", Path(folder))
        check(server, served, workload, files, found.port)
        sizes = []
        for asked in _pressed(found, files, workload.connections, options.queries):
            sizes.append(found.tree.resident_mb())
            print(f"      {asked:>11,} queries {sizes[-1]:>10.2f} MB", flush=True)
        check(server, served, workload, files, found.port)
    growth = grown(sizes)
    figure(
        f"{options.row}: memory in the second half of {options.queries:,} queries",
        f"{sizes[-1] - growth:.1f} to {sizes[-1]:.1f} = {growth:+.2f} MB",
        f"grows by at most {_MOST_GROWTH_MB:g} MB",
        growth <= _MOST_GROWTH_MB,
    )


def _pressed(
    server: Running, files: Sequence[Path], connections: int, queries: int
) -> Iterator[int]:
    """Ask until there were so many queries; yield the number at each further tenth."""
    every = max(1, queries // _READINGS)
    asked, told = 0, 0
    while asked < queries:
        load = press(server.port, files, connections, _BURST_S)
        if load.failed or not load.requests:
            raise SystemExit(f"{load.failed} queries failed after {asked:,}")
        asked += load.requests
        if asked >= min(told + every, queries):
            told = asked - asked % every
            yield asked


def grown(sizes: Sequence[float]) -> float:
    """Return the growth from the middle reading on, by which caches and pools are filled."""
    return sizes[-1] - sizes[(len(sizes) - 1) // 2] if sizes else 0.0


if __name__ == "__main__":
    main()
