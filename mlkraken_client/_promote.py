"""Bring a version from one backend to another: the same bytes, so the same digest."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from urllib.parse import quote

from mlkraken_client._connection import Connection
from mlkraken_client._deploy import Wish, send_bundle
from mlkraken_client._pack import read_bundle
from mlkraken_client._progress import progress
from mlkraken_client._service import Service

__all__ = ["promote"]

_CHUNK = 1 << 20


def promote(
    here: Connection, name: str, there: Connection, version: int | None, timeout: float
) -> Service:
    """Fetch a version's files, check them, and send them on; see `Kraken.promote`."""
    line = progress(f"promoting {name}")
    with line, tempfile.TemporaryDirectory(prefix="mlkraken-") as folder:
        line.step("fetching")
        bundle = Path(folder)
        path = f"/models/{name}/versions/{version or 'live'}"
        manifest = here.call("GET", f"{path}/manifest")
        for file in manifest["files"]:
            _fetch(here, f"/api/v1{path}/files/{quote(file['path'])}", bundle / file["path"])
        (bundle / "kraken.json").write_text(json.dumps(manifest, ensure_ascii=False), "utf-8")
        return send_bundle(there, read_bundle(bundle), name, Wish(timeout=timeout), line)


def _fetch(here: Connection, path: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    answer = here.send("GET", path, stream=True, timeout_s=600.0)
    with target.open("wb") as file:
        for chunk in answer.stream(_CHUNK):
            file.write(chunk)
    answer.release_conn()
