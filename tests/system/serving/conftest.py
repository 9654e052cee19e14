"""Bundles as the client packs them, and servers of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import pytest

from mlkraken_client._pack import pack
from tests.system.serving import _models
from tests.system.serving._server import Server

Start: TypeAlias = Callable[..., Server]

WARM = 40
"""More queries than the server wants to have seen before it shortens their way."""


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One bundle a model of `_models`."""
    folder = tmp_path_factory.mktemp("bundles with spaces")
    rows = pd.DataFrame({"x": [1.0, 2.0, 3.0], "gate": ["", "", ""]})

    def packed(name: str, model: Any, **options: Any) -> Path:
        return pack(model, name, folder / name, **options).folder

    return {
        "echo": packed("echo", _models.echo),
        "misbehave": packed("misbehave", _models.misbehave),
        "doubled": packed("doubled", _models.doubled, example=rows, batch=True),
        "totals": packed("totals", _models.totals, example=rows, batch=True),
        "ranked": packed("ranked", _models.ranked, example=rows),
    }


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory, penguins: tuple[Any, Any]) -> Path:
    """A library's estimator, packed."""
    model, X = penguins
    return pack(model, "penguins", tmp_path_factory.mktemp("penguins"), example=X.head()).folder


@pytest.fixture
def start(bundles: dict[str, Path], tmp_path: Path) -> Iterator[Start]:
    """Start servers of bundles, by name or folder, that end with the test."""
    servers: list[Server] = []

    def started(bundle: str | Path, *arguments: str, **environment: str) -> Server:
        folder = bundles[bundle] if isinstance(bundle, str) else bundle
        log = tmp_path / f"server-{len(servers)}.log"
        servers.append(Server(folder, log, *arguments, **environment))
        return servers[-1]

    yield started
    for server in servers:
        server.end()


@pytest.fixture(scope="module")
def shared(
    bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Server]]:
    """Servers that all tests of a module use, one a bundle."""
    servers: dict[str, Server] = {}
    logs = tmp_path_factory.mktemp("logs")

    def running(bundle: str) -> Server:
        if bundle not in servers:
            servers[bundle] = Server(bundles[bundle], logs / f"{bundle}.log")
        return servers[bundle]

    yield running
    for server in servers.values():
        server.end()
