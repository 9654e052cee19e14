"""A still picture of response times, for saved notebooks, pages and files."""

from __future__ import annotations

import io
from typing import Any

from mlkraken_client._graph._points import Columns

__all__ = ["MEDIA", "draw"]

MEDIA = ("png", "svg", "pdf")
"""File endings a picture can be drawn for."""

_SHARES = ((50, "#1976d2"), (95, "#b26a00"), (99, "#c62828"))
_FAILED = 400
_MOST_DOTS = 20_000


def draw(columns: Columns, title: str, *, media: str = "png") -> bytes:
    """Return a picture of points as a file's contents.

    Parameters
    ----------
    columns
        As `Points.columns` gives them.
    title
        Written above.
    media
        One of `MEDIA`.
    """
    # The object interface: no global state of the user's own plots is touched, any thread will do.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    _style(axes, title)
    sent_at, response_ms = columns[0], columns[1]
    if len(sent_at):
        _dots(axes, columns)
        _percentiles(axes, response_ms)
    else:
        axes.text(0.5, 0.5, "No queries yet", ha="center", va="center", transform=axes.transAxes)
        axes.set_xticks([])
        axes.set_yticks([])
    stream = io.BytesIO()
    figure.savefig(stream, format=media)
    return stream.getvalue()


def _style(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_ylabel("response time [ms]", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _dots(axes: Any, columns: Columns) -> None:
    import datetime as dt

    import numpy as np
    from matplotlib import dates

    sent_at, response_ms, _, status, _ = columns
    # matplotlib counts days; the local zone is what the person saw on the clock.
    days = sent_at / 86400.0 + dates.date2num(dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc))
    kept = _thinned(np.arange(len(days)), response_ms)
    failed = status[kept] >= _FAILED
    good, bad = kept[~failed], kept[failed]
    axes.plot(days[good], response_ms[good], ".", ms=4, alpha=0.6, color="#1976d2", label="_")
    if len(bad):
        axes.plot(days[bad], response_ms[bad], "x", ms=5, color="#c62828", label="failed")
    locator = dates.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    zone = dt.datetime.now().astimezone().tzinfo
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=zone))
    axes.set_ylim(bottom=0)


def _thinned(places: Any, response_ms: Any) -> Any:
    """Draw no more dots than can be told apart, but always the slowest ones."""
    import numpy as np

    if len(places) <= _MOST_DOTS:
        return places
    every = len(places) // (_MOST_DOTS // 2) + 1
    slowest = np.argpartition(response_ms, -_MOST_DOTS // 2)[-_MOST_DOTS // 2 :]
    return np.union1d(places[::every], slowest)


def _percentiles(axes: Any, response_ms: Any) -> None:
    import numpy as np

    values = np.percentile(response_ms, [share for share, _ in _SHARES], method="inverted_cdf")
    for (share, colour), value in zip(_SHARES, values, strict=True):
        axes.axhline(value, color=colour, lw=1, ls="--", label=f"p{share} {value:.2f} ms")
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        fontsize=8,
        frameon=False,
        ncols=4,
        borderaxespad=0.2,
    )
