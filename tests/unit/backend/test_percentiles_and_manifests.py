"""Small pure parts: percentiles, digests, errors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlkraken_backend import _errors
from mlkraken_backend.ports import QueryPoint
from mlkraken_backend.usecases.manifest import digest_of
from mlkraken_backend.usecases.percentiles import buckets, percentile
from mlkraken_backend.wire._errors import STATUS, status_of


def point(sent_at: float, response_ms: float, status: int = 200) -> QueryPoint:
    return QueryPoint(sent_at, response_ms, 0.0, 1, 1, status, "q")


def test_buckets_count_and_rank() -> None:
    points = [point(10.0 + number / 100, float(number + 1)) for number in range(100)]
    points.append(point(25.0, 7.0, status=500))
    first, second = buckets(points, 10.0)
    assert (first.at, first.count, first.errors) == (10.0, 100, 0)
    assert (first.p50, first.p95, first.p99, first.max) == (50.0, 95.0, 99.0, 100.0)
    assert (second.at, second.count, second.errors, second.p50) == (20.0, 1, 1, 7.0)
    assert buckets([], 1.0) == []


@given(st.lists(st.floats(0, 1e9), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_that_enough_do_not_exceed(
    values: list[float], share: float
) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9


CONTENT: dict[str, Any] = {"format": 1, "files": [{"path": "ż", "size": 1}], "entry": {"b": 1.5}}


def test_a_digest_names_the_content_and_not_the_circumstances() -> None:
    same = {"entry": {"b": 1.5}, **CONTENT, "name": "x", "provenance": {"at": 1}, "digest": "d"}
    assert digest_of(same) == digest_of(CONTENT)
    assert digest_of({**CONTENT, "entry": {"b": 1.6}}) != digest_of(CONTENT)
    assert digest_of(CONTENT).startswith("sha256:")


def _every(kind: type[BaseException]) -> list[type[BaseException]]:
    return [kind, *(below for direct in kind.__subclasses__() for below in _every(direct))]


@pytest.mark.parametrize("kind", _every(_errors.BackendError)[1:], ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_of_its_own_or_its_parent_s(
    kind: type[_errors.BackendError],
) -> None:
    error = kind("code", "message")
    assert kind in STATUS
    assert status_of(error) == STATUS[kind], "a more general class stands before it"
    assert kind.__name__ in _errors.__all__
