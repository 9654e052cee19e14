"""Every query leaves a record: when it was sent, how long it took, how it ended."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.system.serving._server import Server
from tests.system.serving.conftest import Start
from tests.system.serving.test_serving_batching import until
from tests.system.serving.test_serving_end import records


def first_record(folder: Path, count: int) -> list[tuple[Any, ...]]:
    """All records once there are ``count``: the server writes them by itself."""
    until(lambda: folder.is_dir() and len(records(folder)) >= count)
    return records(folder)


def test_answers_and_errors_are_recorded_while_the_service_runs(
    start: Start, tmp_path: Path
) -> None:
    server = start("echo", f"--times={tmp_path / 'times'}", "--replica=r-9", "--version=4")
    before = time.time()
    server.ask(1, headers={"X-Request-Id": "good"})
    server.send("POST", "/", b"{", {"X-Request-Id": "bad"})
    server.get("/health")
    good, bad = first_record(tmp_path / "times", 2)
    sent_at, response_ms, model_ms, rows, version, status, zero, request_id = good
    assert before <= sent_at <= time.time()
    assert response_ms >= model_ms > 0
    assert (rows, version, status, zero) == (1, 4, 200, 0)
    assert request_id.rstrip(b"\0") == b"good"
    assert (bad[2], bad[3], bad[5], bad[7].rstrip(b"\0")) == (0.0, 0, 400, b"bad")
    assert all(path.name.endswith("-r-9.rec") for path in (tmp_path / "times").iterdir())


def _sent_at(server: Server, folder: Path, count: int, header: str) -> float:
    assert server.ask(1, headers={"X-Request-Start": header}).status == 200
    sent_at: float = first_record(folder, count)[-1][0]
    return sent_at


def test_the_moment_a_caller_on_this_machine_sent_its_query_counts(
    start: Start, tmp_path: Path
) -> None:
    server = start("echo", f"--times={tmp_path / 'times'}")
    then = time.time() - 5
    assert _sent_at(server, tmp_path / "times", 1, f"t={then:.6f}") == pytest.approx(then, abs=1e-3)
    assert records(tmp_path / "times")[0][1] >= 5000


@pytest.mark.parametrize(
    "header", ["t=0", "t=nan", "t=inf", "t=-inf", "t=1e400", "t=", "t=soon", "5", "t=99999999999"]
)
def test_a_moment_that_cannot_be_is_ignored(start: Start, tmp_path: Path, header: str) -> None:
    server = start("echo", f"--times={tmp_path / 'times'}")
    before = time.time()
    assert before <= _sent_at(server, tmp_path / "times", 1, header) <= time.time()


def test_records_that_cannot_be_written_cost_no_answer(start: Start, tmp_path: Path) -> None:
    (tmp_path / "times").write_text("a file in the way")
    server = start("echo", f"--times={tmp_path / 'times'}")
    assert [server.ask(number).result for number in range(3)] == [0, 1, 2]
    until(lambda: "not recorded" in server.log)
    assert server.ask(3).result == 3
