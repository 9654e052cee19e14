"""What a benchmark says follows from what it saw: loads, CPU seconds, medians and bars."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from serving._bars import judge
from serving._http import json_query, raw
from serving._limits import BARE, ECHO
from serving._models import Row, Served
from serving._processes import spent_s
from serving._results import Results
from serving._workloads import WORKLOADS, same
from serving._wrk import parse
from serving.peers import OURS, PEERS

PRINTED = """Running 1s test @ http://127.0.0.1:7000/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
Requests/sec:  2500.00
{"requests": 5000, "seconds": 2.0, "p50_ms": 1.5, "p99_ms": 4.25, "failed": 3}
"""


@pytest.fixture
def served() -> Served:
    """Numbers as the benchmark asks them; nothing is on disk."""
    rows: list[Row] = [[number + place / 32 for place in range(20)] for number in range(10_000)]
    return Served("numbers", False, Path("nowhere"), rows, [0] * len(rows))


def test_the_outcome_is_found_among_what_wrk_prints() -> None:
    load = parse(PRINTED)
    assert (load.requests, load.failed, load.p50_ms, load.p99_ms) == (5000, 3, 1.5, 4.25)
    assert load.per_second == 2500


@pytest.mark.parametrize("printed", ["", "unable to connect to 127.0.0.1:7000"])
def test_a_load_that_never_was_is_said(printed: str) -> None:
    with pytest.raises(ValueError, match="wrk told no outcome"):
        parse(printed)


def test_cpu_counts_every_process_of_the_tree_from_where_it_stood() -> None:
    assert spent_s({1: 2.0, 2: 1.0}, {1: 2.5, 2: 1.25}) == 0.75


def test_cpu_of_a_process_that_began_counts_whole_and_of_one_that_ended_not_at_all() -> None:
    assert spent_s({1: 2.0, 2: 7.0}, {1: 2.5, 3: 0.5}) == 1.0


def test_a_figure_is_the_median_of_the_rounds() -> None:
    results = Results()
    for value in (9.0, 1.0, 2.0):
        results.add("row", "arm", cpu_us=value)
    assert results.median("row", "arm", "cpu_us") == 2.0
    assert results.median("row", "other", "cpu_us") is None


def test_one_wrong_answer_and_no_figure_of_a_server_counts() -> None:
    results = Results()
    results.add("row", "liar", cpu_us=1.0)
    results.add("row", "honest", cpu_us=50.0)
    results.refuse("row", "liar", "0 instead of 1")
    results.add("row", "liar", cpu_us=1.0)
    assert results.arms("row") == ["honest"]
    assert results.best("row", "cpu_us", ["liar", "honest"]) == ("honest", 50.0)


def test_the_best_is_the_least_of_a_cost_and_the_most_of_a_pace() -> None:
    results = Results()
    results.add("row", "quick", cpu_us=10, per_second=900)
    results.add("row", "slow", cpu_us=90, per_second=100)
    assert results.best("row", "cpu_us", ["quick", "slow"]) == ("quick", 10)
    assert results.best("row", "per_second", ["quick", "slow"], most=True) == ("quick", 900)
    assert results.best("row", "per_second", []) is None


def test_a_bar_is_reached_or_missed_beside_the_best_peer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = Results()
    results.add("numbers-64", "mlkraken", cpu_us=20, per_second=30_000)
    results.add("numbers-64", "fastapi", cpu_us=320, per_second=3_000)
    results.add("numbers-64", "flask", cpu_us=570, per_second=2_000)
    results.add("numbers-64", ECHO, cpu_us=8, per_second=100_000)
    judge(results, ["fastapi", "flask"], ["numbers-64"])
    ratio, compiled, share = capsys.readouterr().out.splitlines()
    assert ratio.startswith("ok")
    assert "fastapi 320 = 16.0 x" in ratio
    assert compiled.startswith("MISS")
    assert "not measured" in compiled
    assert share.startswith("MISS")
    assert "30%" in share


def test_a_limit_is_a_difference_to_the_bare_model(capsys: pytest.CaptureFixture[str]) -> None:
    results = Results()
    results.add("numbers-1", "mlkraken", p50_ms=0.3)
    results.add("numbers-1", "fastapi", p50_ms=0.5)
    results.add("numbers-1", BARE, p50_ms=0.2)
    judge(results, ["fastapi"], ["numbers-1"])
    assert [line[:4] for line in capsys.readouterr().out.splitlines()] == ["ok  ", "ok  "]


@pytest.mark.parametrize(
    "told", [[True, False], [1.0, 0.0], ["1", "0"], [1], [1, 0, 0], [0, 1], [[1], [0]]]
)
def test_only_the_same_values_of_the_same_types_are_right(told: list[object]) -> None:
    assert same([1, 0], [1, 0])
    assert not same(told, [1, 0])


def test_a_request_goes_over_the_wire_as_it_is_told() -> None:
    head, _, body = raw(json_query("/predict", {"rows": [[0.1]]})).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /predict HTTP/1.1\r\n")
    assert b"Content-Length: 16" in head
    assert json.loads(body) == {"rows": [[0.1]]}


def test_the_different_requests_of_a_workload_ask_different_rows(served: Served) -> None:
    for workload in WORKLOADS:
        portions = workload.portions(served)
        assert all(portion.stop - portion.start == workload.rows for portion in portions)
        assert len({portion.start for portion in portions}) == len(portions)


@pytest.mark.parametrize("peer", [*OURS, *PEERS], ids=lambda peer: peer.name)
def test_every_server_is_asked_the_same_rows(peer: object, served: Served) -> None:
    query = peer.query(served, served.rows[:2], "json")  # type: ignore[attr-defined]
    for value in served.rows[0] + served.rows[1]:
        assert repr(value) in query.body.decode()


def test_servers_have_names_of_their_own() -> None:
    names = [peer.name for peer in (*OURS, *PEERS)]
    assert len(set(names)) == len(names)
