"""Whose clock is believed: only a caller's on this machine has the same one."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mlkraken_serving import _errors as errors
from mlkraken_serving.protocols._http import STATUS, caller_of, headers_of, status_of


def scope(client: Any, **headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": client, "headers": named}


@pytest.mark.parametrize("client", [("10.0.0.5", 1), ("192.168.1.1", 1), ("12.7.0.1", 1), None])
def test_a_distant_callers_clock_is_not_believed(client: Any) -> None:
    then = time.time() - 5
    asked = scope(client, x_request_start=f"t={then}")
    assert caller_of(asked, headers_of(asked)).sent_at > then + 1


@pytest.mark.parametrize("client", [("127.0.0.1", 1), ("127.8.8.8", 1), ("::1", 1)])
def test_a_neighbours_clock_is_believed(client: Any) -> None:
    then = time.time() - 5
    asked = scope(client, x_request_start=f"t={then}")
    assert caller_of(asked, headers_of(asked)).sent_at == pytest.approx(then)


def test_every_error_has_the_status_of_its_own_class() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__]
    at_start = {errors.BundleError, errors.EnvironmentMismatch, errors.LoadError}
    for kind in kinds:
        error = kind() if kind is errors.InternalError else kind("code", "message")
        expected = STATUS.get(kind, 500)
        assert status_of(error) == expected
        assert kind in STATUS or kind in at_start | {errors.ServingError, errors.InternalError}
