"""A model in several processes: side by side, lost, stuck, and ended with their server."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from mlkraken_client._answers import decode
from mlkraken_client._codec import encode
from tests.system.serving._server import BOUND_S, Server
from tests.system.serving.conftest import Start


def _workers(server: Server) -> list[psutil.Process]:
    assert server.get("/health").status == 200  # it answers when all of them have loaded
    return psutil.Process(server.process.pid).children()


def _until(true: Any) -> None:
    """Wait for what the outside does in its own time."""
    end = time.monotonic() + BOUND_S
    while not true():
        assert time.monotonic() < end, "it has not come to that"
        time.sleep(0.01)


def test_calls_run_side_by_side_each_in_a_process_of_its_own(start: Start, tmp_path: Path) -> None:
    server = start("misbehave", "--workers=2")
    gates = [tmp_path / "one", tmp_path / "two"]
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(server.ask, {"do": "wait", "gate": str(gate)}) for gate in gates]
        _until(lambda: all(gate.with_suffix(".begun").exists() for gate in gates))
        for gate in gates:
            gate.touch()
        assert [answer.result().result for answer in waiting] == ["went on", "went on"]
    pids = {server.ask({"do": "pid"}).result for _ in range(4)}
    assert pids <= {worker.pid for worker in _workers(server)}
    assert server.process.pid not in pids
    server.ask({"do": "print"})
    assert "a line from the model" in server.log


def test_a_table_and_its_answer_travel_unchanged(
    start: Start, pipeline: Path, penguins: tuple[Any, Any]
) -> None:
    model, X = penguins
    server = start(pipeline, "--workers=2")
    data, meta = encode(X, {"kind": "dataframe", "fields": []})
    answer = server.ask(data, {**meta, "method": "predict_proba"}).json
    got = decode(answer["result"], answer["metaData"]["resultType"], X)
    assert got.tolist() == model.predict_proba(X).tolist()
    assert answer["metaData"]["engine"] == "python"
    assert server.get("/health").json["parity"]["verdict"] in ("equal", "close")
    row = X.dropna().iloc[0].to_dict()
    unseen = server.ask({**row, "island": "Atlantis"})
    assert (unseen.status, unseen.error["code"]) == (500, "predict_failed")
    assert "Found unknown categories" in server.log


def test_a_worker_that_is_killed_in_a_call_fails_that_call_and_comes_again(
    start: Start, tmp_path: Path
) -> None:
    server = start("misbehave", "--workers=2")
    before = {worker.pid for worker in _workers(server)}
    gate = tmp_path / "gate"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.ask, {"do": "wait", "gate": str(gate)})
        _until(gate.with_suffix(".begun").exists)
        free = server.ask({"do": "pid"}).result
        (busy,) = before - {free}
        os.kill(busy, signal.SIGKILL)
        lost = waiting.result()
    assert (lost.status, lost.error["code"]) == (503, "worker_lost")
    assert "SIGKILL" in lost.error["message"]
    assert server.ask({"do": "answer", "value": 5}).result == 5
    _until(lambda: {busy} < before and len({w.pid for w in _workers(server)} - {busy}) == 2)
    assert server.ask({"do": "answer", "value": 6}).result == 6


def test_queries_joined_in_a_call_whose_worker_is_killed_are_asked_again_each_by_itself(
    start: Start, tmp_path: Path
) -> None:
    server = start("doubled", "--workers=2")
    before = {worker.pid for worker in _workers(server)}
    gates = [tmp_path / "one", tmp_path / "two"]
    waits = [{"x": float(number), "gate": str(gate)} for number, gate in enumerate(gates)]
    with ThreadPoolExecutor(8) as pool:
        first = [pool.submit(server.ask, rows) for rows in waits]
        _until(lambda: all(gate.with_suffix(".begun").exists() for gate in gates))
        third = tmp_path / "three"
        joined = [{"x": 5.0, "gate": ""}, {"x": 6.0, "gate": str(third)}, {"x": 7.0, "gate": ""}]
        later = [pool.submit(server.ask, rows) for rows in joined]
        _until(lambda: b"mlkraken_queue_length 3" in server.get("/metrics").body)
        gates[0].touch()  # one worker is free and takes all three in one call
        _until(third.with_suffix(".begun").exists)
        assert first[0].result().result == [0.0]
        os.kill(int(third.with_suffix(".begun").read_text()), signal.SIGKILL)
        third.touch()  # when it is asked again, nothing holds it up
        again = [answer.result() for answer in later]
        gates[1].touch()
    assert [answer.result for answer in again] == [[10.0], [12.0], [14.0]]
    assert {answer.json["metaData"]["batchRows"] for answer in again} == {1}
    assert first[1].result().result == [2.0]
    assert "SIGKILL" in server.log
    _until(lambda: len({worker.pid for worker in _workers(server)} & before) == 1)
    assert server.ask({"x": 4.0, "gate": ""}).result == [8.0]


def test_a_worker_that_ends_itself_names_its_status(start: Start) -> None:
    server = start("misbehave", "--workers=2")
    lost = server.ask({"do": "leave"})
    assert (lost.status, lost.error["code"]) == (503, "worker_lost")
    assert "exit status 9" in lost.error["message"]
    assert server.ask({"do": "answer", "value": 1}).result == 1


def test_a_call_that_never_returns_costs_one_worker_its_life(start: Start, tmp_path: Path) -> None:
    server = start("misbehave", "--workers=2", "--deadline=0.5")
    before = {worker.pid for worker in _workers(server)}
    stuck = server.ask({"do": "wait", "gate": str(tmp_path / "never")})
    assert (stuck.status, stuck.error["code"]) == (504, "deadline_exceeded")
    _until(lambda: {worker.pid for worker in _workers(server)} != before)
    assert server.ask({"do": "answer", "value": 1}).result == 1
    assert server.process.poll() is None


def test_answers_that_cannot_leave_their_process_are_refused(start: Start) -> None:
    server = start("misbehave", "--workers=2")
    for deed in ("return an object", "return what cannot be pickled"):
        refused = server.ask({"do": deed})
        assert (refused.status, refused.error["code"]) == (500, "result_unserialisable"), deed
    assert server.ask({"do": "return nan"}).status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_server_also_in_a_call(
    start: Start, tmp_path: Path, number: int
) -> None:
    server = start("misbehave", "--workers=2", "--drain=0")
    gate = tmp_path / "gate"
    workers = _workers(server)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.ask, {"do": "wait", "gate": str(gate)})
        _until(gate.with_suffix(".begun").exists)
        server.stop(number)
        gone, alive = psutil.wait_procs(workers, timeout=BOUND_S)
        assert len(gone) == 2 and not alive
        asked.exception()


def test_a_model_that_does_not_load_is_told_as_by_one_process(
    start: Start, tmp_path: Path, bundles: dict[str, Path]
) -> None:
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(bundles["echo"], broken)
    (broken / "model" / "model.pkl").write_bytes(b"not a pickle")
    told = tmp_path / "status.json"
    server = start(broken, "--workers=2", f"--status-file={told}")
    assert server.wait() == 3
    assert '"load_failed"' in told.read_text()


def test_queries_are_joined_for_each_worker(start: Start) -> None:
    server = start("doubled", "--workers=2")
    rows = pd.DataFrame({"x": [1.0, 2.0, 3.0], "gate": ["", "", ""]}).to_dict("records")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: server.ask(rows[n % 3]).result, range(24)))
    assert answers == [[2.0 * (n % 3 + 1)] for n in range(24)]
