"""Bundles in a folder: ``uploads/<id>/`` while they come, ``sha256-<digest>/`` for good."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlkraken_backend._errors import Invalid, NotFound, StorageCorrupt, StorageError, StorageFull
from mlkraken_backend.ports import Slot
from mlkraken_backend.values import Upload

__all__ = ["FileArtifacts", "mapped"]

_CHUNK = 1 << 20


class FileArtifacts:
    """See `Artifacts`.

    Parameters
    ----------
    root
        The folder; made when missing.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        with mapped(root):
            (root / "uploads").mkdir(parents=True, exist_ok=True)

    def slots(self, upload: Upload) -> list[Slot]:
        base = f"/api/v1/models/{upload.model}/versions/{upload.id}/files"
        return [
            Slot(file["path"], "PUT", f"{base}/{quote(file['path'])}")
            for file in upload.manifest["files"]
        ]

    async def receive(self, upload: Upload, path: str, chunks: AsyncIterator[bytes]) -> None:
        size = _entry(upload, path)["size"]
        target = self._incoming(upload.id) / path
        with mapped(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                await _write(target, size, path, chunks)
            except BaseException:
                with contextlib.suppress(OSError):
                    target.unlink(missing_ok=True)
                raise

    def commit(self, upload: Upload, digest: str) -> None:
        folder, target = self._incoming(upload.id), self._folder(digest)
        if target.is_dir():
            self.discard(upload.id)
            return
        problem = _problem(folder, upload.manifest["files"])
        if problem:
            raise Invalid(
                "file_missing" if problem.endswith("missing") else "file_differs",
                f"The upload is not complete: {problem}.",
                "Send the file again, or deploy again.",
            )
        with mapped(folder):
            folder.mkdir(parents=True, exist_ok=True)
            manifest = {**upload.manifest, "digest": digest}
            text = json.dumps(manifest, ensure_ascii=False, indent=1)
            (folder / "kraken.json").write_text(text, "utf-8")
            _sync_tree(folder)
            folder.rename(target)
            _sync(self._root)

    def discard(self, upload_id: str) -> None:
        with mapped(self._root):
            _remove_tree(self._incoming(upload_id))

    def has(self, digest: str) -> bool:
        return self._folder(digest).is_dir()

    def locate(self, digest: str) -> str:
        folder = self._folder(digest)
        problem = self._damage(folder, digest)
        if not problem:
            return str(folder)
        aside = self._root / f"corrupt-{folder.name}-{time.strftime('%Y%m%dT%H%M%S')}"
        with mapped(folder):
            if folder.exists():
                folder.rename(aside)
        raise StorageCorrupt(
            "bundle_corrupt",
            f"The bundle {digest[:19]} is damaged: {problem}."
            + (f" It was moved to {aside}." if aside.exists() else ""),
            "Deploy the model again, or bring the file back from a backup.",
        )

    def source(self, digest: str, path: str) -> str:
        folder = self._folder(digest).resolve()
        target = (folder / path).resolve()
        if not target.is_relative_to(folder) or not target.is_file():
            raise NotFound("file_not_found", f"The bundle {digest[:19]} has no file {path!r}.", "")
        return str(target)

    def remove(self, digest: str) -> None:
        with mapped(self._root):
            _remove_tree(self._folder(digest))

    def digests(self) -> list[str]:
        return [
            folder.name.replace("-", ":", 1)
            for folder in self._root.iterdir()
            if folder.name.startswith("sha256-")
        ]

    def _damage(self, folder: Path, digest: str) -> str:
        try:
            manifest = json.loads((folder / "kraken.json").read_bytes())
            if manifest["digest"] != digest:
                return "kraken.json names another digest"
            return _problem(folder, manifest["files"])
        except FileNotFoundError:
            return "kraken.json is missing"
        except (ValueError, KeyError, TypeError):
            return "kraken.json cannot be read"

    def _incoming(self, upload_id: str) -> Path:
        return self._root / "uploads" / upload_id

    def _folder(self, digest: str) -> Path:
        return self._root / digest.replace(":", "-", 1)


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Turn the system's errors about files into ours."""
    try:
        yield
    except OSError as error:
        place = error.filename or path
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                "storage_full",
                f"There is no room left to write {place}.",
                "Free some space, or choose another home (MLKRAKEN_HOME); nothing was changed.",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StorageError(
                "storage_read_only",
                f"{place} cannot be written: {error.strerror}.",
                "Give yourself write access, or choose another home: MLKRAKEN_HOME=/path.",
            ) from error
        raise StorageError(
            "storage_failed", f"{place}: {error.strerror}.", "The backend's log has more."
        ) from error


async def _write(target: Path, size: int, path: str, chunks: AsyncIterator[bytes]) -> None:
    written = 0
    with target.open("wb") as file:
        async for chunk in chunks:
            written += len(chunk)
            if written > size:
                raise Invalid(
                    "file_too_long",
                    f"{path} is longer than the {size} bytes the manifest announces.",
                    "Deploy again.",
                )
            file.write(chunk)


def _entry(upload: Upload, path: str) -> dict[str, Any]:
    for file in upload.manifest["files"]:
        if file["path"] == path:
            found: dict[str, Any] = file
            return found
    raise Invalid(
        "file_unexpected",
        f"The bundle's manifest has no file {path!r}.",
        "Name every file in the manifest.",
    )


def _problem(folder: Path, files: list[dict[str, Any]]) -> str:
    """Say what is wrong with the first file that is not what the manifest says."""
    for file in files:
        path = folder / file["path"]
        try:
            size = path.stat().st_size
        except OSError:
            return f"{file['path']} is missing"
        if size != file["size"]:
            return f"{file['path']} has {size} bytes instead of {file['size']}"
        if _sha256(path) != file["sha256"]:
            return f"{file['path']} has another sha256"
    return ""


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_tree(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
