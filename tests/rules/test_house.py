"""The house's own rules, as far as a program can hold them."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlkraken_backend
import mlkraken_client
import mlkraken_jupyter
import mlkraken_serving

ROOT = Path(__file__).parents[2]
PACKAGES = [mlkraken_backend, mlkraken_client, mlkraken_jupyter, mlkraken_serving]
LONGEST = 250
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError|not implemented)\b", re.IGNORECASE)


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from Path(package.__path__[0]).rglob("*.py")
    for suffix in ("*.ts", "*.tsx"):
        yield from (ROOT / "labextension" / "src").rglob(suffix)


def modules() -> list[str]:
    found = []
    for package in PACKAGES:
        prefix = f"{package.__name__}."
        found += [info.name for info in pkgutil.walk_packages(package.__path__, prefix)]
    return [name for name in found if not name.endswith("__main__")]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_finished_and_named_for_what_it_does(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST
    assert path.stem.strip("_") not in ("utils", "util", "helpers", "misc", "common_utils")
    assert not UNFINISHED.search(text)


@pytest.mark.parametrize("name", modules())
def test_a_module_names_what_it_gives(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    for given in getattr(module, "__all__", []):
        assert hasattr(module, given)


def test_what_the_client_gives_is_decided() -> None:
    assert sorted(mlkraken_client.__all__) == [
        "BackendError",
        "BackendUnavailable",
        "ConfigurationError",
        "Conflict",
        "DeployFailed",
        "InputRefused",
        "InvalidRequest",
        "Kraken",
        "KrakenError",
        "LogLines",
        "LogStream",
        "Model",
        "ModelFailed",
        "ModelList",
        "NotAuthorized",
        "NotFound",
        "PackError",
        "QueryError",
        "ResponseTimeGraph",
        "Service",
        "ServiceNotRunning",
        "Target",
        "Version",
        "WaitTimeout",
        "__version__",
        "ensure_backend",
        "locate",
    ]
    for name in mlkraken_client.__all__:
        assert getattr(mlkraken_client, name) is not None


def test_everything_public_is_explained() -> None:
    for name in mlkraken_client.__all__:
        given = getattr(mlkraken_client, name)
        if isinstance(given, type):
            assert given.__doc__, name
            for part, member in vars(given).items():
                if not part.startswith("_") and callable(member):
                    assert member.__doc__, f"{name}.{part}"


@pytest.mark.parametrize("package", [mlkraken_client, mlkraken_backend, mlkraken_serving])
def test_one_error_tree_a_package(package: object) -> None:
    name = package.__name__  # type: ignore[attr-defined]
    errors = importlib.import_module(f"{name}._errors")
    classes = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, Exception)
        and kind.__module__ == name + "._errors"
    ]
    roots = [kind for kind in classes if kind.__bases__ == (Exception,)]
    assert len(roots) == 1
    assert all(issubclass(kind, roots[0]) for kind in classes)


def test_every_error_has_its_status() -> None:
    from mlkraken_backend import _errors
    from mlkraken_backend.wire._errors import STATUS

    for kind in vars(_errors).values():
        if isinstance(kind, type) and issubclass(kind, _errors.BackendError):
            assert kind is _errors.BackendError or any(issubclass(kind, known) for known in STATUS)


def test_raised_errors_have_a_code_a_message_and_a_hint() -> None:
    for path in sources():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                _check_raise(path, node.exc)


def _check_raise(path: Path, call: ast.Call) -> None:
    name = getattr(call.func, "id", "")
    if not call.args or not isinstance(call.args[0], ast.Constant):
        return
    first = call.args[0].value
    ours = isinstance(first, str) and re.fullmatch(r"[a-z_]+", first) and name[:1].isupper()
    if ours and name not in ("AttributeError", "KeyError", "AssertionError"):
        told = len(call.args) + len(call.keywords)
        assert told >= 3, f"{path.name}:{call.lineno} raises {name} without a message and a hint"
