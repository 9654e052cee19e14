"""``python -m serving.openloop``: what callers wait at a share of the server's capacity.

The capacity is what wrk gets out of the server with access records on. Then the server with
records and the one without are offered the same share of it in turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from serving._models import Served, made
from serving._openloop import Seen, arrivals, offer, quantile
from serving._processes import LOAD_CORE, spent_s
from serving._running import running
from serving._workloads import WORKLOADS, Workload, check, files_of
from serving._wrk import press
from serving.peers._ours import Kraken, WithoutRecords

_WARM_S = 2


def main() -> None:
    """Offer the load in rounds and print the medians."""
    options = _parser().parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    workload = next(one for one in WORKLOADS if one.key == options.row)
    served = made(workload.model)
    found: dict[str, list[dict[str, float]]] = {}
    for number in range(options.rounds):
        rate = 0.0
        for server in (Kraken(), WithoutRecords()):
            figures = _round(server, served, workload, options, rate, number)
            rate = figures["rate"]
            found.setdefault(server.name, []).append(figures)
    print(f"{workload.title}, {options.share:.0%} of the capacity, {options.rounds} rounds")
    for name, rounds in found.items():
        middle = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        print(
            f"  {name:<28}{middle['rate']:>10,.0f} requests/s{middle['cpu_us']:>8.1f} CPU us"
            f"   p50 {middle['p50']:.2f} ms   p99 {middle['p99']:.2f} ms"
            f"   (sent late by {middle['late']:.2f} ms at p99; {middle['failed']:.0f} failed)"
        )


def _round(
    server: Kraken,
    served: Served,
    workload: Workload,
    options: argparse.Namespace,
    rate: float,
    seed: int,
) -> dict[str, float]:
    server.prepare(served)
    with running(server, served) as found, tempfile.TemporaryDirectory() as folder:
        files = files_of(server, served, workload, "json", Path(folder))
        check(server, served, workload, files, found.port)
        load = press(found.port, files, workload.connections, _WARM_S)
        rate = rate or load.per_second * options.share
        found.tree.settle()
        requests = [file.read_bytes() for file in files]
        before = found.tree.cpu()
        seen = offer(found.port, requests, arrivals(rate, options.seconds, seed))
        used = spent_s(before, found.tree.cpu())
    return {"rate": rate, "cpu_us": used / len(seen.waits_s) * 1e6, **_told(seen)}


def _told(seen: Seen) -> dict[str, float]:
    return {
        "p50": quantile(seen.waits_s, 0.5) * 1000,
        "p99": quantile(seen.waits_s, 0.99) * 1000,
        "late": quantile(seen.late_s, 0.99) * 1000,
        "failed": float(seen.failed),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving.openloop", description=__doc__)
    parser.add_argument("--row", choices=[one.key for one in WORKLOADS], default="numbers-64")
    parser.add_argument("--share", type=float, default=0.7, help="of the capacity (0.7)")
    parser.add_argument("--rounds", type=int, default=3, help="(3)")
    parser.add_argument("--seconds", type=float, default=5, help="of load a round (5)")
    return parser


if __name__ == "__main__":
    main()
