"""The graph: from an answer to its point, and 100,000 points without a stutter."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from _browser import FRAME_MS, ROOT, browser, worked_ms
from _report import figure, median_ms

from mlkraken_client import Kraken
from mlkraken_client._embedded import stop

QUERIES, POINTS, FRAMES = 100, 100_000, 80

REPEAT = """async ([script, times]) => {
    const act = new Function('step', script);
    for (let step = 0; step < times; step++) {
        act(step);
        await new Promise(requestAnimationFrame);
    }
}"""

ACTS = {
    "a new point": "window.send(false, 1)",
    "zooming": "window.wheel(step % 40 < 20 ? -40 : 40)",
    "panning": "window.key(step % 2 ? 'ArrowLeft' : 'ArrowRight')",
}


def main() -> None:
    late = sorted(_delays())
    figure(
        "from an answer to its point in the kernel, median (slowest)",
        f"{median_ms(late):.0f} ({late[-1]:.0f}) ms",
        "within 200 ms",
        late[-1] <= 200,
    )
    for what, each in _frames().items():
        figure(
            f"{POINTS:,} points: {what}, main thread a frame",
            f"{each:.1f} / {FRAME_MS:.1f} ms = {each / FRAME_MS:.2f}",
            "less than a frame",
            each < FRAME_MS,
        )


def _delays() -> list[float]:
    with tempfile.TemporaryDirectory() as home:
        kraken = Kraken(home=home)
        try:
            service = kraken.deploy(lambda xs: xs, "double", example=[1.0], quiet=True)
            graph = service.graph()
            delays = []
            for number in range(1, QUERIES + 1):
                service.predict([1.0])
                answered = time.perf_counter()
                while len(graph) < number:
                    time.sleep(0.001)
                delays.append((time.perf_counter() - answered) * 1000)
            graph.close()
            return delays
        finally:
            stop(Path(home))


def _frames() -> dict[str, float]:
    code = (ROOT / "mlkraken_client" / "static" / "chart.js").read_text("utf-8")
    widget = (ROOT / "tests" / "browser" / "widget.js").read_text("utf-8")
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1000, "height": 400})
        page.set_content("<!doctype html><body style='margin:0'><div id='here'></div>")
        page.evaluate(widget, [code, POINTS])
        page.wait_for_selector(f'[data-points="{POINTS}"]')
        spent = {}
        for what, act in ACTS.items():
            page.evaluate(REPEAT, [act, 20])
            spent[what] = worked_ms(page, REPEAT, [act, FRAMES]) / FRAMES
        return spent


if __name__ == "__main__":
    main()
