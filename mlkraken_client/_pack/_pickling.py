"""Pickle a model by value where it was defined in the notebook, and note what it refers to."""

from __future__ import annotations

import dis
import io
import types
from collections.abc import Iterator
from typing import Any

from mlkraken_client._errors import PackError
from mlkraken_client._pack._unpicklable import culprit

__all__ = ["Pickled", "pickle_model"]


class Pickled:
    """A pickled model.

    Parameters
    ----------
    data
        The pickle.
    modules
        Names of the modules its loading or running will import.
    """

    def __init__(self, data: bytes, modules: frozenset[str]) -> None:
        self.data = data
        self.modules = modules


def pickle_model(model: Any, name: str = "model") -> Pickled:
    """Return ``model`` pickled, together with the modules it needs.

    Raises
    ------
    PackError
        ``unpicklable``, naming the way to the part that cannot be pickled.
    """
    kind = _noting_pickler()
    buffer = io.BytesIO()
    pickler = kind(buffer)
    try:
        pickler.dump(model)
    except Exception as error:  # any __reduce__ and __getstate__ may raise anything
        path, part = culprit(model, name, _try_pickle)
        raise PackError(
            "unpicklable",
            f"The model cannot be packed: {path} is a {_type_name(part)}, which cannot be pickled "
            f"({type(error).__name__}: {error}).",
            "Open connections, locks and files in a load step or inside predict instead of "
            "keeping them in the model, or leave the attribute out in __getstate__.",
        ) from error
    return Pickled(buffer.getvalue(), frozenset(pickler.modules))


def _noting_pickler() -> Any:
    import cloudpickle

    class NotingPickler(cloudpickle.Pickler):  # type: ignore[misc]
        """cloudpickle that remembers which modules were named."""

        def __init__(self, file: io.BytesIO) -> None:
            super().__init__(file, protocol=5)
            self.modules: set[str] = set()

        def reducer_override(self, obj: Any) -> Any:
            self.modules.update(_modules_of(obj))
            return super().reducer_override(obj)

    return NotingPickler


def _modules_of(obj: Any) -> Iterator[str]:
    if isinstance(obj, types.ModuleType):
        yield obj.__name__
    elif isinstance(obj, types.FunctionType):
        yield _named(obj)
        yield from _imports_in(obj.__code__)
    elif isinstance(obj, type):
        yield _named(obj)
    else:
        yield _named(type(obj))


def _named(thing: Any) -> str:
    """Return the module that a class or function names; compiled classes may name none."""
    module = thing.__module__
    return module if isinstance(module, str) else ""


def _imports_in(code: types.CodeType) -> Iterator[str]:
    """Names imported by a function's own import statements."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME" and instruction.argval:
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _imports_in(constant)


def _try_pickle(value: Any) -> None:
    import cloudpickle

    cloudpickle.dumps(value)


def _type_name(value: Any) -> str:
    kind = type(value)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
