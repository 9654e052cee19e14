"""Errors tell what, why and the way out, and survive a trip between processes."""

from __future__ import annotations

import pickle

import pytest

from mlkraken_client import _errors
from mlkraken_client._errors import KrakenError, ServiceNotRunning
from mlkraken_client._transport import QUERY_STATUS, STATUS


def every_error() -> list[type[KrakenError]]:
    return [getattr(_errors, name) for name in _errors.__all__]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_has_the_common_base_and_can_be_pickled(kind: type[KrakenError]) -> None:
    error = kind("a_code", "It broke.", "Mend it.", reason="because", logs=["l1"], request_id="r")
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, KrakenError)
    assert vars(again) == vars(error)
    assert str(again) == str(error)


def test_the_text_has_message_hint_and_last_log_lines() -> None:
    error = ServiceNotRunning(
        "c", "It is failed.", "Do this.", logs=[f"line {n}" for n in range(50)]
    )
    text = str(error)
    assert text.startswith("It is failed.\nDo this.\nLast log lines:")
    assert text.endswith("line 49")
    assert "line 29" not in text


def test_every_status_means_one_of_our_errors() -> None:
    assert all(issubclass(kind, KrakenError) for kind in (STATUS | QUERY_STATUS).values())
