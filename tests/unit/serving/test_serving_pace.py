"""Which calls may run on the event loop: known to be short, of a library's estimator, alone."""

from __future__ import annotations

from mlkraken_serving._pace import Pace


def noted(trusted: bool, *calls: tuple[float, int]) -> Pace:
    pace = Pace(trusted)
    for model_ms, rows in calls:
        pace.note(model_ms, model_ms, rows)
    return pace


def test_nothing_is_presumed_before_enough_calls_were_seen() -> None:
    assert not noted(True, *[(0.1, 1)] * 15).stays_on_loop(0, 1)
    assert noted(True, *[(0.1, 1)] * 16).stays_on_loop(0, 1)


def test_a_models_own_code_never_holds_up_the_loop() -> None:
    assert not noted(False, *[(0.1, 1)] * 16).stays_on_loop(0, 1)


def test_one_long_call_among_the_last_sends_the_next_to_the_thread() -> None:
    assert not noted(True, *[(0.1, 1)] * 15, (50.0, 1)).stays_on_loop(0, 1)
    assert noted(True, (50.0, 1), *[(0.1, 1)] * 16).stays_on_loop(0, 1)


def test_a_call_among_others_must_be_shorter() -> None:
    pace = noted(True, *[(5.0, 1)] * 16)
    assert pace.stays_on_loop(0, 1)
    assert not pace.stays_on_loop(1, 1)


def test_more_rows_than_were_seen_tell_nothing_of_how_long_they_take() -> None:
    pace = noted(True, *[(0.1, 4)] * 16)
    assert pace.stays_on_loop(0, 4)
    assert not pace.stays_on_loop(0, 5)


def test_a_call_that_was_preempted_says_nothing_of_the_model() -> None:
    pace = noted(True, *[(0.1, 1)] * 15)
    pace.note(50.0, 0.1, 1)
    assert pace.stays_on_loop(0, 1)


def test_a_model_that_lets_other_threads_work_is_as_long_as_they_take() -> None:
    pace = Pace(True)
    for _ in range(16):
        pace.note(50.0, 0.1, 1)
    assert not pace.stays_on_loop(0, 1)
