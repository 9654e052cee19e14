"""What every log of response times promises: the newest points, and each of them once."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from mlkraken_backend._errors import Invalid
from mlkraken_backend.ports import QueryLog
from mlkraken_serving._records import RecordWriter


def write(log: QueryLog, replica: str, sent: list[float], version: int = 1) -> None:
    """Record queries the way a model server does."""

    async def record() -> None:
        writer = RecordWriter(Path(log.location("churn", version)), replica, version)
        for number in sent:
            writer.add(
                sent_at=number,
                response_ms=2.5,
                model_ms=1.5,
                rows=3,
                status=200,
                request_id=f"{replica}-{number:g}",
            )
        writer.close()

    asyncio.run(record())


def sent(points: list) -> list[float]:
    return [point.sent_at for point in points]


def test_a_point_carries_all_that_was_recorded(querylog: QueryLog) -> None:
    write(querylog, "r-1", [10.0], version=2)
    (point,) = querylog.points("churn", 2, 0.0, 100.0, 10)
    assert (point.sent_at, point.response_ms, point.model_ms) == (10.0, 2.5, 1.5)
    assert (point.rows, point.version, point.status, point.request_id) == (3, 2, 200, "r-1-10")


def test_points_are_those_within_the_time_oldest_first(querylog: QueryLog) -> None:
    write(querylog, "r-1", [float(number) for number in range(100)])
    assert sent(querylog.points("churn", 1, 10.0, 13.0, 50)) == [10.0, 11.0, 12.0]
    assert sent(querylog.points("churn", 1, 0.0, 1e9, 2)) == [98.0, 99.0]
    assert querylog.points("churn", 1, 200.0, 300.0, 50) == []
    assert querylog.points("nobody", None, 0.0, 1e9, 50) == []


def test_the_newest_points_are_those_of_all_replicas_and_versions(querylog: QueryLog) -> None:
    write(querylog, "r-2", [float(number) for number in range(1, 4000, 2)])
    write(querylog, "r-1", [float(number) for number in range(0, 4000, 2)])
    write(querylog, "r-3", [4000.0], version=2)
    newest = [float(number) for number in range(3991, 4001)]
    assert sent(querylog.points("churn", None, 0.0, 1e9, 10)) == newest
    assert sent(querylog.points("churn", 1, 0.0, 1e9, 10)) == [3990.0, *newest[:-1]]
    assert sent(querylog.points("churn", None, 500.0, 505.0, 100)) == [500, 501, 502, 503, 504]


def test_a_tail_gives_every_point_once_in_pieces(querylog: QueryLog) -> None:
    write(querylog, "r-1", [float(number) for number in range(50)])
    write(querylog, "r-2", [float(number) for number in range(50, 90)], version=2)
    found, cursor = [], ""
    while True:
        points, cursor = querylog.tail("churn", None, cursor, 7)
        if not points:
            break
        assert len(points) <= 7
        found += points
    assert sorted(sent(found)) == [float(number) for number in range(90)]
    write(querylog, "r-1", [90.0])
    points, cursor = querylog.tail("churn", None, cursor, 7)
    assert sent(points) == [90.0]


def test_a_tail_loses_and_repeats_nothing_while_replicas_write(querylog: QueryLog) -> None:
    writers = [
        threading.Thread(
            target=lambda who=who: [
                write(querylog, f"r-{who}", [who * 1000.0 + block * 10 + n for n in range(10)])
                for block in range(20)
            ]
        )
        for who in range(3)
    ]
    for writer in writers:
        writer.start()
    found, cursor = [], ""
    while any(writer.is_alive() for writer in writers):
        points, cursor = querylog.tail("churn", 1, cursor, 64)
        found += points
    for writer in writers:
        writer.join()
    while True:
        points, cursor = querylog.tail("churn", 1, cursor, 64)
        if not points:
            break
        found += points
    expected = sorted(who * 1000.0 + number for who in range(3) for number in range(200))
    assert sorted(sent(found)) == expected


def test_history_and_tail_meet_without_a_gap_or_a_repeat(querylog: QueryLog) -> None:
    write(querylog, "r-1", [1.0, 2.0, 3.0])
    points, cursor = querylog.latest("churn", None, 2)
    assert sent(points) == [2.0, 3.0]
    write(querylog, "r-1", [4.0])
    write(querylog, "r-2", [5.0], version=2)
    later, _ = querylog.tail("churn", None, cursor, 10)
    assert sorted(sent(later)) == [4.0, 5.0]


def test_the_latest_of_nothing_is_the_beginning(querylog: QueryLog) -> None:
    points, cursor = querylog.latest("churn", 1, 5)
    assert points == []
    write(querylog, "r-1", [1.0])
    assert sent(querylog.tail("churn", 1, cursor, 5)[0]) == [1.0]


@pytest.mark.parametrize("cursor", ["now", "{", "[1]", '{"a": -1}', '{"a": 1e400}', "[" * 10_000])
def test_a_cursor_that_was_never_given_out_is_refused(querylog: QueryLog, cursor: str) -> None:
    write(querylog, "r-1", [1.0])
    with pytest.raises(Invalid) as caught:
        querylog.tail("churn", 1, cursor, 5)
    assert caught.value.code == "cursor_invalid"


def test_what_is_forgotten_is_gone_and_the_rest_stays(querylog: QueryLog) -> None:
    write(querylog, "r-1", [1.0])
    write(querylog, "r-2", [2.0], version=2)
    querylog.forget("churn", 1)
    querylog.forget("churn", 1)
    assert sent(querylog.points("churn", None, 0.0, 1e9, 5)) == [2.0]
    querylog.forget("churn", None)
    assert querylog.points("churn", None, 0.0, 1e9, 5) == []
    querylog.forget("nobody", None)
