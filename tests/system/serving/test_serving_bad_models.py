"""A model may do what it wants: the caller is told, and the next query is answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.system.serving._server import Server

FAILURES = [
    ("raise", "predict_failed", "ValueError: the weights are sad"),
    ("raise nothing said", "predict_failed", "KeyError"),
    ("sys.exit", "predict_exited", "sys.exit(7)"),
    ("own exit", "predict_exited", "enough"),
    ("interrupt", "predict_failed", "KeyboardInterrupt"),
    ("recurse", "predict_failed", "RecursionError"),
    ("eat memory", "predict_failed", "MemoryError"),
    ("open", "predict_failed", "FileNotFoundError: [Errno 2] No such file or directory: 'weights"),
    ("return an object", "result_unserialisable", "builtins.object"),
    ("return a liar", "result_unserialisable", "_Lying"),
]


@pytest.mark.parametrize(("deed", "code", "says"), FAILURES, ids=[deed for deed, _, _ in FAILURES])
def test_a_failing_prediction_is_told_and_the_service_goes_on(
    shared: Callable[[str], Server], deed: str, code: str, says: str
) -> None:
    server = shared("misbehave")
    before = server.ask({"do": "pid"}).result
    answer = server.ask({"do": deed})
    assert answer.status == 500
    assert answer.error["code"] == code
    assert says in answer.error["message"]
    assert answer.error["hint"]
    assert server.ask({"do": "pid"}).result == before


def test_the_log_has_the_traceback_and_the_caller_no_path(
    shared: Callable[[str], Server],
) -> None:
    server = shared("misbehave")
    for deed in ("raise", "open", "recurse"):
        message = server.ask({"do": deed}).error["message"]
        assert ".py" not in message
        assert "/" not in message
        assert "line" in message
    assert "Traceback" in server.log
    assert "ValueError: the weights are sad" in server.log
    assert "/no/such/folder/weights.bin" in server.log


def test_what_the_model_prints_is_in_the_log_by_the_time_it_has_answered(
    shared: Callable[[str], Server],
) -> None:
    server = shared("misbehave")
    assert server.ask({"do": "print"}).result == "printed"
    assert "a line from the model\n" in server.log
    assert server.ask({"do": "print to stderr"}).result == "printed"
    assert "a complaint\n" in server.log


def test_answers_that_json_cannot_carry_exactly_still_arrive(
    shared: Callable[[str], Server],
) -> None:
    server = shared("misbehave")
    assert server.ask({"do": "return a huge number"}).result == 2**70
    assert server.ask({"do": "return a surrogate"}).result == "\ud800"
    for exact in (True, False):
        answer = server.ask({"do": "return a surrogate"}, {"exact": exact})
        assert answer.result == "\ud800"
        answer.body.decode("utf-8")


def test_strict_json_has_null_for_nan_and_literals_only_for_those_who_ask(
    shared: Callable[[str], Server],
) -> None:
    server = shared("misbehave")
    assert b"[null,null,1.5]" in server.ask({"do": "return nan"}).body
    assert b"[NaN,Infinity,1.5]" in server.ask({"do": "return nan"}, {"exact": True}).body
