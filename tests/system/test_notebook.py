"""The quickstart notebook runs as it is, and its saved form keeps what it showed."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import end_backend, processes_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def notebook_home(tmp_path: Path) -> Iterator[Path]:
    home, before = tmp_path / "home", os.environ["MLKRAKEN_HOME"]
    os.environ["MLKRAKEN_HOME"] = str(home)
    yield home
    os.environ["MLKRAKEN_HOME"] = before
    if processes_of(home):
        end_backend(home)


def execute(folder: Path, *sources: str) -> Any:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)

    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def test_make_demos_script_leaves_notebook_page_and_graph(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MLKRAKEN_HOME"}
    done = subprocess.run(
        [sys.executable, ROOT / "notebooks" / "demo.py", "--output", tmp_path / "out"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "penguins" in done.stdout
    assert "127.0.0.1:" in done.stdout
    assert "p99" in done.stdout
    assert (tmp_path / "out" / "response-times.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "out" / "quickstart.html").read_text("utf-8")
    assert "data:image/png;base64" in page
    assert processes_of(tmp_path) == []


def test_a_saved_notebook_keeps_the_graphs_last_picture_and_no_secret(
    tmp_path: Path, notebook_home: Path
) -> None:
    notebook = execute(
        tmp_path,
        "from mlkraken_client import Kraken\n"
        "service = Kraken().deploy(lambda xs: xs, 'graphed', example=[1.0])\n"
        "service",
        "graph = service.graph()\ngraph",
        "for n in range(20):\n    service.predict([float(n)])\nservice.headers()",
        "import time\ndeadline = time.monotonic() + 5\n"
        "while len(graph) < 20 and time.monotonic() < deadline:\n    time.sleep(0.05)\n"
        "graph.close()\nlen(graph)",
    )
    widget, still = notebook.cells[1].outputs
    assert "application/vnd.jupyter.widget-view+json" in widget.data
    assert "20 queries" in still.data["text/plain"]
    assert base64.b64decode(still.data["image/png"]).startswith(b"\x89PNG")
    assert notebook.cells[3].outputs[0].data["text/plain"] == "20"
    text = nbformat.writes(notebook)
    assert (notebook_home / "token").read_text().strip() not in text
    assert "Bearer eyJ" not in text


def test_progress_shows_in_one_output_that_changes(tmp_path: Path, notebook_home: Path) -> None:
    notebook = execute(
        tmp_path,
        "from mlkraken_client import Kraken\nkraken = Kraken()\n"
        "_ = kraken.deploy(lambda xs: xs, 'shown', example=[1.0])",
    )
    (output,) = notebook.cells[0].outputs
    assert "shown version 1 is live, running at http://127.0.0.1:" in output.data["text/plain"]
    assert "packing" in output.data["text/plain"]


def test_a_restarted_kernel_finds_its_models(tmp_path: Path, notebook_home: Path) -> None:
    execute(
        tmp_path,
        "from mlkraken_client import Kraken\n"
        "class Model:\n    def predict(self, xs):\n        return [x + 1 for x in xs]\n"
        "Kraken().deploy(Model(), 'lasting', example=[1.0])",
    )
    notebook = execute(
        tmp_path, "from mlkraken_client import Kraken\nKraken()['lasting'].predict([1.0])"
    )
    assert notebook.cells[0].outputs[-1].data["text/plain"] == "[2.0]"


def test_a_failed_deploy_explains_itself_in_the_cell(tmp_path: Path, notebook_home: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "from mlkraken_client import Kraken\n"
                "class Broken:\n"
                "    def __init__(self):\n        self.x = 1\n"
                "    def __setstate__(self, state):\n        raise RuntimeError('no weights')\n"
                "    def predict(self, xs):\n        return xs\n"
                "Kraken().deploy(Broken(), 'broken', example=[1.0])",
                metadata={"tags": ["raises-exception"]},
            )
        ]
    )
    NotebookClient(notebook, timeout=60).execute()
    progress, error = notebook.cells[0].outputs
    assert "failed while starting" in progress.data["text/plain"]
    assert error.ename == "DeployFailed"
    assert "RuntimeError: no weights" in error.evalue
    assert "Last log lines:" in error.evalue


def test_a_killed_kernel_leaves_its_services_running(tmp_path: Path, notebook_home: Path) -> None:
    with pytest.raises(Exception, match=r"(?i)dea|died|kill"):
        execute(
            tmp_path,
            "from mlkraken_client import Kraken\nimport os, signal\n"
            "Kraken().deploy(lambda xs: xs, 'survivor', example=[1.0])\n"
            "os.kill(os.getpid(), signal.SIGKILL)",
        )
    from mlkraken_client import Kraken

    assert Kraken()["survivor"].predict([3.0]) == [3.0]
