"""What a long call is doing: one line that changes, in a cell or on a terminal."""

from __future__ import annotations

import html
import sys
import time
from types import TracebackType
from typing import Any, Protocol

__all__ = ["Progress", "progress"]


class _Line(Protocol):
    def show(self, text: str, *, done: bool) -> None: ...


class Progress:
    """Steps of one call, each with the time it took.

    Use it as a context; an exception leaves the line as it is, with the step that failed.

    Parameters
    ----------
    title
        What is being done.
    line
        Where it is shown.
    """

    def __init__(self, title: str, line: _Line) -> None:
        self._title = title
        self._line = line
        self._steps: list[tuple[str, float]] = []
        self._step = self._finished = self._remark = ""
        self._since = self._started = time.perf_counter()

    def step(self, name: str) -> None:
        """Begin the next step."""
        self._end_step()
        self._step = name
        self._line.show(f"{self._title}: {name} ...", done=False)

    def note(self, text: str) -> None:
        """Say more about the step."""
        self._line.show(f"{self._title}: {self._step} ... {text}", done=False)

    def finish(self, text: str) -> None:
        """Say how it ended."""
        self._end_step()
        total = time.perf_counter() - self._started
        parts = ", ".join(f"{name} {took:.1f}" for name, took in self._steps)
        self._finished = f"{text} ({total:.1f} s: {parts})"
        self._line.show("; ".join(filter(None, [self._finished, self._remark])), done=True)

    def remark(self, text: str) -> None:
        """Say something more at the end, or after it; in any thread."""
        self._remark = text
        if self._finished:
            self._line.show(f"{self._finished}; {text}", done=True)

    @property
    def visible(self) -> bool:
        """Whether anybody sees it."""
        return not isinstance(self._line, _Silence)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            what = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            self._line.show(f"{self._title}: {what} while {self._step}", done=True)

    def _end_step(self) -> None:
        now = time.perf_counter()
        if self._step:
            self._steps.append((self._step, now - self._since))
        self._since = now


def progress(title: str, *, quiet: bool = False) -> Progress:
    """Return progress shown where this process shows things: a cell, a terminal, or nowhere."""
    if quiet:
        return Progress(title, _Silence())
    if _in_notebook():
        return Progress(title, _CellLine())
    return Progress(title, _TerminalLine() if sys.stderr.isatty() else _Silence())


class _Silence:
    def show(self, text: str, *, done: bool) -> None:
        return


class _TerminalLine:
    """One line on standard error, so that standard output stays the program's own."""

    def __init__(self) -> None:
        from rich.console import Console

        self._status = Console(stderr=True).status("")
        self._running = False

    def show(self, text: str, *, done: bool) -> None:
        if not self._running and not done:
            self._status.start()
            self._running = True
        self._status.update(text)
        if done:
            self._status.stop()
            self._running = False
            self._status.console.print(text, highlight=False, markup=False)


class _CellLine:
    """One output of the cell, rewritten in place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str, *, done: bool) -> None:
        from IPython.display import display

        mark = "" if done else " &#8943;"
        bundle = {"text/plain": text, "text/html": f"<code>{html.escape(text)}</code>{mark}"}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None
