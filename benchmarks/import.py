"""``import mlkraken_client`` beside a bare interpreter, in turn."""

from __future__ import annotations

import subprocess
import sys

from _report import figure, median_ms, timed_ms

ROUNDS = 21


def main() -> None:
    bare, loaded = [], []
    for _ in range(ROUNDS):
        bare.append(timed_ms(lambda: _run("pass")))
        loaded.append(timed_ms(lambda: _run("from mlkraken_client import Kraken; Kraken")))
    p50_bare, p50_loaded = median_ms(bare), median_ms(loaded)
    difference = p50_loaded - p50_bare
    figure(
        "import mlkraken_client - bare interpreter",
        f"{p50_loaded:.0f} - {p50_bare:.0f} = {difference:.0f} ms",
        "at most 100 ms",
        difference <= 100,
    )


def _run(statement: str) -> None:
    subprocess.run([sys.executable, "-c", statement], check=True)


if __name__ == "__main__":
    main()
