"""Many models, and very many points: nothing stutters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _lab import LabPage, LabServer, wait_for
from playwright.sync_api import Browser, Page, expect

MODELS = 1000
POINTS = 100_000
MOST_ROWS = 100
CODE = Path(__file__).parents[2] / "mlkraken_client" / "static" / "chart.js"
WIDGET = Path(__file__).with_name("widget.js")

# How smooth it is, `benchmarks/panel.py` and `benchmarks/graph.py` measure.
SCROLL_TO_THE_END = """async node => {
    for (let top = 0; top < node.scrollHeight; top += 400) {
        node.scrollTop = top;
        await new Promise(requestAnimationFrame);
    }
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A JupyterLab whose user wants to see the panel at once."""
    chosen = {"@mlkraken/labextension:plugin": {"openAtStart": True}}
    server = LabServer(tmp_path_factory.mktemp("lab"), chosen)
    yield server
    server.stop()


def test_the_panel_opens_at_start_when_that_is_set(lab: LabPage) -> None:
    expect(lab.page.locator("#mlkraken-panel .mlk-empty")).to_be_visible()


def test_a_thousand_models_need_few_rows(lab: LabPage, server: LabServer) -> None:
    for number in range(MODELS):
        server.request("POST", "models", {"name": f"model-{number:04}"})
    tab = lab.open_tab()
    expect(tab).to_contain_text(f"{MODELS} models")
    rows = tab.locator(".mlk-row")
    expect(rows.first).to_be_visible()
    assert rows.count() < MOST_ROWS
    tab.locator(".mlk-rows").evaluate(SCROLL_TO_THE_END)
    expect(tab.locator('[data-model="model-0999"]')).to_be_visible()
    assert rows.count() < MOST_ROWS
    tab.get_by_label("Filter models").fill("0123")
    expect(rows).to_have_count(1)


@pytest.fixture
def bare(browser: Browser) -> Any:
    """The notebook's widget with 100,000 points in a page that has nothing else."""
    page = browser.new_page(viewport={"width": 1000, "height": 400})
    page.set_content("<!doctype html><body style='margin:0'><div id='here'></div>")
    page.evaluate(WIDGET.read_text("utf-8"), [CODE.read_text("utf-8"), POINTS])
    expect(page.locator("[data-points]")).to_have_attribute("data-points", str(POINTS))
    yield page
    page.close()


def test_a_hundred_thousand_points_grow_zoom_and_pan(bare: Page) -> None:
    chart = bare.locator("[data-points]")
    bare.evaluate("window.send(false, 1)")
    expect(chart).to_have_attribute("data-points", str(POINTS + 1))
    for act in ("window.wheel(-40)", "window.key('ArrowLeft')"):
        before = bare.screenshot()
        bare.evaluate(act)
        wait_for(lambda: bare.screenshot() != before)  # noqa: B023
    expect(chart).to_have_attribute("data-points", str(POINTS + 1))


def test_a_closed_view_leaves_nothing(bare: Page) -> None:
    bare.evaluate("window.closeView()")
    assert bare.locator("canvas, .mlk-chart").count() == 0
    hidden = "[...document.querySelectorAll('style')].some(s => s.textContent.includes('still'))"
    assert bare.evaluate(hidden) is False
    bare.evaluate("window.send(false, 10)")
    bare.evaluate("window.openView()")
    wait_for(lambda: bare.locator("[data-points]").get_attribute("data-points") == str(POINTS + 10))
