"""Response times from the segment files that model servers write.

The format is the model server's: 64-byte records in files named
``<opened at>-<replica>.rec`` under ``<root>/<model>/<version>/``.
"""

from __future__ import annotations

import heapq
import math
import shutil
import struct
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from mlkraken_backend.adapters._cursor import read_cursor, write_cursor
from mlkraken_backend.adapters._files import mapped
from mlkraken_backend.ports import QueryPoint

__all__ = ["RecordFiles"]

_RECORD = struct.Struct("<dffIIHH36s")
_BLOCK = 1024 * _RECORD.size
_ROUNDING_S = 1.0


class RecordFiles:
    """See `QueryLog`.

    Parameters
    ----------
    root
        The folder; made by the model servers.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def location(self, model: str, version: int) -> str:
        return str(self._root / model / str(version))

    def points(
        self, model: str, version: int | None, since: float, until: float, limit: int
    ) -> list[QueryPoint]:
        segments = {path: _whole(path) for path in self._segments(model, version)}
        return _newest(segments, since, until, limit)

    def latest(self, model: str, version: int | None, limit: int) -> tuple[list[QueryPoint], str]:
        segments = {path: _whole(path) for path in self._segments(model, version)}
        cursor = write_cursor({_key(path): end for path, end in segments.items()})
        return _newest(segments, -math.inf, math.inf, limit), cursor

    def tail(
        self, model: str, version: int | None, cursor: str, limit: int
    ) -> tuple[list[QueryPoint], str]:
        segments = self._segments(model, version)
        offsets = read_cursor(cursor)
        points: list[QueryPoint] = []
        for segment in segments:
            key = _key(segment)
            start = offsets.get(key, 0)
            if len(points) >= limit:
                offsets.setdefault(key, 0)
                continue
            found, end = _read(segment, start, limit - len(points))
            points += found
            offsets[key] = end
        return points, write_cursor(offsets, map(_key, segments))

    def forget(self, model: str, version: int | None) -> None:
        folder = self._root / model
        if version is not None:
            folder = folder / str(version)
        with mapped(folder):
            shutil.rmtree(folder, ignore_errors=not folder.exists())
            parent = self._root / model
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()

    def _segments(self, model: str, version: int | None) -> list[Path]:
        pattern = "*.rec" if version is not None else "*/*.rec"
        folder = self._root / model
        if version is not None:
            folder = folder / str(version)
        return sorted(folder.glob(pattern), key=lambda path: path.name)


def _newest(
    segments: Mapping[Path, int], since: float, until: float, limit: int
) -> list[QueryPoint]:
    """Return the newest points of segments that end at the given bytes, oldest first.

    Within a segment records are ordered by their end, but replicas write side by side.
    """
    merged = heapq.merge(
        *(_backwards(segment, end, since) for segment, end in segments.items()),
        key=_ended_at,
        reverse=True,
    )
    wanted = (point for point in merged if since <= point.sent_at < until)
    return sorted(islice(wanted, max(0, limit)), key=lambda point: point.sent_at)


def _backwards(segment: Path, end: int, since: float) -> Iterator[QueryPoint]:
    """Yield a segment's records, the last first, until those that ended before ``since``."""
    try:
        with segment.open("rb") as file:
            while end > 0:
                start = max(0, end - _BLOCK)
                file.seek(start)
                for point in reversed(list(_points(file.read(end - start)))):
                    if _ended_at(point) < since - _ROUNDING_S:
                        return
                    yield point
                end = start
    except FileNotFoundError:  # removed by a retention or a delete while we looked
        return


def _ended_at(point: QueryPoint) -> float:
    return point.sent_at + point.response_ms / 1000


def _read(segment: Path, start: int, most: int | None = None) -> tuple[list[QueryPoint], int]:
    """Return the whole records after ``start`` bytes, and where they end."""
    try:
        with segment.open("rb") as file:
            file.seek(start)
            raw = file.read() if most is None else file.read(most * _RECORD.size)
    except FileNotFoundError:  # removed by a retention or a delete while we looked
        return [], start
    whole = len(raw) - len(raw) % _RECORD.size
    return list(_points(raw[:whole])), start + whole


def _points(raw: bytes) -> Iterator[QueryPoint]:
    for sent_at, response_ms, model_ms, rows, version, status, _, request in _RECORD.iter_unpack(
        raw
    ):
        request_id = request.rstrip(b"\0").decode("ascii", "replace")
        yield QueryPoint(sent_at, response_ms, model_ms, rows, version, status, request_id)


def _whole(segment: Path) -> int:
    try:
        size = segment.stat().st_size
    except FileNotFoundError:
        return 0
    return size - size % _RECORD.size


def _key(segment: Path) -> str:
    return f"{segment.parent.name}/{segment.name}"
