"""The user's own modules that a model needs, and where they go in a bundle."""

from __future__ import annotations

import ast
import importlib.util
import sys
import sysconfig
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlkraken_client._errors import PackError

__all__ = ["installed_modules", "local_files"]

_MOST_BYTES = 50 * 2**20
_SKIPPED = frozenset(["__pycache__", ".git", ".ipynb_checkpoints", ".venv", "node_modules"])
_PARSING = threading.Lock()
"""The parser of CPython 3.11 does not stand threads that parse at the same time."""

_OURS = frozenset(["mlkraken_client", "mlkraken_jupyter", "mlkraken_serving", "mlkraken_backend"])


def local_files(modules: Iterable[str], extra: Iterable[str | Path] = ()) -> dict[str, Path]:
    """Return the files of the user's own modules by their path below ``code/``.

    A module is the user's own when it lies neither in the standard library nor among installed
    packages. Modules that these import are taken along; of a package, all of it.

    Parameters
    ----------
    modules
        Names that the model refers to.
    extra
        Files and folders to take along as they are, at the top.

    Raises
    ------
    PackError
        ``code_missing`` or ``code_too_large``.
    """
    files: dict[str, Path] = {}
    for path in extra:
        files |= _given(Path(path).expanduser())
    waiting, seen = [name for name in modules if _worth_a_look(name)], set(_OURS)
    while waiting:
        top = waiting.pop().partition(".")[0]
        if top in seen:
            continue
        seen.add(top)
        found = dict(_module_files(top))
        files = {**found, **files}
        for path in found.values():
            waiting += [name for name in _imported_by(path) if name.partition(".")[0] not in seen]
    _check_size(files)
    return files


def installed_modules(modules: Iterable[str]) -> set[str]:
    """Return the top-level names among ``modules`` that come from installed packages."""
    tops = {name.partition(".")[0] for name in modules} - _OURS - {"", "__main__", "__mp_main__"}
    return {top for top in tops if top not in sys.stdlib_module_names and not _is_local(top)}


def _worth_a_look(name: str) -> bool:
    return bool(name) and name.partition(".")[0] not in ("__main__", "__mp_main__", "builtins")


def _given(path: Path) -> dict[str, Path]:
    if path.is_dir():
        return {f"{path.name}/{file.relative_to(path).as_posix()}": file for file in _tree(path)}
    if path.is_file():
        return {path.name: path}
    raise PackError(
        "code_missing", f"code= names {path}, which does not exist.", "Name files or folders."
    )


def _module_files(top: str) -> Iterator[tuple[str, Path]]:
    if not _is_local(top):
        return
    for place in _places(top):
        if place.is_dir():
            yield from (
                (f"{top}/{file.relative_to(place).as_posix()}", file) for file in _tree(place)
            )
        else:
            yield place.name, place


def _is_local(top: str) -> bool:
    if top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return False
    places = _places(top)
    return bool(places) and not any(_below_installed(place) for place in places)


def _places(top: str) -> list[Path]:
    """Where a top-level module or package lies, without importing it."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations:
        return [Path(place) for place in spec.submodule_search_locations]
    if spec.origin in (None, "built-in", "frozen"):
        return []
    return [Path(str(spec.origin))]


def _below_installed(path: Path) -> bool:
    real = path.resolve()
    roots = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib", "platstdlib")}
    return (
        "site-packages" in real.parts
        or "dist-packages" in real.parts
        or any(real.is_relative_to(Path(root).resolve()) for root in roots if root)
    )


def _tree(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _SKIPPED & set(path.parts) and path.suffix != ".pyc":
            yield path


def _imported_by(path: Path) -> set[str]:
    if path.suffix != ".py":
        return set()
    try:
        with _PARSING:
            tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return set()  # it fails in its own words when the model is loaded
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def _check_size(files: dict[str, Path]) -> None:
    total = sum(path.stat().st_size for path in files.values())
    if total > _MOST_BYTES:
        largest = max(files, key=lambda name: files[name].stat().st_size)
        raise PackError(
            "code_too_large",
            f"The model's own modules are {total >> 20} MB; the largest file is {largest}.",
            "Keep data out of the folder of your modules, or install them as a package.",
        )
