"""Whose clock is believed: only a caller's on this machine has the same one."""

from __future__ import annotations

import re

import pytest

from mlkraken_serving import _errors as errors
from mlkraken_serving.protocols._http import STATUS, request_id_of, sent_at_of, status_of


@pytest.mark.parametrize("then", ["", "t=", "t=x", "t=nan", "t=inf", "t=-5", "1.0"])
def test_a_start_that_is_no_time_is_now(then: str) -> None:
    assert sent_at_of({b"x-request-start": then.encode()}, 1e6, near=True) == 1e6


def test_a_distant_callers_clock_is_not_believed() -> None:
    assert sent_at_of({b"x-request-start": b"t=995"}, 1000.0, near=False) == 1000.0


def test_a_neighbours_clock_is_believed_but_not_one_from_the_future_or_of_long_ago() -> None:
    assert sent_at_of({b"x-request-start": b"t=995.5"}, 10_000.0, near=True) == 10_000.0
    assert sent_at_of({b"x-request-start": b"t=995.5"}, 1000.0, near=True) == 995.5
    assert sent_at_of({b"x-request-start": b"t=1000.5"}, 1000.0, near=True) == 1000.0


def test_new_request_ids_differ_and_are_32_hex_digits() -> None:
    ids = {request_id_of({}) for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


def test_every_error_has_the_status_of_its_own_class() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__]
    at_start = {errors.BundleError, errors.EnvironmentMismatch, errors.LoadError}
    with_own = {errors.ServingError, errors.InternalError, errors.RequestRefused}
    for kind in kinds:
        error = {
            errors.InternalError: errors.InternalError,
            errors.NoRoute: lambda: errors.NoRoute("code", "message", "hint"),
            errors.RequestRefused: lambda: errors.RequestRefused("code", "message", "hint", 431),
        }.get(kind, lambda kind=kind: kind("code", "message"))()
        known = next((STATUS[base] for base in kind.__mro__ if base in STATUS), None)
        assert status_of(error) == (known or (431 if kind is errors.RequestRefused else 500))
        assert known or kind in at_start | with_own
