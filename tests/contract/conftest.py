"""Every adapter of a port, for the suites that hold what the port promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlkraken_backend.adapters._files import FileArtifacts
from mlkraken_backend.adapters._record_files import RecordFiles
from mlkraken_backend.adapters._sqlite import SqliteStore
from mlkraken_backend.ports import Artifacts, QueryLog, Store


@dataclass(frozen=True)
class Kept:
    """A store that can be opened again: here, and by code in another process."""

    open: Callable[[], Store]
    code: str


def _sqlite(folder: Path) -> Kept:
    path = folder / "kraken.db"
    code = (
        "from pathlib import Path\n"
        "from mlkraken_backend.adapters._sqlite import SqliteStore\n"
        f"store = SqliteStore(Path({str(path)!r}))\n"
    )
    return Kept(lambda: SqliteStore(path), code)


@pytest.fixture(params=[_sqlite], ids=["sqlite"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """A place for records, as each adapter of the store keeps them."""
    return request.param(tmp_path)


@pytest.fixture
def store(kept: Kept) -> Iterator[Store]:
    """An empty store."""
    opened = kept.open()
    yield opened
    opened.close()


@pytest.fixture(params=[FileArtifacts], ids=["files"])
def open_artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Artifacts]:
    """Opens the same place for bundles, each time anew."""
    return lambda: request.param(tmp_path / "artifacts")


@pytest.fixture
def artifacts(open_artifacts: Callable[[], Artifacts]) -> Artifacts:
    """An empty place for bundles."""
    return open_artifacts()


@pytest.fixture(params=[RecordFiles], ids=["files"])
def querylog(request: pytest.FixtureRequest, tmp_path: Path) -> QueryLog:
    """An empty log of response times."""
    return request.param(tmp_path / "times")
