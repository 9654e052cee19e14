"""Many models, and very many points: nothing stutters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _lab import LabPage, LabServer, wait_for
from playwright.sync_api import Browser, CDPSession, Page, expect

MODELS = 1000
POINTS = 100_000
FRAME_MS = 16.0
CODE = Path(__file__).parents[2] / "mlkraken_client" / "static" / "chart.js"

# Figures are printed; only what nobody would call smooth fails, on whatever machine.
MARGIN = 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A JupyterLab whose user wants to see the panel at once."""
    chosen = {"@mlkraken/labextension:plugin": {"openAtStart": True}}
    server = LabServer(tmp_path_factory.mktemp("lab"), chosen)
    yield server
    server.stop()


def test_the_panel_opens_at_start_when_that_is_set(lab: LabPage) -> None:
    expect(lab.page.locator("#mlkraken-panel .mlk-empty")).to_be_visible()


def spent_ms(session: CDPSession) -> float:
    """Return how long the page's main thread has worked so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(item["value"] for item in metrics if item["name"] == "TaskDuration")


def test_a_thousand_models_scroll_smoothly(lab: LabPage, server: LabServer) -> None:
    for number in range(MODELS):
        server.request("POST", "models", {"name": f"model-{number:04}"})
    tab = lab.open_tab()
    expect(tab).to_contain_text(f"{MODELS} models")
    rows = tab.locator(".mlk-row")
    expect(rows.first).to_be_visible()
    assert rows.count() < 100
    session = lab.page.context.new_cdp_session(lab.page)
    session.send("Performance.enable")
    scroller = tab.locator(".mlk-rows")
    before = spent_ms(session)
    frames = scroller.evaluate(
        """async node => {
            let longest = 0, frames = 0, last = performance.now();
            for (let top = 0; top < node.scrollHeight - node.clientHeight; top += 400) {
                node.scrollTop = top;
                await new Promise(requestAnimationFrame);
                const now = performance.now();
                longest = Math.max(longest, now - last);
                last = now;
                frames += 1;
            }
            return {longest, frames};
        }"""
    )
    each = (spent_ms(session) - before) / frames["frames"]
    print(
        f"\n1,000 models: {each:.1f} ms a scrolled page, longest frame {frames['longest']:.0f} ms"
    )
    assert each < MARGIN * FRAME_MS
    expect(tab.locator('[data-model="model-0999"]')).to_be_visible()
    tab.get_by_label("Filter models").fill("0123")
    expect(rows).to_have_count(1)


@pytest.fixture
def bare(browser: Browser) -> Any:
    """The notebook's widget with 100,000 points in a page that has nothing else."""
    page = browser.new_page(viewport={"width": 1000, "height": 400})
    page.set_content("<!doctype html><body style='margin:0'><div id='here'></div>")
    page.evaluate(WIDGET, [CODE.read_text("utf-8"), POINTS])
    expect(page.locator("[data-points]")).to_have_attribute("data-points", str(POINTS))
    yield page
    page.close()


@pytest.mark.parametrize(
    ("what", "script"),
    [
        ("append", "window.send(false, 1)"),
        ("zoom", "window.wheel(step % 40 < 20 ? -40 : 40)"),
        ("pan", "window.key(step % 2 ? 'ArrowLeft' : 'ArrowRight')"),
    ],
)
def test_a_hundred_thousand_points_move_smoothly(bare: Page, what: str, script: str) -> None:
    session = bare.context.new_cdp_session(bare)
    session.send("Performance.enable")
    repeat = """async ([script, times]) => {
        const act = new Function('step', script);
        for (let step = 0; step < times; step++) {
            act(step);
            await new Promise(requestAnimationFrame);
        }
    }"""
    bare.evaluate(repeat, [script, 20])
    before = spent_ms(session)
    bare.evaluate(repeat, [script, 80])
    each = (spent_ms(session) - before) / 80
    print(f"\n{POINTS:,} points, {what}: {each:.1f} ms of main thread a frame")
    assert each < MARGIN * FRAME_MS


def test_a_closed_view_leaves_nothing(bare: Page) -> None:
    bare.evaluate("window.closeView()")
    assert bare.locator("canvas, .mlk-chart").count() == 0
    hidden = "[...document.querySelectorAll('style')].some(s => s.textContent.includes('still'))"
    assert bare.evaluate(hidden) is False
    bare.evaluate("window.send(false, 10)")
    bare.evaluate("window.openView()")
    wait_for(lambda: bare.locator("[data-points]").get_attribute("data-points") == str(POINTS + 10))


# What anywidget does with the bundle, and a kernel that sends columns.
WIDGET = """async ([code, count]) => {
    const address = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
    const widget = (await import(address)).default();
    const traits = {title: 'churn', height: 300, state: 'live', still: 'x1'};
    const listeners = new Map();
    const model = {
        get: name => traits[name],
        on: (event, listener) =>
            listeners.set(event, [...listeners.get(event) ?? [], listener]),
        off: (event, listener) =>
            listeners.set(event, (listeners.get(event) ?? []).filter(one => one !== listener)),
        send: () => undefined
    };
    let sent = Date.now() / 1000 - count / 100;
    window.send = (reset, count) => {
        const columns = [new Float64Array(count), new Float32Array(count), new Float32Array(count),
                         new Uint16Array(count).fill(200), new Uint32Array(count).fill(1)];
        for (let index = 0; index < count; index++) {
            columns[0][index] = sent += 0.01;
            columns[1][index] = Math.exp(1.5 + Math.random() + 2 * Math.random() ** 20);
        }
        const message = {type: 'points', reset, count};
        const views = columns.map(column => new DataView(column.buffer));
        listeners.get('msg:custom').forEach(listener => listener(message, views));
    };
    window.openView = () => {
        window.closeView = widget.render({model, el: document.getElementById('here')});
    };
    window.wheel = deltaY => {
        const area = document.querySelector('.u-over');
        area.dispatchEvent(new WheelEvent('wheel', {deltaY, ctrlKey: true, bubbles: true}));
    };
    window.key = key => {
        const plot = document.querySelector('.mlk-chart-plot');
        plot.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    };
    widget.initialize({model});
    window.openView();
    window.send(true, count);
}"""
