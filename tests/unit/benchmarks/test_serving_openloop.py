"""The open-loop generator: when requests are due, and that each is accounted for."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from serving._http import ask, json_query, raw
from serving._openloop import arrivals, offer, quantile
from serving._running import free_port
from serving.memory import grown
from serving.peers._peer import APPS

REQUEST = raw(json_query("/predict", [1.0]))


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[[bytes], int]]:
    """Start the echo server of the benchmarks with an answer; its port."""
    started: list[subprocess.Popen[bytes]] = []

    def start(answer: bytes) -> int:
        file, port = tmp_path / "answer.http", free_port()
        file.write_bytes(answer)
        command = [sys.executable, str(APPS / "echo.py"), str(port), str(file)]
        started.append(subprocess.Popen(command))
        until = time.monotonic() + 30
        while True:
            try:
                ask(port, REQUEST)
                return port
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.01)

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_every_request_that_was_due_is_answered_and_counted(
    answering: Callable[[bytes], int],
) -> None:
    port = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]")
    due = arrivals(2000, 0.2)
    seen = offer(port, [REQUEST], due)
    assert len(seen.waits_s) == len(seen.late_s) == len(due)
    assert seen.failed == 0
    assert min(seen.late_s) >= 0
    assert all(wait > 0 for wait in seen.waits_s)


def test_answers_with_another_status_are_failures(answering: Callable[[bytes], int]) -> None:
    port = answering(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
    due = arrivals(500, 0.1)
    assert offer(port, [REQUEST], due).failed == len(due)


def test_arrivals_are_the_same_in_every_run_and_as_many_as_the_rate_says() -> None:
    due = arrivals(1000, 10, seed=3)
    assert due == arrivals(1000, 10, seed=3) != arrivals(1000, 10, seed=4)
    assert due == sorted(due)
    assert 0 < due[0] < due[-1] < 10
    assert 9_500 < len(due) < 10_500


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_quantile_is_a_value_that_was_seen(share: float, value: float) -> None:
    assert quantile([float(number) for number in range(100, 0, -1)], share) == value


def test_growth_is_counted_from_the_middle_by_which_pools_are_filled() -> None:
    assert grown([150.0, 160.0, 162.0, 161.5]) == 1.5
    assert grown([160.0]) == grown([]) == 0.0
