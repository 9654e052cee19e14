"""Writes with a key, over a real store and a clock that can be moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlkraken_backend._errors import Conflict, Invalid
from mlkraken_backend.adapters._files import FileArtifacts
from mlkraken_backend.adapters._record_files import RecordFiles
from mlkraken_backend.adapters._sqlite import SqliteStore
from mlkraken_backend.adapters._system import RandomIds
from mlkraken_backend.lifecycle import Policy
from mlkraken_backend.usecases._outside import Outside
from mlkraken_backend.usecases.idempotency import Once
from mlkraken_backend.usecases.tokens import Tokens


class HandClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def now(self) -> float:
        return self.at


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def outside(tmp_path: Path, clock: HandClock) -> Iterator[Outside]:
    """All ports that need no processes."""
    store = SqliteStore(tmp_path / "kraken.db")
    nothing: Any = None
    yield Outside(
        store=store,
        artifacts=FileArtifacts(tmp_path / "artifacts"),
        runtime=nothing,
        querylog=RecordFiles(tmp_path / "times"),
        clock=clock,
        ids=RandomIds(),
        policy=Policy(),
        wake=lambda: None,
    )
    store.close()


def test_a_done_write_is_answered_again(outside: Outside) -> None:
    once = Once(outside)
    assert once.begin("k", "print") is None
    once.finish("k", 201, b"made")
    again = Once(outside).begin("k", "print")
    assert again is not None
    assert (again.status, again.body) == (201, b"made")
    with pytest.raises(Invalid):
        once.begin("k", "another")


def test_a_write_under_way_is_waited_for_and_a_failed_one_may_be_tried_again(
    outside: Outside,
) -> None:
    once = Once(outside)
    once.begin("k", "print")
    with pytest.raises(Conflict) as caught:
        once.begin("k", "print")
    assert caught.value.code == "idempotency_under_way"
    once.give_up("k")
    assert once.begin("k", "print") is None


@pytest.mark.parametrize("seconds", [61.0, -1.0], ids=["a minute later", "clock set back"])
def test_a_write_whose_backend_died_may_be_done_by_the_next(
    outside: Outside, clock: HandClock, seconds: float
) -> None:
    once = Once(outside)
    once.begin("k", "print")
    clock.at += seconds
    assert once.begin("k", "print") is None
    once.finish("k", 200, b"")
    assert once.begin("k", "print") is not None


def test_every_revoked_token_of_a_name_stays_revoked_until_it_ends(
    outside: Outside, clock: HandClock
) -> None:
    tokens = Tokens(outside)
    made = []
    for ttl in (100.0, 50.0, 200.0):
        made.append(tokens.create("ci", "ann", ["query"], "", ttl).jti)
        tokens.revoke("ci")
    assert set(tokens.revoked()) == set(made)
    current = tokens.create("ci", "ann", ["query"], "", 1000.0)
    assert set(tokens.revoked()) == set(made)
    clock.at += 60
    assert set(tokens.revoked()) == {made[0], made[2]}
    clock.at += 200
    assert tokens.revoked() == []
    assert current.revoked_at is None
