"""The lock names every package the model needs, pinned as it is here."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from mlkraken_client._errors import PackError
from mlkraken_client._pack._environment import lock


def test_import_names_become_pinned_distributions_with_what_they_require() -> None:
    lines = lock({"sklearn"}, None).splitlines()
    assert f"scikit-learn=={version('scikit-learn')}" in lines
    assert f"numpy=={version('numpy')}" in lines
    assert lines == sorted(lines)


def test_the_users_own_requirements_win() -> None:
    lines = lock({"numpy"}, ["numpy>=1.0", "some-private-package==2.0  # ours"]).splitlines()
    assert "numpy>=1.0" in lines
    assert "some-private-package==2.0" in lines


def test_requirements_can_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("# comment\n--index-url https://example.invalid\nrich\n")
    assert "rich" in lock(set(), file)


def test_a_line_that_is_no_requirement_is_named() -> None:
    with pytest.raises(PackError) as caught:
        lock(set(), ["this is not one"])
    assert caught.value.code == "requirements_invalid"
    assert "this is not one" in caught.value.message


def test_a_requirements_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackError) as caught:
        lock(set(), tmp_path / "nowhere.txt")
    assert "nowhere.txt" in caught.value.message
