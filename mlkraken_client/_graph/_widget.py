"""The browser's side of the graph as a widget; its code is built from ``labextension/src``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from mlkraken_client._errors import ConfigurationError
from mlkraken_client._graph._points import Columns

__all__ = ["GraphWidget"]

_CODE = Path(__file__).parent.parent / "static" / "chart.js"


def _code() -> str:
    try:
        return _CODE.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(
            "widget_not_built",
            f"The graph's browser code {_CODE} is missing.",
            "In a checkout, build it: cd labextension && jlpm && jlpm build.",
        ) from error


class GraphWidget(anywidget.AnyWidget):
    """Shows points; asks for all of them when a page connects to it.

    Parameters
    ----------
    history
        Returns all points, whenever a browser asks. May be called from any thread.
    """

    title = traitlets.Unicode("").tag(sync=True)
    height = traitlets.Int(260).tag(sync=True)
    state = traitlets.Unicode("live").tag(sync=True)
    still = traitlets.Unicode("").tag(sync=True)

    def __init__(self, history: Callable[[], Columns], **traits: Any) -> None:
        super().__init__(_esm=_code(), **traits)
        self._history = history
        self.on_msg(self._asked)

    def show_points(self, columns: Columns, *, reset: bool = False) -> None:
        """Send points to every page that shows this widget."""
        header = {"type": "points", "reset": reset, "count": len(columns[0])}
        self.send(header, [column.tobytes() for column in columns])

    def _asked(self, widget: Any, content: Any, buffers: Any) -> None:
        if isinstance(content, dict) and content.get("type") == "history?":
            self.show_points(self._history(), reset=True)
