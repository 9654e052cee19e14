"""One fixed-size record per answered query, appended to segment files.

A record is 64 bytes, little-endian, as `RECORD` packs it; ``docs/architecture.md`` has the
table. Segments are named ``<opened at, ms since 1970>-<replica>.rec`` so that they sort by time.
Writing is buffered for `FLUSH_S`: a query never waits for the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import struct
import time
from pathlib import Path

__all__ = ["FLUSH_S", "RECORD", "RecordWriter"]

RECORD = struct.Struct("<dffIIHH36s")
"""sent_at (s since 1970), response_ms, model_ms, rows, version, status, 0, request id."""

FLUSH_S = 0.05
SEGMENT_BYTES = 65_536 * RECORD.size
KEPT_BYTES = 16 * SEGMENT_BYTES
"""Records kept for one version, about a million; the oldest segments go first."""

log = logging.getLogger("mlkraken.serving")


class RecordWriter:
    """Appends records to the newest segment in ``folder``.

    Parameters
    ----------
    folder
        Where this version's segments go; made when missing.
    replica
        Id of the replica that writes, so that two never share a segment.
    version
        Version number put into every record.
    """

    def __init__(self, folder: Path, replica: str, version: int) -> None:
        self._folder = folder
        self._replica = replica
        self._version = version
        self._buffer = bytearray()
        self._file: int | None = None
        self._written = 0
        self._timer: asyncio.TimerHandle | None = None
        self._silent = False

    def add(
        self,
        sent_at: float,
        response_ms: float,
        model_ms: float,
        rows: int,
        status: int,
        request_id: str,
    ) -> None:
        """Keep one record; it is on disk within `FLUSH_S` seconds."""
        self._buffer += RECORD.pack(
            sent_at, response_ms, model_ms, rows, self._version, status, 0, request_id.encode()[:36]
        )
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Write what is buffered. A full disk costs the records, never the answers."""
        self._timer = None
        chunk, self._buffer = bytes(self._buffer), bytearray()
        if not chunk:
            return
        try:
            self._write(self._segment(), chunk)
            self._silent = False
        except OSError as error:
            if not self._silent:
                log.warning("response times are not recorded: %s", error)
            self._silent = True

    def _write(self, file: int, chunk: bytes) -> None:
        """Append whole records: half a one would make all after it unreadable."""
        done = os.write(file, chunk)
        whole = done - done % RECORD.size
        self._written += whole
        if done < len(chunk):
            os.ftruncate(file, self._written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _segment(self) -> int:
        if self._file is not None and self._written < SEGMENT_BYTES:
            return self._file
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._folder.mkdir(parents=True, exist_ok=True)
        self._drop_oldest()
        name = f"{time.time_ns() // 1_000_000:013d}-{self._replica}.rec"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._file = os.open(self._folder / name, flags, 0o600)
        self._written = 0
        return self._file

    def _drop_oldest(self) -> None:
        segments = sorted(self._folder.glob("*.rec"), reverse=True)
        kept = 0
        for segment in segments:
            with contextlib.suppress(FileNotFoundError):  # another replica drops them, too
                kept += segment.stat().st_size
                if kept > KEPT_BYTES:
                    segment.unlink()
