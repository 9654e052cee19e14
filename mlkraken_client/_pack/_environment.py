"""Which packages a model needs, pinned as they are here."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from mlkraken_client._errors import PackError

__all__ = ["describe_python", "lock"]

# Import names that differ from the distribution's; saves reading every installed RECORD.
_KNOWN = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "yaml": "pyyaml",
    "dateutil": "python-dateutil",
    "bs4": "beautifulsoup4",
}


def describe_python() -> dict[str, str]:
    """Return the interpreter as the manifest carries it."""
    return {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
    }


def lock(modules: Iterable[str], requirements: str | Path | Iterable[str] | None) -> str:
    """Return the text of ``requirements.lock``: every package needed, pinned, one a line.

    Parameters
    ----------
    modules
        Top-level import names that the model refers to.
    requirements
        The user's own: lines, or a file of them. They go in as they are written and take
        precedence over what is found.

    Raises
    ------
    PackError
        ``requirements_invalid``.
    """
    wanted = _given(requirements)
    roots = [name for module in sorted(modules) for name in _distributions_of(module)]
    pins = _closure([*roots, *wanted])
    lines = {name: f"{name}=={version}" for name, version in pins.items()}
    lines |= {name: str(line) for name, line in wanted.items()}
    return "".join(f"{lines[name]}\n" for name in sorted(lines))


def _given(requirements: str | Path | Iterable[str] | None) -> Mapping[str, Any]:
    from packaging.requirements import InvalidRequirement, Requirement

    if requirements is None:
        return {}
    if isinstance(requirements, (str, Path)):
        lines = _read(Path(requirements).expanduser())
    else:
        lines = list(requirements)
    wanted = {}
    for line in lines:
        text = line.partition("#")[0].strip()
        if not text or text.startswith("-"):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise PackError(
                "requirements_invalid",
                f"{text!r} is not a requirement.",
                "Write them like pip: requirements=['scikit-learn>=1.4', 'mypackage==2.0'].",
            ) from error
        wanted[_normal(requirement.name)] = requirement
    return wanted


def _read(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except OSError as error:
        raise PackError(
            "requirements_invalid",
            f"The requirements file {path} cannot be read: {error.strerror}.",
            "Pass a list of requirements, or the path of a file of them.",
        ) from error


def _distributions_of(module: str) -> list[str]:
    guess = _KNOWN.get(module, module)
    try:
        return [_normal(metadata.distribution(guess).name)]
    except metadata.PackageNotFoundError:
        found = metadata.packages_distributions().get(module, [])
        return [_normal(name) for name in dict.fromkeys(found)]


def _closure(roots: Iterable[str]) -> dict[str, str]:
    """Return the versions of the installed roots and of all they require here."""
    from packaging.requirements import Requirement

    pins: dict[str, str] = {}
    waiting = list(roots)
    while waiting:
        name = _normal(waiting.pop())
        if name in pins:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # an optional one that is not here, or a wish of the user's
        pins[name] = distribution.version
        for text in distribution.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return pins


def _normal(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)
