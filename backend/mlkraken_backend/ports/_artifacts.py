"""The port for bundles: content-addressed, invisible until committed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from mlkraken_backend.values import Upload

__all__ = ["Artifacts", "Slot"]


class Slot(msgspec.Struct, frozen=True):
    """Where the bytes of one file go. A ``url`` without a host is below the control plane's."""

    path: str
    method: str
    url: str


class Artifacts(Protocol):
    """Keeps bundles by digest.

    Every method raises `StorageFull` (``storage_full``) or `StorageError`
    (``storage_read_only``) when the medium refuses.
    """

    def slots(self, upload: Upload) -> list[Slot]:
        """Return a slot for every file of an upload."""

    async def receive(self, upload: Upload, path: str, chunks: AsyncIterator[bytes]) -> None:
        """Write one file of an upload; may be repeated.

        Raises
        ------
        Invalid
            ``file_unexpected``: the manifest has no such file; ``file_too_long``.
        """

    def commit(self, upload: Upload, digest: str) -> None:
        """Check every file's size and sha256, then make the bundle available; may be repeated.

        Raises
        ------
        Invalid
            ``file_missing`` or ``file_differs``, naming the file; nothing is available then.
        """

    def discard(self, upload_id: str) -> None:
        """Forget an upload that was not committed; harmless when it is gone."""

    def has(self, digest: str) -> bool:
        """Tell whether a bundle is here, without reading it."""

    def locate(self, digest: str) -> str:
        """Return where a runtime finds the bundle.

        Raises
        ------
        StorageCorrupt
            ``bundle_corrupt``: a file is missing or differs from its digest. The bundle has been
            moved aside, and the message says where to.
        """

    def source(self, digest: str, path: str) -> str:
        """Return where one file of a bundle can be read: a path here, or a URL.

        Raises
        ------
        NotFound
            ``file_not_found``.
        """

    def remove(self, digest: str) -> None:
        """Remove a bundle; harmless when it is gone."""

    def digests(self) -> list[str]:
        """Return the digests of all bundles here."""
