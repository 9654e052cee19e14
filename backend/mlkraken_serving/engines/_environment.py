"""Whether the interpreter here is the one a bundle was packed for."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from mlkraken_serving._errors import BundleError, EnvironmentMismatch
from mlkraken_serving._manifest import Bundle

__all__ = ["check_environment"]


def check_environment(bundle: Bundle) -> None:
    """Compare this interpreter with the bundle's lock.

    The minor version of Python must be the same, because pickled code is bytecode; every locked
    package must be installed in the locked version.

    Raises
    ------
    EnvironmentMismatch
        ``python_mismatch``, ``requirement_missing`` or ``requirement_mismatch``.
    """
    _check_python(bundle.manifest.environment.python.version)
    lock = bundle.manifest.environment.lock
    if lock:
        _check_lock(bundle.path(lock))


def _check_python(packed: str) -> None:
    here = platform.python_version()
    if packed and packed.split(".")[:2] != here.split(".")[:2]:
        wanted = ".".join(packed.split(".")[:2])
        raise EnvironmentMismatch(
            "python_mismatch",
            f"The model was packed under Python {packed} and cannot be loaded under {here}.",
            f"Serve it with Python {wanted}, or deploy it again from Python {here}.",
        )


def _check_lock(lock: Path) -> None:
    missing, other = [], []
    for line in _lines(lock):
        requirement = _requirement(line)
        if requirement is None or (requirement.marker and not requirement.marker.evaluate()):
            continue
        try:
            installed = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            missing.append(str(requirement))
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            other.append(f"{requirement} (here: {installed})")
    if missing:
        raise EnvironmentMismatch(
            "requirement_missing",
            f"Not installed where the model is served: {', '.join(missing)}.",
            f"Install it there: pip install {' '.join(missing)}",
        )
    if other:
        raise EnvironmentMismatch(
            "requirement_mismatch",
            f"Installed in another version than the model was packed with: {', '.join(other)}.",
            "Install the packed versions where the model is served, or deploy the model again.",
        )


def _lines(lock: Path) -> list[str]:
    try:
        return lock.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(
            "bundle_corrupt", f"{lock.name} cannot be read: {error}.", "Deploy the model again."
        ) from error


def _requirement(line: str) -> Requirement | None:
    text = line.partition("#")[0].strip()
    if not text:
        return None
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise BundleError(
            "bundle_corrupt",
            f"requirements.lock has a line that is not a requirement: {text!r}.",
            "Deploy the model again.",
        ) from error
