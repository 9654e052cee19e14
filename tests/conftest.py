"""Real parts for all tests: homes, backends, models. No test here replaces a part of ours."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mlkraken_client import Kraken
from mlkraken_client._embedded import running, stop


@pytest.fixture(autouse=True, scope="session")
def _quiet_environment() -> Iterator[None]:
    """No test reads the developer's own configuration, home or backend."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("MLKRAKEN_URL", "MLKRAKEN_TOKEN", "MLKRAKEN_TOKEN_FILE", "MLKRAKEN_UNTIL_PID")
        before = {name: os.environ.pop(name, None) for name in names}
        os.environ["MLKRAKEN_HOME"] = f"{folder}/home"
        os.environ["MLKRAKEN_CONFIG"] = f"{folder}/config.json"
        yield
        stop(Path(folder) / "home")
        os.environ.update({name: value for name, value in before.items() if value is not None})


_shown: dict[tuple[str, str], set[str]] = {}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "client(client, operation): a row of docs/clients.md")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    report = yield
    if report.when == "call" or not report.passed:
        for mark in item.iter_markers("client"):
            _shown.setdefault(mark.args, set()).add(report.outcome)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print which operations of which clients were seen to work."""
    if _shown:
        terminalreporter.section("clients")
    for (client, operation), outcomes in sorted(_shown.items()):
        outcome = next((word for word in ("failed", "skipped") if word in outcomes), "passed")
        terminalreporter.write_line(f"{outcome:8} {client}: {operation}")


def end_backend(home: Path) -> None:
    """Stop the backend of a home and make sure that none of its processes is left."""
    stop(home)
    left = processes_of(home)
    for process in left:
        process.kill()
    assert not left, f"left behind: {[process.cmdline() for process in left]}"


def processes_of(home: Path) -> list[psutil.Process]:
    """Return the backend and model processes that belong to a home."""
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
        except psutil.Error:
            continue
        ours = any("mlkraken_backend" in word or "mlkraken_serving" in word for word in command)
        if ours and any(str(home) in word for word in command):
            found.append(process)
    return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home of the test's own, in a folder with spaces and letters beyond ASCII."""
    folder = tmp_path / "my hóme żółw"
    yield folder
    if running(folder) is not None or processes_of(folder):
        end_backend(folder)


@pytest.fixture
def kraken(home: Path) -> Kraken:
    """A client of a backend of the test's own."""
    return Kraken(home=home)


@pytest.fixture(scope="session")
def shared_kraken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kraken]:
    """A client of one backend for many tests; each uses a model name of its own."""
    folder = tmp_path_factory.mktemp("shared") / "home"
    yield Kraken(home=folder)
    end_backend(folder)


@pytest.fixture(scope="session")
def penguins() -> tuple[Any, Any]:
    """A pipeline over the penguins, which have strings, numbers and missing values; its input."""
    from palmerpenguins import load_penguins
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    table = load_penguins()
    X, y = table.drop(columns="species"), table["species"]
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer(
        (words, ["island", "sex"]), (numbers, X.select_dtypes("number").columns.tolist())
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(X, y), X
