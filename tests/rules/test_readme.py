"""What the README says is so: its code is run, block by block, as a reader would."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import end_backend

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def readers_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    home = tmp_path / "home"
    monkeypatch.setenv("MLKRAKEN_HOME", str(home))
    monkeypatch.delenv("MLKRAKEN_URL", raising=False)
    yield home
    end_backend(home)


def test_the_python_blocks_run_in_their_order(readers_home: Path) -> None:
    first, second = blocks("python")
    assert len(first.splitlines()) <= 12
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(first, "README.md", "exec"), names)
    command = next(block for block in blocks("bash") if "curl" in block)
    command = command.replace("http://127.0.0.1:34567", names["service"].url)
    command = command.replace("~/.local/share/mlkraken/token", f"'{readers_home}/token'")
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["result"] in (["Adelie"], ["Chinstrap"], ["Gentoo"])
    assert "penguins" in done.stdout
    exec(compile(second, "README.md", "exec"), names)
    assert names["second"].version == 2
    assert names["kraken"].models().describe() == []


def test_the_make_targets_exist() -> None:
    named = re.findall(r"\bmake ([a-z-]+)", README + (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(named) <= set(targets)


def test_the_commands_exist() -> None:
    from mlkraken_client._cli import main

    named = set(re.findall(r"`mlkraken ([a-z]+)", README))
    assert named
    assert named <= set(main.commands)


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
