"""Lists that stand in two places say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import mlkraken_client

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PANEL: dict[str, Any] = json.loads((ROOT / "labextension" / "package.json").read_text("utf-8"))


def section(title: str) -> list[str]:
    """The first column of a section's table; a cell may name several, separated by commas."""
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    body = text.partition(f"## {title}")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ([^|]+) \| (\S.*) \|$", body, re.MULTILINE)[1:]
    return [name for cell, _ in cells for name in cell.split(", ")]


def names(requirements: list[str]) -> list[str]:
    return sorted(Requirement(text).name for text in requirements)


def test_every_dependency_has_its_reason() -> None:
    project = PROJECT["project"]
    assert sorted(section("At run time")) == names(project["dependencies"])
    assert sorted(section("For development")) == names(project["optional-dependencies"]["dev"])
    hook = PROJECT["tool"]["hatch"]["build"]["hooks"]["jupyter-builder"]["dependencies"]
    assert sorted(section("To build")) == names([*PROJECT["build-system"]["requires"], *hook])


@pytest.mark.parametrize("kind", ["dependencies", "devDependencies"])
def test_every_package_of_the_panel_has_its_reason(kind: str) -> None:
    told = section("The panel and the chart")
    prefixes = tuple(name.removesuffix("*") for name in told if name.endswith("/*"))
    for name in PANEL[kind]:
        assert name in told or name.startswith(prefixes), f"{name} has no reason"


def test_one_version_everywhere() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    released = re.findall(r"^## \[(\d[^\]]*)\]", changes, re.MULTILINE)
    assert "## [Unreleased]" in changes
    assert released[0] == mlkraken_client.__version__ == PANEL["version"]


def test_constraints_pin_everything_that_is_asked_for() -> None:
    pinned = {
        re.split("[=@ ]", line)[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    }
    project = PROJECT["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {name.lower().replace("_", "-") for name in names(asked)} <= pinned
