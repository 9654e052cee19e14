"""The graph as the user holds it: live in a page, a still picture everywhere else."""

from __future__ import annotations

import base64
import contextlib
import sys
import threading
import uuid
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlkraken_client._connection import Connection
from mlkraken_client._errors import ConfigurationError
from mlkraken_client._graph._feed import Feed
from mlkraken_client._graph._picture import MEDIA, draw
from mlkraken_client._graph._points import Points

if TYPE_CHECKING:
    from mlkraken_client._graph._widget import GraphWidget

__all__ = ["ResponseTimeGraph"]

HISTORY = 100_000
"""Points a graph begins with, if so many are kept."""

_QUIET_S = 0.7
_AT_LATEST_S = 5.0
_by_cell: weakref.WeakValueDictionary[str, ResponseTimeGraph] = weakref.WeakValueDictionary()


class ResponseTimeGraph:
    """Response times of a model, one new point for every query.

    Let a cell show it. A saved notebook keeps a picture, which is refreshed while the graph
    lives. Showing another graph in the same cell closes the one before.

    Parameters
    ----------
    connection
        The control plane.
    model
        Name of the model.
    version
        Version number; None for all versions.
    """

    def __init__(self, connection: Connection, model: str, version: int | None) -> None:
        reference = model if version is None else f"{model}@{version}"
        self._title = f"{reference}: response times"
        self._still_id = uuid.uuid4().hex[:12]
        self._points = Points()
        self._changed = threading.Event()
        self._closed = threading.Event()
        self._caught_up = threading.Event()
        self._widget: GraphWidget | None = None
        self._still: Any = None
        self._feed = Feed(
            connection,
            reference,
            HISTORY,
            points=self._take,
            state=self._set_state,
            caught_up=self._caught_up.set,
        )

    @classmethod
    def of(cls, connection: Connection, model: str, version: int | None) -> ResponseTimeGraph:
        """Return a new graph."""
        return cls(connection, model, version)

    def __len__(self) -> int:
        """Number of points."""
        return len(self._points)

    def save(self, path: str | Path) -> Path:
        """Write a picture of the points so far.

        Parameters
        ----------
        path
            File ending in ``.png``, ``.svg`` or ``.pdf``.

        Raises
        ------
        ConfigurationError
            ``picture_unknown`` for another ending.
        """
        target = Path(path)
        media = target.suffix.lower().lstrip(".")
        if media not in MEDIA:
            raise ConfigurationError(
                "picture_unknown",
                f"A graph cannot be saved as {target.name!r}.",
                f"Use one of {', '.join('.' + known for known in MEDIA)}.",
            )
        self._caught_up.wait(5.0)
        target.write_bytes(draw(self._points.columns(), self._title, media=media))
        return target

    def close(self) -> None:
        """Stop following; the picture shows the last state. Harmless when done already."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._changed.set()
        self._feed.close()
        if self._widget is not None:
            self._refresh_still()
            self._widget.state = "closed"

    # -- from the feed's thread ---------------------------------------------------------------

    def _take(self, rows: list[list[Any]]) -> None:
        fresh = self._points.append(rows)
        if self._widget is not None:
            self._widget.show_points(fresh)
        self._changed.set()

    def _set_state(self, state: str) -> None:
        if self._widget is not None and not self._closed.is_set():
            self._widget.state = state

    # -- showing ------------------------------------------------------------------------------

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if self._widget is None:
            self._show_first()
        display(self._widget)
        bundle = self._still_bundle()
        self._still = display(bundle, raw=True, display_id=f"mlkraken-{self._still_id}")

    def _show_first(self) -> None:
        from mlkraken_client._graph._widget import GraphWidget

        cell = _cell_id()
        before = _by_cell.get(cell) if cell else None
        if before is not None and before is not self:
            before.close()
        if cell:
            _by_cell[cell] = self
        self._widget = GraphWidget(
            self._points.columns, title=self._title, still=f"{self._still_id}"
        )
        threading.Thread(target=self._paint, name="picture", daemon=True).start()

    def _paint(self) -> None:
        """Refresh the picture when the points have been quiet for a moment, or at the latest."""
        while not self._closed.is_set():
            self._changed.wait()
            waited = 0.0
            while waited < _AT_LATEST_S and not self._closed.is_set():
                self._changed.clear()
                if not self._changed.wait(_QUIET_S):
                    break
                waited += _QUIET_S
            self._changed.clear()
            if not self._closed.is_set():
                self._refresh_still()

    def _refresh_still(self) -> None:
        if self._still is not None:
            with contextlib.suppress(OSError):  # the kernel is on its way out
                self._still.update(self._still_bundle(), raw=True)

    def _still_bundle(self) -> dict[str, str]:
        picture = base64.b64encode(draw(self._points.columns(), self._title)).decode()
        image = f"<img alt='{self._title}' src='data:image/png;base64,{picture}'>"
        return {
            "text/plain": f"{self._title} ({len(self)} queries)",
            "text/html": f"<div class='mlkraken-still-{self._still_id}'>{image}</div>",
            "image/png": picture,
        }

    def __repr__(self) -> str:
        return f"<ResponseTimeGraph {self._title} ({len(self)} queries)>"


def _cell_id() -> str:
    """The id of the notebook cell that runs, "" outside of one."""
    if "IPython" not in sys.modules:
        return ""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return ""
    metadata = kernel.get_parent().get("metadata", {})
    return str(metadata.get("cellId", ""))
