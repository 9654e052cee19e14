"""The bars, row by row: what ours must reach beside the best peer and the limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from _report import figure

from serving._limits import BARE, ECHO
from serving._measuring import START
from serving._results import Results
from serving._workloads import WORKLOADS

__all__ = ["BARS", "judge"]

_OURS, _COMPILED, _SERVE = "mlkraken", "mlkraken compiled", "mlkraken serve"


class _Judge:
    """Prints the verdicts over one table of results."""

    def __init__(self, results: Results, peers: Sequence[str]) -> None:
        self._results = results
        self._peers = peers

    def times(self, row: str, arm: str, name: str, least: float, *, most: bool = False) -> None:
        """How many times better than the best peer an arm is: less of a figure, or more of it."""
        ours = self._results.median(row, arm, name)
        best = self._results.best(row, name, self._peers, most=most)
        title = f"{row}: {arm}, {_SAID[name]}"
        if ours is None or best is None:
            self._absent(row, title, arm, f"{least:g} x")
            return
        peer, theirs = best
        ratio = ours / theirs if most else theirs / ours
        shown = f"{ours:,.4g}, {peer} {theirs:,.4g} = {ratio:.1f} x"
        figure(title, shown, f"{least:g} x the best peer", ratio >= least)

    def below(self, row: str, arm: str, name: str) -> None:
        """Less of a figure than every peer."""
        ours = self._results.median(row, arm, name)
        best = self._results.best(row, name, self._peers)
        title = f"{row}: {arm}, {_SAID[name]}"
        if ours is None or best is None:
            self._absent(row, title, arm, "below every peer")
            return
        peer, theirs = best
        figure(title, f"{ours:,.4g}, {peer} {theirs:,.4g}", "below every peer", ours < theirs)

    def over_bare(self, row: str, arm: str, name: str, margin: float) -> None:
        """A figure at most so much above that of the bare interpreter."""
        ours = self._results.median(row, arm, name)
        limit = self._results.median(row, BARE, name)
        title = f"{row}: {arm} - bare, {_SAID[name]}"
        if ours is None or limit is None:
            self._absent(row, title, arm, f"at most {margin:g} more")
            return
        more = ours - limit
        shown = f"{ours:.3f} - {limit:.3f} = {more:.3f}"
        figure(title, shown, f"at most {margin:g} more", more <= margin)

    def share_of_echo(self, row: str, arm: str, least: float) -> None:
        """A share of the requests a second that HTTP alone allows."""
        ours = self._results.median(row, arm, "per_second")
        limit = self._results.median(row, ECHO, "per_second")
        title = f"{row}: {arm} / echo, requests/s"
        if ours is None or limit is None:
            self._absent(row, title, arm, f"at least {least:.0%}")
            return
        shown = f"{ours:,.0f} / {limit:,.0f} = {ours / limit:.0%}"
        figure(title, shown, f"at least {least:.0%}", ours / limit >= least)

    def _absent(self, row: str, title: str, arm: str, bar: str) -> None:
        reason = self._results.refused.get((row, arm), "not measured")
        figure(title, reason.splitlines()[0][:60], bar, False)


_SAID = {
    "cpu_us": "CPU us a request",
    "p50_ms": "p50 ms",
    "per_second": "requests/s",
    "start_s": "s to the first right answer",
    "memory_mb": "MB of memory",
    "memory_large_mb": "MB after 10,000 rows",
}


def _numbers_64(judge: _Judge) -> None:
    judge.times("numbers-64", _OURS, "cpu_us", 12)
    judge.times("numbers-64", _COMPILED, "cpu_us", 20)
    judge.share_of_echo("numbers-64", _OURS, 0.4)


def _numbers_1(judge: _Judge) -> None:
    judge.over_bare("numbers-1", _OURS, "p50_ms", 0.12)
    judge.below("numbers-1", _OURS, "p50_ms")


def _mixed_64(judge: _Judge) -> None:
    judge.times("mixed-64", _OURS, "cpu_us", 7)
    judge.times("mixed-64", _COMPILED, "cpu_us", 40)


def _mixed_1(judge: _Judge) -> None:
    judge.times("mixed-1", _COMPILED, "per_second", 10, most=True)


def _hundred(judge: _Judge) -> None:
    judge.times("hundred", _OURS, "cpu_us", 3)


def _large(judge: _Judge) -> None:
    for figure_name in ("cpu_us", "p50_ms"):
        judge.times("large", _OURS, figure_name, 1.5)
        for encoding in ("arrow", "oip"):
            judge.times("large", f"{_OURS} {encoding}", figure_name, 5)


def _start(judge: _Judge) -> None:
    for model in ("numbers", "mixed"):
        judge.below(START.format(model), _SERVE, "start_s")
        judge.over_bare(START.format(model), _SERVE, "start_s", 0.3)


def _memory(judge: _Judge) -> None:
    for model in ("numbers", "mixed"):
        judge.below(START.format(model), _OURS, "memory_mb")
    judge.below(START.format("numbers"), _OURS, "memory_large_mb")


BARS: dict[str, Callable[[_Judge], None]] = {
    "numbers-64": _numbers_64,
    "numbers-1": _numbers_1,
    "mixed-64": _mixed_64,
    "mixed-1": _mixed_1,
    "hundred": _hundred,
    "large": _large,
    "start": _start,
    "memory": _memory,
}
"""By row; ``start`` and ``memory`` come with any visit."""

assert list(BARS)[: len(WORKLOADS)] == [workload.key for workload in WORKLOADS]


def judge(results: Results, peers: Sequence[str], rows: Sequence[str]) -> None:
    """Print the figures of the chosen rows beside their bars."""
    bench = _Judge(results, peers)
    for row in rows:
        BARS[row](bench)
