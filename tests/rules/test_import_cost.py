"""What is not used is not loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = [
    "IPython",
    "aiohttp",
    "anywidget",
    "boto3",
    "cryptography",
    "ipywidgets",
    "joblib",
    "matplotlib",
    "nanoarrow",
    "numpy",
    "pandas",
    "pyarrow",
    "requests",
    "rich",
    "sklearn",
    "urllib3",
]


def loaded_by(statement: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{statement}\nprint(*sys.modules, sep='\\n')"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "statement",
    [
        "import mlkraken_client",
        "from mlkraken_client import Kraken\nKraken",
        "from mlkraken_client import Kraken\nKraken('http://127.0.0.1:1', token='t')",
        "from mlkraken_client import KrakenError, DeployFailed",
    ],
)
def test_importing_the_client_loads_nothing_heavy(statement: str) -> None:
    assert loaded_by(statement).isdisjoint(HEAVY)


def test_the_server_extension_loads_no_data_libraries() -> None:
    here = {"pandas", "pyarrow", "sklearn", "matplotlib", "boto3", "uvicorn", "starlette"}
    assert loaded_by("import mlkraken_jupyter").isdisjoint(here)


def test_the_control_plane_loads_no_data_libraries() -> None:
    here = {"pandas", "pyarrow", "sklearn", "matplotlib", "boto3", "numpy", "nanoarrow"}
    assert loaded_by("import mlkraken_backend.embedded").isdisjoint(here)


def test_the_model_server_loads_data_libraries_only_for_a_bundle_that_needs_them() -> None:
    here = {"pandas", "pyarrow", "boto3", "numpy", "sklearn"}
    assert loaded_by("import mlkraken_serving._main").isdisjoint(here)
