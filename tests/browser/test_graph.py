"""The live graph under a cell: in JupyterLab, in Notebook 7, after a reload, and saved."""

from __future__ import annotations

import pytest
from _lab import TOKEN, LabPage, LabServer, Notebook, wait_for
from playwright.sync_api import BrowserContext, Locator, expect

SHOW = "graph = service.graph(); graph"


@pytest.fixture(scope="module")
def graphed(notebook: Notebook) -> Notebook:
    """A notebook whose second cell shows the graph of a service with 20 queries."""
    notebook.execute("service = kraken.deploy(double, 'graphed', example=[1.0])")
    notebook.execute("for _ in range(20): service.predict([1.0])")
    notebook.add_cell(SHOW)
    notebook.run_cell(1)
    return notebook


def charts(notebook: Notebook, index: int = 1) -> Locator:
    return notebook.output(index).locator("[data-points]")


def count(chart: Locator) -> int:
    return int(chart.get_attribute("data-points") or 0)


def pixels(chart: Locator) -> int:
    """Return how many pixels of the picture are drawn."""
    return int(
        chart.locator("canvas").evaluate(
            """canvas => {
                const {data} = canvas.getContext('2d').getImageData(
                    0, 0, canvas.width, canvas.height);
                let drawn = 0;
                for (let at = 3; at < data.length; at += 4) drawn += data[at] > 0;
                return drawn;
            }"""
        )
    )


def test_the_graph_begins_with_what_was_recorded(graphed: Notebook) -> None:
    chart = charts(graphed)
    expect(chart).to_have_attribute("data-points", "20")
    wait_for(lambda: pixels(chart) > 1000, what="dots and axes are drawn")


def test_every_query_adds_a_point(graphed: Notebook) -> None:
    chart = charts(graphed)
    before = count(chart)
    graphed.execute("service.predict([1.0])")
    expect(chart).to_have_attribute("data-points", str(before + 1))
    graphed.execute("for _ in range(99): service.predict([1.0])")
    expect(chart).to_have_attribute("data-points", str(before + 100))


def test_points_come_while_a_cell_runs(graphed: Notebook) -> None:
    chart = charts(graphed)
    before = count(chart)
    graphed.add_cell(
        "import pathlib, time\n"
        "service.predict([1.0])\n"
        "while not pathlib.Path('go-on').exists(): time.sleep(0.05)"
    )
    graphed.lab.begin("notebook:run-cell")
    expect(chart).to_have_attribute("data-points", str(before + 1))
    graphed.lab.server.notebooks.joinpath("go-on").touch()


def test_failed_queries_are_points_too(graphed: Notebook) -> None:
    chart = charts(graphed)
    before = count(chart)
    graphed.execute(
        "from mlkraken_client import KrakenError\n"
        "try: service.predict(['not a number'])\n"
        "except KrakenError: pass"
    )
    expect(chart).to_have_attribute("data-points", str(before + 1))
    expect(chart).to_contain_text("1 failed")


def test_two_views_show_the_same(lab: LabPage, graphed: Notebook) -> None:
    graphed.execute("")
    lab.page.evaluate(
        """() => {
            const notebook = [...window.jupyterapp.shell.widgets('main')].find(
                widget => widget.context?.path === 'work.ipynb').content;
            notebook.activeCellIndex = 1;
        }"""
    )
    lab.command("notebook:create-output-view")
    views = lab.page.locator(".jp-LinkedOutputView [data-points]")
    views.wait_for()
    graphed.execute("service.predict([1.0])")
    shown = charts(graphed)
    wait_for(lambda: count(views) == count(shown) > 0, what="as many points in both views")
    lab.command("application:close")
    lab.command("docmanager:open", path="work.ipynb")


def test_the_graph_follows_the_theme(lab: LabPage, graphed: Notebook) -> None:
    chart = charts(graphed)
    color = "node => getComputedStyle(node).getPropertyValue('--mlk-chart-text')"
    corner = """canvas => {
        const {data} = canvas.getContext('2d').getImageData(0, 0, 34, canvas.height);
        let light = 0;
        for (let at = 0; at < data.length; at += 4) light += data[at + 3] > 200 && data[at] > 128;
        return light;
    }"""
    lab.theme("JupyterLab Light")
    canvas = chart.locator("canvas")
    wait_for(lambda: canvas.evaluate(corner) == 0, what="dark labels")
    light = chart.evaluate(color)
    lab.theme("JupyterLab Dark")
    wait_for(lambda: canvas.evaluate(corner) > 0, what="light labels")
    assert chart.evaluate(color) != light
    lab.theme("JupyterLab Light")
    wait_for(lambda: canvas.evaluate(corner) == 0, what="dark labels again")


