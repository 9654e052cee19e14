"""The panel's list of 1,000 models, scrolled through in a real JupyterLab."""

from __future__ import annotations

import tempfile
from pathlib import Path

from _browser import FRAME_MS, LabPage, LabServer, browser, worked_ms
from _report import figure

MODELS, STEP_PX = 1000, 400

SCROLL = """async step => {
    const node = [...document.querySelectorAll('.mlk-rows')].find(one => one.clientHeight > 0);
    for (let top = 0; top < node.scrollHeight - node.clientHeight; top += step) {
        node.scrollTop = top;
        await new Promise(requestAnimationFrame);
    }
}"""

FRAMES = """step => {
    const node = [...document.querySelectorAll('.mlk-rows')].find(one => one.clientHeight > 0);
    return Math.ceil((node.scrollHeight - node.clientHeight) / step);
}"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = LabServer(Path(folder) / "lab")
        try:
            each = _frame_ms(server)
        finally:
            server.stop()
    figure(
        f"panel with {MODELS:,} models: {STEP_PX} px scrolled, main thread",
        f"{each:.1f} / {FRAME_MS:.1f} ms = {each / FRAME_MS:.2f}",
        "at most two frames",
        each < 2 * FRAME_MS,
    )


def _frame_ms(server: LabServer) -> float:
    for number in range(MODELS):
        server.request("POST", "models", {"name": f"model-{number:04}"})
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1400, "height": 900})
        lab = LabPage(page, server)
        lab.open()
        lab.open_tab().get_by_text(f"{MODELS} models").wait_for()
        return worked_ms(page, SCROLL, STEP_PX) / float(page.evaluate(FRAMES, STEP_PX))


if __name__ == "__main__":
    main()
