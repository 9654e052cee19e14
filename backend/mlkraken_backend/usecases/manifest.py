"""What a bundle's ``kraken.json`` must say before anything is taken in."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any

import msgspec

from mlkraken_backend._errors import Invalid

__all__ = ["check_manifest", "digest_of"]

_FORMAT = 1
"""Newest bundle format this control plane takes."""

_NOT_CONTENT = frozenset(["name", "provenance", "digest"])
_MAKE = "Make it with `mlkraken pack` or kraken.deploy()."
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class _File(msgspec.Struct):
    path: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, msgspec.Meta(ge=0, le=2**50)]


class _Manifest(msgspec.Struct):
    format: int
    name: str
    runtime: str
    flavor: str
    entry: dict[str, Any]
    files: list[_File]
    signature: dict[str, Any] = {}
    environment: dict[str, Any] = {}
    example: dict[str, Any] | None = None
    provenance: dict[str, Any] = {}


def digest_of(manifest: Mapping[str, Any]) -> str:
    """Return the sha256 of all that makes a bundle what it is.

    Name and provenance are left out: the same model under another name, or packed again a day
    later, is the same bundle.
    """
    content = {key: value for key, value in manifest.items() if key not in _NOT_CONTENT}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def check_manifest(manifest: Mapping[str, Any], kinds: frozenset[str]) -> None:
    """Refuse a manifest that cannot become a version here.

    Parameters
    ----------
    manifest
        As it was sent.
    kinds
        Bundle runtimes this control plane can run.

    Raises
    ------
    Invalid
        ``manifest_invalid``, ``bundle_too_new`` or ``runtime_unknown``.
    """
    try:
        known = msgspec.convert(dict(manifest), _Manifest)
    except msgspec.ValidationError as error:
        raise _invalid(f"is not a bundle manifest: {error}.") from error
    _check_paths([file.path for file in known.files])
    if known.format > _FORMAT:
        raise Invalid(
            "bundle_too_new",
            f"The bundle has format {known.format}; this backend takes up to {_FORMAT}.",
            "Upgrade mlkraken where the backend runs.",
        )
    if known.runtime not in kinds:
        raise Invalid(
            "runtime_unknown",
            f"This backend cannot run {known.runtime!r} models.",
            f"It runs {', '.join(sorted(kinds))}.",
        )


def _check_paths(paths: list[str]) -> None:
    for path in paths:
        _check_path(path)
    if len(set(paths)) < len(paths):
        raise _invalid("names a file twice.")
    folders = {str(folder) for path in paths for folder in PurePosixPath(path).parents}
    both = folders.intersection(paths)
    if both:
        raise _invalid(f"names {min(both)!r} both as a file and as a folder.")


def _check_path(text: str) -> None:
    path = PurePosixPath(text)
    if str(path) != text or path.is_absolute() or ".." in path.parts or _UNPRINTABLE.search(text):
        raise _invalid(f"names the file {text!r}, which is not inside the bundle.")
    if text in (".", "kraken.json"):
        raise _invalid(f"names the file {text!r}, which a bundle cannot hold.")


def _invalid(what: str) -> Invalid:
    return Invalid("manifest_invalid", f"kraken.json {what}", _MAKE)
