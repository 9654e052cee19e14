"""What users may ask for, at its borders."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlkraken_backend._errors import Invalid
from mlkraken_backend.checks import (
    check_alias,
    check_model_name,
    check_patience,
    check_size,
    parse_memory,
)
from mlkraken_backend.values import Size


@pytest.mark.parametrize("name", ["a", "0", "churn-2", "a" * 63, "a-"])
def test_good_names_pass(name: str) -> None:
    assert check_model_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "A", "a_b", "a" * 64, "ż", "a b", "a\n", "a/b", "a@1"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_model_name(name)
    assert caught.value.code == "model_name_invalid"


@given(st.text(max_size=100))
def test_a_suggested_name_is_a_good_one(text: str) -> None:
    try:
        check_model_name(text)
    except Invalid as error:
        _, found, suggestion = error.hint.rstrip(".").partition(": ")
        if found:
            assert check_model_name(suggestion.strip("'")) == suggestion.strip("'")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("2GB", 2 << 30),
        ("512 MiB", 512 << 20),
        ("1.5g", 3 << 29),
        (64 << 20, 64 << 20),
        ("65536k", 64 << 20),
        ("1024T", 1 << 50),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str | int, amount: int) -> None:
    assert parse_memory(text) == amount


@pytest.mark.parametrize(
    "text", ["", "2", "63MB", "1025T", "-2GB", "2 apples", "1e9GB", "nan", "²GB"]
)
def test_sizes_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_memory(text)
    assert caught.value.code == "memory_invalid"


@given(st.text(max_size=40))
def test_no_text_makes_reading_a_size_fail_otherwise(text: str) -> None:
    with contextlib.suppress(Invalid):
        assert parse_memory(text) > 0


@pytest.mark.parametrize(
    "size", [Size(cpu=0), Size(cpu=-1), Size(cpu=float("nan")), Size(replicas=0), Size(replicas=33)]
)
def test_sizes_beyond_reason_are_refused(size: Size) -> None:
    with pytest.raises(Invalid):
        check_size(size)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 8 * 86400])
def test_times_nobody_means_are_refused_by_name(seconds: float) -> None:
    check_patience(deadline=None, start_timeout=1.0)
    with pytest.raises(Invalid, match="deadline="):
        check_patience(deadline=seconds)


@pytest.mark.parametrize("name", ["1", "1a", "", "A", "a" * 32, "-a"])
def test_an_alias_is_never_mistaken_for_a_version(name: str) -> None:
    with pytest.raises(Invalid):
        check_alias(name)
    assert check_alias("champion-2") == "champion-2"
