"""The user's own modules go into the bundle, with what they import; installed ones do not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlkraken_client._errors import PackError
from mlkraken_client._pack._modules import installed_modules, local_files


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A folder of modules on the path, as a notebook's own folder is."""
    (tmp_path / "kraken_helper.py").write_text(
        "import kraken_deep\nfrom kraken_pack.sub import f\n"
    )
    (tmp_path / "kraken_deep.py").write_text("import json\nVALUE = 1\n")
    package = tmp_path / "kraken_pack"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "sub.py").write_text("def f(): return 2\n")
    (package / "data" / "words.txt").write_text("a b c")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "sub.pyc").write_bytes(b"")
    (tmp_path / "kraken_unrelated.py").write_text("")
    sys.path.insert(0, str(tmp_path))
    yield tmp_path
    sys.path.remove(str(tmp_path))


def test_a_module_brings_along_what_it_imports(project: Path) -> None:
    files = local_files(["kraken_helper"])
    assert set(files) == {
        "kraken_helper.py",
        "kraken_deep.py",
        "kraken_pack/__init__.py",
        "kraken_pack/sub.py",
        "kraken_pack/data/words.txt",
    }


def test_a_submodule_brings_its_whole_package(project: Path) -> None:
    assert "kraken_pack/__init__.py" in local_files(["kraken_pack.sub"])


def test_installed_and_standard_modules_stay_out(project: Path) -> None:
    assert local_files(["sklearn.linear_model", "json", "__main__", "builtins", ""]) == {}


def test_installed_packages_are_told_apart(project: Path) -> None:
    names = ["sklearn.base", "json", "__main__", "kraken_helper", "numpy"]
    assert installed_modules(names) == {"sklearn", "numpy"}


def test_files_and_folders_can_be_added(project: Path, tmp_path: Path) -> None:
    files = local_files([], [project / "kraken_unrelated.py", str(project / "kraken_pack")])
    assert "kraken_unrelated.py" in files
    assert "kraken_pack/sub.py" in files


def test_code_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackError) as caught:
        local_files([], [tmp_path / "nowhere.py"])
    assert caught.value.code == "code_missing"
    assert "nowhere.py" in caught.value.message


def test_a_broken_module_does_not_stop_the_packing(project: Path) -> None:
    (project / "kraken_broken.py").write_text("def f(:\n")
    assert "kraken_broken.py" in local_files(["kraken_broken"])
