"""A bundle's folder: written once, named by the digest of its contents."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlkraken_client._errors import PackError
from mlkraken_client._pack._compiled import compilation
from mlkraken_client._pack._environment import describe_python, lock
from mlkraken_client._pack._example import Example, answer_example
from mlkraken_client._pack._flavors import recognise
from mlkraken_client._pack._modules import installed_modules, local_files
from mlkraken_client._pack._pickling import pickle_model
from mlkraken_client._pack._provenance import provenance
from mlkraken_client._pack._source import Source
from mlkraken_client._signature import from_estimator

__all__ = ["Bundle", "digest_of", "pack", "read_bundle"]

FORMAT = 1
"""Bundle format written here."""

_NOT_CONTENT = frozenset(["name", "provenance", "digest"])
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk.

    Parameters
    ----------
    folder
        Where it is.
    manifest
        Its ``kraken.json``.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def digest(self) -> str:
        """What the bundle is known by."""
        return digest_of(self.manifest)

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(int(file["size"]) for file in self.manifest["files"])


def digest_of(manifest: Mapping[str, Any]) -> str:
    """Return the sha256 over all of a manifest but name and provenance."""
    content = {key: value for key, value in manifest.items() if key not in _NOT_CONTENT}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def pack(
    model: Any,
    name: str,
    folder: Path,
    *,
    example: Any = None,
    requirements: str | Path | Iterable[str] | None = None,
    code: Iterable[str | Path] = (),
    batch: bool | None = None,
    compile: bool = False,
) -> Bundle:
    """Write a bundle of ``model`` into the empty ``folder``.

    Parameters
    ----------
    model
        A fitted estimator, a function, or the path of a saved model or bundle.
    name
        Name the model goes by.
    folder
        Made when missing.
    example
        Input like the model's; its types become the signature and its answers the receipt.
    requirements
        Requirements beyond those found, or a file of them.
    code
        Files and folders of modules to take along, beyond those found.
    batch
        Whether rows of different queries may be predicted together; None finds out.
    compile
        Whether to add a compiled form of the model, if it is proven to answer the same.

    Raises
    ------
    PackError
        What is wrong with the model or the example.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if _is_bundle(model):
        return _copied(Path(model).expanduser(), name, folder)
    source = recognise(model)
    example = None if example is None else source.prepared(example)
    answered = None if example is None else answer_example(source, example)
    entry, modules = _write_model(source, folder)
    files = local_files(modules, code)
    for path, origin in files.items():
        _copy(origin, folder / "code" / path)
    signature = answered.signature if answered else source.signature or from_estimator(source.model)
    compiled = compilation(source, example, signature, compile)
    modules |= compiled.modules
    if signature["kind"] in ("dataframe", "series"):
        modules |= {"pandas"}
    _write(folder / "requirements.lock", lock(installed_modules(modules), requirements).encode())
    for path, content in {**(answered.files if answered else {}), **compiled.files}.items():
        _write(folder / path, content)
    return _finish(
        folder,
        {
            "format": FORMAT,
            "name": name,
            "runtime": "python",
            "flavor": source.flavor,
            "entry": {**entry, "batch": _joins(source, answered, batch)},
            "signature": signature,
            "environment": _environment(source),
            "example": answered.manifest() if answered else None,
            "compiled": compiled.document,
            "provenance": {**provenance(), **compiled.provenance},
        },
    )


def read_bundle(folder: Path) -> Bundle:
    """Return the bundle in ``folder``, checked file by file.

    Raises
    ------
    PackError
        ``bundle_corrupt``, naming the file.
    """
    try:
        manifest = json.loads((folder / "kraken.json").read_bytes())
        files = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PackError(
            "bundle_corrupt", f"{folder} is no readable bundle: {error}.", "Pack the model again."
        ) from error
    for file in files:
        path = folder / file["path"]
        if not path.is_file() or _sha256(path) != file["sha256"]:
            raise PackError(
                "bundle_corrupt",
                f"{file['path']} in the bundle {folder} is missing or was changed.",
                "Pack the model again.",
            )
    return Bundle(folder, manifest)


def _is_bundle(model: Any) -> bool:
    if not isinstance(model, (str, os.PathLike)):
        return False
    return (Path(os.fspath(model)).expanduser() / "kraken.json").is_file()


def _copied(source: Path, name: str, folder: Path) -> Bundle:
    bundle = read_bundle(source)
    for file in bundle.manifest["files"]:
        _copy(source / file["path"], folder / file["path"])
    manifest = {**bundle.manifest, "name": name}
    _write_manifest(folder, manifest)
    return Bundle(folder, manifest)


def _write_model(source: Source, folder: Path) -> tuple[dict[str, Any], frozenset[str]]:
    """Put the model into ``model/``; return the entry, and the modules it needs."""
    modules = source.modules
    if source.path is not None:
        relative = f"model/{source.path.name}" if source.path.is_file() else "model"
        _copy(source.path, folder / relative)
        if source.loader in ("pickle", "joblib"):  # others name no modules of the user's own
            modules |= pickle_model(source.model).modules
    elif source.content is not None:
        relative = f"model/{source.content[0]}"
        _write(folder / relative, source.content[1])
    else:
        pickled = pickle_model(source.model)
        relative = "model/model.pkl"
        _write(folder / relative, pickled.data)
        modules |= pickled.modules | {"cloudpickle"}
    return {"loader": source.loader, "path": relative, "call": source.call}, modules


def _environment(source: Source) -> dict[str, Any]:
    known = {"python": describe_python(), "lock": "requirements.lock"}
    return {**known, "variables": source.variables} if source.variables else known


def _joins(source: Source, answered: Example | None, batch: bool | None) -> bool:
    if batch is not None:
        return batch
    known = answered.rowwise if answered else None
    return source.rowwise if known is None else known


def _finish(folder: Path, manifest: dict[str, Any]) -> Bundle:
    files = [
        {
            "path": path.relative_to(folder).as_posix(),
            "sha256": _sha256(path),
            "size": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    whole = {key: value for key, value in manifest.items() if value is not None} | {"files": files}
    _write_manifest(folder, whole)
    return Bundle(folder, whole)


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    document = {**manifest, "digest": digest_of(manifest)}
    text = json.dumps(document, ensure_ascii=False, indent=1)
    _write(folder / "kraken.json", text.encode())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