def test_pan_zoom_and_back_to_live(lab: LabPage, graphed: Notebook) -> None:
    chart = charts(graphed)
    chart.scroll_into_view_if_needed()
    live = chart.get_by_role("button", name="Live")
    expect(live).to_have_attribute("aria-pressed", "true")
    area = chart.locator(".u-over").bounding_box()
    assert area
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    lab.page.mouse.move(x + 80, y, steps=5)
    lab.page.mouse.up()
    expect(live).to_have_attribute("aria-pressed", "false")
    lab.page.mouse.dblclick(x, y)
    expect(live).to_have_attribute("aria-pressed", "true")
    lab.page.mouse.wheel(0, -300)
    expect(live).to_have_attribute("aria-pressed", "false")
    live.click()
    expect(live).to_have_attribute("aria-pressed", "true")


def test_the_nearest_point_tells_its_facts(lab: LabPage, graphed: Notebook) -> None:
    graphed.execute("service = kraken.deploy(double, 'hovered', example=[1.0])")
    graphed.execute("service.predict([1.0])")
    graphed.lab.page.evaluate("() => window.scrollTo(0, 0)")
    graphed.add_cell("service.graph()")
    graphed.run_cell(3)
    chart = charts(graphed, 3)
    expect(chart).to_have_attribute("data-points", "1")
    chart.scroll_into_view_if_needed()
    area = chart.locator(".u-over").bounding_box()
    assert area
    tip = chart.get_by_role("tooltip")

    def seen() -> bool:
        # The one point lies in the middle of half a second; its height is the highest value.
        for share in range(2, 20):
            left = area["x"] + area["width"] * share / 100
            lab.page.mouse.move(left, area["y"] + area["height"] * 0.09)
            if tip.is_visible():
                return True
        return False

    wait_for(seen, what="the tip is shown")
    for told in ("sent", "response", "model", "version", "status", "200"):
        expect(tip).to_contain_text(told)


def test_the_still_picture_hides_behind_a_live_view(graphed: Notebook) -> None:
    still = graphed.output(1).locator("[class^=mlkraken-still-]")
    expect(still).to_have_count(1)
    expect(still).to_be_hidden()


def test_a_reload_restores_all_points(lab: LabPage, graphed: Notebook) -> None:
    points = count(charts(graphed))
    lab.command("docmanager:save")
    lab.page.reload()
    lab.ready()
    lab.command("docmanager:open", path="work.ipynb", factory="Notebook")
    graphed.ready()
    expect(charts(graphed)).to_have_attribute("data-points", str(points))
    graphed.execute("kraken['graphed'].live.predict([1.0])")
    expect(charts(graphed)).to_have_attribute("data-points", str(points + 1))


def test_a_closed_graph_says_so(graphed: Notebook) -> None:
    graphed.execute("graph.close()")
    expect(charts(graphed)).to_have_attribute("data-state", "closed")


def test_notebook_7_shows_graph_and_panel_too(
    server: LabServer, context: BrowserContext, graphed: Notebook
) -> None:
    page = context.new_page()
    page.goto(f"{server.url}/notebooks/work.ipynb?token={TOKEN}")
    chart = page.locator(".jp-OutputArea [data-points]").first
    chart.wait_for()
    wait_for(lambda: count(chart) > 100, what="the points have come")
    page.locator('[data-jp-item-name="mlkraken-open"]').click()
    page.locator('#mlkraken-panel [data-model="graphed"]').wait_for()
    page.close()


def test_a_saved_notebook_shows_its_picture_without_the_kernel(
    lab: LabPage, graphed: Notebook
) -> None:
    lab.command("docmanager:save")
    lab.run("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    lab.command("application:close-all")
    lab.command("docmanager:open", path="work.ipynb", factory="Notebook")
    still = graphed.output(1).locator("[class^=mlkraken-still-] img")
    still.wait_for()
    wait_for(lambda: still.evaluate("image => image.naturalWidth") > 100)
    expect(graphed.output(1).locator("[data-points]")).to_have_count(0)
