"""``python -m serving``: the model server beside its peers, row by row, with bars.

Servers take turns, round by round, each alone on one core while wrk is on another. A server
whose answer differs from the notebook's has no figures. CPU time a request counts all processes
of a server, and is the figure that a busy machine disturbs least.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from serving._bars import BARS, judge
from serving._limits import bare, echo
from serving._measuring import START, visit
from serving._models import BUILD, MODELS, ROOT, Served, made
from serving._processes import LOAD_CORE, SERVER_CORE
from serving._results import Results
from serving._table import show, show_starts
from serving._workloads import WORKLOADS, Workload
from serving.peers import OURS, PEERS
from serving.peers._ours import KrakenServe
from serving.peers._peer import Peer

_LIMITS = "limits"


def main() -> None:
    """Measure what was asked for, print it, and keep every figure."""
    options = _parser().parse_args()
    wanted = set(options.only or [peer.name for peer in (*OURS, *PEERS)] + [_LIMITS])
    peers = [peer for peer in PEERS if peer.name in wanted]
    servers = [peer for peer in OURS if peer.name in wanted] + peers
    rows = options.row or list(BARS)
    subprocess.run([str(ROOT / "scripts" / "peers"), *(peer.name for peer in peers)], check=True)
    os.sched_setaffinity(0, {LOAD_CORE})
    results = Results()
    began = time.monotonic()
    for number in range(options.rounds):
        print(
            f"round {number + 1} of {options.rounds}, {time.monotonic() - began:.0f} s", flush=True
        )
        for model in MODELS:
            _round(model, servers, rows, results, options.seconds, _LIMITS in wanted)
        results.write(BUILD / "results.json")
    for workload in WORKLOADS:
        show(results, workload)
    for model in MODELS:
        show_starts(results, START.format(model))
    if peers and len(servers) > len(peers):
        judge(results, [peer.name for peer in peers], rows)


def _round(
    model: str,
    servers: Sequence[Peer],
    rows: Sequence[str],
    results: Results,
    seconds: float,
    limits: bool,
) -> None:
    workloads = [one for one in WORKLOADS if one.model == model and one.key in rows]
    if not workloads and not {"start", "memory"} & set(rows):
        return
    served = made(model)
    for peer in servers:
        # What a terminal starts is the same server: only its start is another.
        asked = [] if isinstance(peer, KrakenServe) else workloads
        visit(peer, served, asked, results, seconds)
    if limits:
        _limits(served, workloads, results, seconds)


def _limits(
    served: Served, workloads: Sequence[Workload], results: Results, seconds: float
) -> None:
    for workload in workloads:
        if workload.rows == 1:
            echo(served, workload, results, seconds)
        if workload.connections == 1 and workload.rows == 1:
            bare(served, workload, results)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving", description=__doc__)
    names = [peer.name for peer in (*OURS, *PEERS)] + [_LIMITS]
    parser.add_argument("--only", action="append", choices=names, help="a server; may be repeated")
    parser.add_argument("--row", action="append", choices=list(BARS), help="may be repeated")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server (3)")
    parser.add_argument("--seconds", type=float, default=3, help="of load a figure (3)")
    return parser


if __name__ == "__main__":
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        sys.exit("serving: two cores are needed, one for the server and one for the load")
    main()
