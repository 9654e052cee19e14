"""A real Chromium, and what its page's main thread has worked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from _lab import ARGUMENTS, CHROMIUM, LabPage, LabServer  # noqa: E402 - its folder is known now

__all__ = ["FRAME_MS", "ROOT", "LabPage", "LabServer", "browser", "worked_ms"]

FRAME_MS = 1000 / 60
"""What a page may work between two pictures and still show sixty a second."""


@contextmanager
def browser() -> Iterator[Browser]:
    """Yield a headless Chromium."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGUMENTS)
        yield found
        found.close()


def worked_ms(page: Page, script: str, argument: object = None) -> float:
    """Return the main thread's work while ``script`` runs, in milliseconds."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def so_far() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(item["value"] for item in metrics if item["name"] == "TaskDuration")

    before = so_far()
    page.evaluate(script, argument)
    return so_far() - before
