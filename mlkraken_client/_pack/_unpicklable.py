"""Find which part of an object cannot be pickled, and say how to reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["culprit"]

_DEPTH = 12


def culprit(value: Any, name: str, try_pickle: Callable[[Any], None]) -> tuple[str, Any]:
    """Return the path to the innermost part that cannot be pickled, and that part.

    Parameters
    ----------
    value
        The object.
    name
        What the path begins with.
    try_pickle
        Raises when its argument cannot be pickled.
    """
    seen = {id(value)}
    for _ in range(_DEPTH):
        for step, part in _parts(value):
            if id(part) not in seen and not _pickles(part, try_pickle):
                seen.add(id(part))
                name, value = name + step, part
                break
        else:
            break
    return name, value


def _pickles(value: Any, try_pickle: Callable[[Any], None]) -> bool:
    try:
        try_pickle(value)
    except Exception:  # whatever a __reduce__ of somebody's raises
        return False
    return True


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", part) for key, part in value.items())
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((f"[{place}]", part) for place, part in enumerate(value))
    code = getattr(value, "__code__", None)
    if code is not None:
        yield from _captured(value, code)
    wrapped = getattr(value, "__func__", None)
    if wrapped is not None:
        yield ".__self__", value.__self__
        yield "", wrapped
    for holder in (getattr(value, "__dict__", None), _slots(value)):
        if isinstance(holder, dict) and not isinstance(value, type):
            yield from ((f".{key}", part) for key, part in holder.items())
    if isinstance(value, type):
        yield from (
            (f".{key}", part) for key, part in vars(value).items() if not key.startswith("__")
        )
        return
    yield f" (class {type(value).__qualname__})", type(value)


def _captured(function: Any, code: Any) -> Iterator[tuple[str, Any]]:
    """The variables a function took along: of enclosing functions, and global ones."""
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f" -> variable {name}", cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    for name in _global_names(code):
        if name in function.__globals__:
            yield f" -> global {name}", function.__globals__[name]


def _global_names(code: Any) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            names |= _global_names(constant)
    return names


def _slots(value: Any) -> dict[str, Any]:
    slots = [slot for kind in type(value).__mro__ for slot in getattr(kind, "__slots__", ())]
    return {slot: getattr(value, slot) for slot in slots if hasattr(value, slot)}
