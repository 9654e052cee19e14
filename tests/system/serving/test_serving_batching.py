"""Who asks while the model is busy is predicted together with the others who wait, fairly."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.system.serving._server import BOUND_S, Answer, Server
from tests.system.serving.conftest import Start


@contextmanager
def busy(
    server: Server, folder: Path, row: Mapping[str, Any] | None = None
) -> Iterator[Future[Answer]]:
    """Keep the model busy with a query of one row until the block ends; yield its answer."""
    gate = folder / "gate"
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.ask, {**(row or {"x": 1.0}), "gate": str(gate)})
        try:
            until(gate.with_suffix(".begun").exists)
            yield answer
        finally:
            gate.touch()


def until(condition: Any) -> None:
    waiter, tries = threading.Event(), 0
    while not condition():
        tries += 1
        assert tries < BOUND_S * 100, "it did not happen"
        waiter.wait(0.01)


def queued(server: Server) -> float:
    page = server.get("/metrics").body.decode()
    (line,) = (line for line in page.splitlines() if line.startswith("mlkraken_queue_length "))
    return float(line.split()[1])


def ask_together(
    server: Server, folder: Path, queries: list[Any], row: Mapping[str, Any] | None = None
) -> list[Answer]:
    """Ask all while the model is busy; it is free only when all of them wait."""
    with ThreadPoolExecutor(len(queries)) as pool:
        with busy(server, folder, row) as first:
            answers = [pool.submit(server.ask, query) for query in queries]
            until(lambda: queued(server) == len(queries))
        assert first.result(BOUND_S).status == 200
        return [answer.result(BOUND_S) for answer in answers]


def row(x: float | None) -> dict[str, Any]:
    return {"x": x, "gate": ""}


def test_queries_that_wait_are_answered_in_one_call_each_with_its_own(
    start: Start, tmp_path: Path
) -> None:
    server = start("doubled")
    queries: list[Any] = [row(5.0), [row(6.0), row(7.0)], {"x": [8.0], "gate": [""]}]
    answers = ask_together(server, tmp_path, queries)
    assert [answer.result for answer in answers] == [[10.0], [12.0, 14.0], [16.0]]
    told = [answer.json["metaData"] for answer in answers]
    assert [meta["rows"] for meta in told] == [1, 2, 1]
    assert {meta["batchRows"] for meta in told} == {4}


def test_a_lone_query_waits_for_nobody(start: Start) -> None:
    meta = start("doubled").ask(row(1.0)).json["metaData"]
    assert (meta["rows"], meta["batchRows"]) == (1, 1)


def test_a_bad_row_fails_its_own_query_only(start: Start, tmp_path: Path) -> None:
    server = start("doubled")
    answers = ask_together(server, tmp_path, [row(5.0), row(-1.0), row(6.0), row(None)])
    assert [answer.status for answer in answers] == [200, 500, 200, 200]
    assert answers[0].result == [10.0]
    assert "a negative number" in answers[1].error["message"]
    assert answers[2].result == [12.0]
    assert answers[3].result == [None]


def test_a_query_refused_by_the_signature_disturbs_no_batch(start: Start, tmp_path: Path) -> None:
    server = start("doubled")
    with busy(server, tmp_path) as first:
        assert server.ask({"x": "five", "gate": ""}).error["code"] == "value_mistyped"
    assert first.result(BOUND_S).result == [2.0]


@pytest.mark.parametrize("bundle", ["totals", "ranked"])
def test_a_model_that_does_not_answer_row_by_row_is_not_joined(
    start: Start, tmp_path: Path, bundle: str
) -> None:
    server = start(bundle)
    if bundle == "ranked":
        answers = [server.ask([row(x), row(x + 1)]) for x in (5.0, 6.0)]
        assert [answer.result for answer in answers] == [[1.0, 2.0], [1.0, 2.0]]
        assert server.get("/health").json["parity"]["verdict"] == "equal"
        return
    for turn in ("one", "two"):
        (tmp_path / turn).mkdir()
        answers = ask_together(server, tmp_path / turn, [row(5.0), row(6.0), row(7.0)])
        assert [answer.result for answer in answers] == [{"total": x} for x in (5.0, 6.0, 7.0)]
        assert {answer.json["metaData"]["batchRows"] for answer in answers} == {1}
    assert server.log.count("no longer joined") == 1


def test_queries_past_the_deadline_are_told_and_the_rest_goes_on(
    start: Start, tmp_path: Path
) -> None:
    server = start("doubled", "--deadline=0.3")
    with busy(server, tmp_path) as first:
        answer = server.ask(row(2.0))
        assert (answer.status, answer.error["code"]) == (504, "deadline_exceeded")
        assert "0.3 s" in answer.error["message"]
        assert first.result(BOUND_S).status == 504
        assert queued(server) == 0
    assert _answers_again(server) == [6.0]


def _answers_again(server: Server) -> Any:
    """The call that was given up still runs to its end; the next waits for it, in the deadline."""
    for _ in range(20):
        answer = server.ask(row(3.0))
        if answer.status == 200:
            return answer.result
    raise AssertionError("the service did not recover")


def test_a_caller_that_goes_away_while_it_waits_hurts_nobody(start: Start, tmp_path: Path) -> None:
    server = start("doubled")
    with busy(server, tmp_path) as first:
        connection = server.connect()
        connection.request("POST", "/", body=b'{"modelData": {"x": 1.0, "gate": ""}}')
        until(lambda: queued(server) == 1)
        connection.close()
    assert first.result(BOUND_S).status == 200
    assert server.ask(row(4.0)).result == [8.0]


def test_many_callers_at_once_each_get_their_own_answer(start: Start) -> None:
    server = start("doubled")
    with ThreadPoolExecutor(16) as pool:
        asked = [float(number) for number in range(300)]
        answers = list(pool.map(lambda x: server.ask(row(x)).result, asked))
    assert answers == [[2 * x] for x in asked]
