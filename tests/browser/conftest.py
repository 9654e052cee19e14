"""One JupyterLab and one browser for a module's tests, gone without a trace afterwards."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))  # these tests run in a process of their own

from _lab import ARGUMENTS, CHROMIUM, SETTLE_S, LabPage, LabServer, Notebook

expect.set_options(timeout=SETTLE_S * 1000)

PICTURES = Path(__file__).parents[2] / "build" / "screenshots"


@pytest.fixture(scope="session", autouse=True)
def _ended_by_exception() -> Iterator[None]:
    """A run that is ended from outside still cleans up: SIGTERM unwinds like Control-C."""

    def end(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A JupyterLab with folders of its own, in a path with spaces and letters beyond ASCII."""
    server = LabServer(tmp_path_factory.mktemp("lab żółw"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(
        viewport={"width": 1400, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(SETTLE_S * 1000)
    yield context
    context.close()


@pytest.fixture(scope="module")
def lab(server: LabServer, context: BrowserContext) -> LabPage:
    """JupyterLab in a page, without a notebook."""
    lab = LabPage(context.new_page(), server)
    lab.open()
    return lab


@pytest.fixture(scope="module")
def notebook(lab: LabPage) -> Notebook:
    """A notebook whose kernel has a ``kraken`` and a function to deploy."""
    notebook = lab.new_notebook("work.ipynb", [SETUP])
    notebook.run_cell(0)
    return notebook


@pytest.fixture(autouse=True)
def _no_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test leaves an error in the page behind."""
    yield
    if "lab" in request.fixturenames:
        lab: LabPage = request.getfixturevalue("lab")
        problems, lab.problems = lab.problems, []
        assert not problems


@pytest.fixture
def deploy(notebook: Notebook) -> Callable[..., None]:
    """Deploy ``double`` under a name, from the kernel; ``service`` is its service there."""

    def deploy(name: str, **options: Any) -> None:
        given = "".join(f", {key}={value!r}" for key, value in options.items())
        code = f"service = kraken.deploy(double, {name!r}, example=[1.0, 2.0]{given})"
        notebook.execute(code)

    return deploy


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keep a picture of a page in ``build/screenshots``."""
    PICTURES.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        assert re.fullmatch(r"[a-z0-9-]+", name)
        page.screenshot(path=PICTURES / f"{name}.png")

    return take


SETUP = """\
from mlkraken_client import Kraken
kraken = Kraken()
def double(xs): return [2 * x for x in xs]
"""
