"""A record per query: on disk soon, in whole records, never more than is kept."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from mlkraken_serving._records import (
    FLUSH_S,
    KEPT_BYTES,
    RECORD,
    SEGMENT_BYTES,
    RecordWriter,
)

ONE = {"sent_at": 1.5, "response_ms": 2.5, "model_ms": 0.5, "rows": 3, "status": 200}


def add(writer: RecordWriter, request_id: str = "r", **changes: Any) -> None:
    writer.add(**{**ONE, "request_id": request_id, **changes})


def written(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("*.rec"))]


def test_a_record_is_64_bytes_in_the_documented_order(tmp_path: Path) -> None:
    async def main() -> None:
        writer = RecordWriter(tmp_path / "deep" / "times", "r-1", 7)
        add(writer, "abc")
        add(writer, "x" * 50)
        writer.close()

    asyncio.run(main())
    (raw,) = written(tmp_path / "deep" / "times")
    assert RECORD.size == 64
    first, second = RECORD.iter_unpack(raw)
    assert first == (1.5, 2.5, 0.5, 3, 7, 200, 0, b"abc".ljust(36, b"\0"))
    assert second[-1] == b"x" * 36


def test_two_replicas_never_share_a_segment(tmp_path: Path) -> None:
    async def main() -> None:
        for replica in ("r-1", "r-2"):
            writer = RecordWriter(tmp_path, replica, 1)
            add(writer)
            writer.close()

    asyncio.run(main())
    names = [path.name for path in tmp_path.iterdir()]
    assert {name.partition("-")[2] for name in names} == {"r-1.rec", "r-2.rec"}
    assert all(len(name.partition("-")[0]) == 13 for name in names)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())


def test_a_record_is_on_disk_without_anybody_flushing(tmp_path: Path) -> None:
    async def main() -> None:
        writer = RecordWriter(tmp_path, "r-1", 1)
        for _ in range(3):
            add(writer)
            due = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(FLUSH_S + 0.001, due.set_result, None)
            await due  # timers fire in the order of their times
        assert [len(raw) for raw in written(tmp_path)] == [3 * RECORD.size]

    assert FLUSH_S <= 0.05
    asyncio.run(main())


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    async def main() -> None:
        writer = RecordWriter(tmp_path, "r-1", 1)
        for number in range(SEGMENT_BYTES // RECORD.size + 5):
            add(writer, str(number))
            if number % 10_000 == 0:
                writer.flush()
        writer.flush()
        add(writer, "last")
        writer.close()

    asyncio.run(main())
    segments = written(tmp_path)
    assert len(segments) == 2
    assert len(segments[0]) >= SEGMENT_BYTES
    assert RECORD.unpack(segments[1])[-1].rstrip(b"\0") == b"last"


def test_the_oldest_segments_go_first(tmp_path: Path) -> None:
    for number in range(20):
        with (tmp_path / f"{number:013d}-r-0.rec").open("wb") as segment:
            segment.truncate(SEGMENT_BYTES)  # sparse: takes no room

    async def main() -> None:
        writer = RecordWriter(tmp_path, "r-1", 1)
        add(writer)
        writer.close()

    asyncio.run(main())
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert len(kept) == KEPT_BYTES // SEGMENT_BYTES + 1
    assert kept[0].startswith(f"{20 - KEPT_BYTES // SEGMENT_BYTES:013d}")
    assert kept[-1].endswith("r-1.rec")


def test_a_folder_that_cannot_be_written_is_logged_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "times").write_text("a file in the way")

    async def main() -> None:
        writer = RecordWriter(tmp_path / "times", "r-1", 1)
        for _ in range(3):
            add(writer)
            writer.flush()
        (tmp_path / "times").unlink()
        add(writer, "after")
        writer.close()

    asyncio.run(main())
    assert len(caplog.records) == 1
    (raw,) = written(tmp_path / "times")
    assert RECORD.unpack(raw)[-1].rstrip(b"\0") == b"after"


def test_a_full_disk_leaves_whole_records_only(tmp_path: Path) -> None:
    source = """
        import asyncio, resource, sys
        from pathlib import Path
        from mlkraken_serving._records import RecordWriter

        async def main():
            writer = RecordWriter(Path(sys.argv[1]), "r-1", 1)
            for _ in range(4):
                for _ in range(3):
                    writer.add(sent_at=1.0, response_ms=1.0, model_ms=1.0, rows=1, status=200,
                               request_id="r")
                writer.flush()
            resource.setrlimit(resource.RLIMIT_FSIZE, (2**30, 2**30))
            writer.add(sent_at=2.0, response_ms=1.0, model_ms=1.0, rows=1, status=200,
                       request_id="after")
            writer.close()

        # The kernel refuses what goes beyond, as it does on a full disk: first in part.
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 5 + 20, 2**30))
        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source), str(tmp_path)],
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    (raw,) = written(tmp_path)
    records = list(RECORD.iter_unpack(raw))
    assert [record[0] for record in records] == [1.0] * 5 + [2.0]
    assert records[-1][-1].rstrip(b"\0") == b"after"
    assert done.stderr.count("not recorded") == 1
