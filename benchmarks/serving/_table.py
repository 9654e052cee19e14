"""The measured figures of every server, as they came."""

from __future__ import annotations

from serving._results import Results
from serving._workloads import Workload

__all__ = ["show", "show_starts"]


def show(results: Results, workload: Workload) -> None:
    """Print a row's servers, the cheapest first."""
    _print(
        results,
        workload.key,
        f"{workload.key}: {workload.title}",
        {"cpu_us": "CPU us", "per_second": "requests/s", "p50_ms": "p50 ms", "p99_ms": "p99 ms"},
    )


def show_starts(results: Results, row: str) -> None:
    """Print how long servers took to answer, and their memory."""
    columns = {
        "start_s": "first answer s",
        "memory_mb": "memory MB",
        "memory_large_mb": "after large MB",
    }
    _print(results, row, row, columns)


def _print(results: Results, row: str, title: str, columns: dict[str, str]) -> None:
    refused = [(arm, why) for (other, arm), why in results.refused.items() if other == row]
    arms = results.arms(row)
    if not arms and not refused:
        return
    first = next(iter(columns))
    print(f"\n{title:<42}" + "".join(f"{said:>16}" for said in columns.values()))
    for arm in sorted(arms, key=lambda arm: results.median(row, arm, first) or 0.0):
        cells = (results.median(row, arm, name) for name in columns)
        print(f"  {arm:<40}" + "".join(_cell(value) for value in cells))
    for arm, why in refused:
        print(f"  {arm:<40}does not count: {why.splitlines()[0]}")


def _cell(value: float | None) -> str:
    if value is None:
        return f"{'-':>16}"
    return f"{value:>16,.0f}" if value >= 1000 else f"{value:>16.4g}"
