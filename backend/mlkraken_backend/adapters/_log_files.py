"""Logs of replicas: one file each, read in order of their start and by cursor."""

from __future__ import annotations

import shutil
import time
from itertools import islice
from pathlib import Path

from mlkraken_backend.adapters._cursor import read_cursor, write_cursor
from mlkraken_backend.adapters._files import mapped
from mlkraken_backend.ports import LogLine, LogPage

__all__ = ["LogFiles"]

_TAIL_BYTES = 256 * 1024
_LONGEST_LINE = 64 * 1024


class LogFiles:
    """Log files below one folder, ``<model>/<version>/<started at>-<replica>.log``.

    Parameters
    ----------
    root
        The folder; made when the first replica starts.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def new(self, model: str, version: int, replica: str) -> Path:
        """Return the path of a new replica's log; its folder is there afterwards."""
        folder = self._folder(model, version)
        with mapped(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{time.time_ns() // 1_000_000:013d}-{replica}.log"

    def page(self, model: str, version: int, cursor: str, limit: int, live: set[str]) -> LogPage:
        """Return up to ``limit`` whole lines after ``cursor``; see `Runtime.logs`.

        A last line without an end is held back while its replica, one of ``live``, may still
        write the rest.
        """
        files = sorted(self._folder(model, version).glob("*.log"))
        if cursor == "tail":
            return self._tail(files, limit, live)
        offsets = read_cursor(cursor)
        lines: list[LogLine] = []
        for file in files:
            if len(lines) >= limit:
                break
            replica = _replica(file)
            found, end = _lines(
                file, offsets.get(file.name, 0), limit - len(lines), replica in live
            )
            lines += [LogLine(replica, text) for text in found]
            offsets[file.name] = end
        return LogPage(lines, write_cursor(offsets, (file.name for file in files)))

    def forget(self, model: str, version: int) -> None:
        folder = self._folder(model, version)
        with mapped(folder):
            shutil.rmtree(folder, ignore_errors=not folder.exists())
            if folder.parent.is_dir() and not any(folder.parent.iterdir()):
                folder.parent.rmdir()

    def _tail(self, files: list[Path], limit: int, live: set[str]) -> LogPage:
        lines: list[LogLine] = []
        offsets: dict[str, int] = {}
        for file in reversed(files):
            replica, size = _replica(file), _size(file)
            start = max(0, size - _TAIL_BYTES)
            found, end = _lines(file, start, 1 << 30, replica in live)
            offsets[file.name] = end
            if len(lines) < limit:
                cut = found[1:] if start else found
                lines = [LogLine(replica, text) for text in cut] + lines
        return LogPage(
            lines[-limit:] if limit else [], write_cursor(offsets, (file.name for file in files))
        )

    def _folder(self, model: str, version: int) -> Path:
        return self._root / model / str(version)


def _lines(file: Path, start: int, limit: int, growing: bool) -> tuple[list[str], int]:
    found: list[str] = []
    end = start
    try:
        with file.open("rb") as stream:
            stream.seek(start)
            # Line by line: a log may be larger than the memory.
            for line in islice(stream, limit):
                if growing and not line.endswith(b"\n"):
                    break
                found.append(_text(line))
                end += len(line)
    except FileNotFoundError:  # removed with its version
        return [], start
    return found, end


def _text(line: bytes) -> str:
    piece = line.removesuffix(b"\n")
    text = piece[:_LONGEST_LINE].decode("utf-8", "replace").rstrip("\r")
    return text + (f" ... ({len(piece)} bytes)" if len(piece) > _LONGEST_LINE else "")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _replica(file: Path) -> str:
    return file.stem.partition("-")[2]
