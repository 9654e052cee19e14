"""A model's loose Python values to one numpy array and the places where something is missing.

Nothing is rounded: what has no numpy type of its own (decimals, dates, times of day) becomes
its text, and a mixture that no one type can hold is refused.
"""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from mlkraken_serving._errors import ModelError
from mlkraken_serving.codecs._json_out import describe

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Cells", "array_of", "object_array", "refused"]

Cells: TypeAlias = "tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]"
"""Values, and where they only fill the place of a missing one; None where nothing is missing."""

_EXACT = 2**53


def refused(what: str) -> ModelError:
    """Return the error for an answer that is not made of columns and tensors."""
    return ModelError(
        "result_unserialisable",
        f"The model answered with {what}, which has no form as columns or tensors.",
        "Let it return an array, a DataFrame, a Series, a dictionary of these or of lists, or ask "
        "on the path / for plain JSON.",
    )


def object_array(cells: Sequence[Any], shape: tuple[int, ...] | None = None) -> npt.NDArray[Any]:
    """Return ``cells`` as they are in an array, in ``shape`` or flat."""
    import numpy as np

    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array if shape is None else array.reshape(shape)


def array_of(cells: Sequence[Any], shape: tuple[int, ...]) -> Cells:
    """Return ``cells`` as an array of ``shape``, of the one type that all that is present has.

    The array's dtype is of kind b, i, u or f, or object with text only or bytes only.

    Raises
    ------
    ModelError
        ``result_unserialisable``: no one type holds them all.
    """
    import numpy as np

    absent = [_is_missing(cell) for cell in cells]
    present = [_plain(cell) for cell, missing in zip(cells, absent, strict=True) if not missing]
    kinds = {type(cell) for cell in present}
    floats = kinds <= {int, float} and float in kinds
    if floats or (not present and any(isinstance(cell, float) for cell in cells)):
        # Among floats NaN is a value like any other, and None has no better word.
        return _filled(cells, absent, present, _floats, float("nan")).reshape(shape), None
    make, fill = _maker(kinds)
    array = _filled(cells, absent, present, make, fill).reshape(shape)
    return array, np.array(absent, dtype=bool).reshape(shape) if any(absent) else None


def _maker(kinds: set[type]) -> tuple[Callable[[list[Any]], npt.NDArray[Any]], Any]:
    """Return what makes an array of values of these types, and what fills its gaps."""
    import numpy as np

    if kinds <= {str}:
        return object_array, ""
    if kinds == {bytes}:
        return object_array, b""
    if kinds == {bool}:
        return (lambda values: np.array(values, dtype=bool)), False
    if kinds == {int}:
        return _integers, 0
    names = sorted(kind.__name__ for kind in kinds)
    raise refused(f"values of the types {' and '.join(names)} together")


def _filled(
    cells: Sequence[Any],
    absent: list[bool],
    present: list[Any],
    make: Callable[[list[Any]], npt.NDArray[Any]],
    fill: Any,
) -> npt.NDArray[Any]:
    if len(present) == len(cells):
        return make(present)
    known = iter(present)
    return make([fill if missing else next(known) for missing in absent])


def _integers(values: list[int]) -> npt.NDArray[Any]:
    import numpy as np

    low, high = min(values, default=0), max(values, default=0)
    for dtype in ("int64", "uint64"):
        limits = np.iinfo(dtype)
        if int(limits.min) <= low and high <= int(limits.max):
            return np.array(values, dtype=dtype)
    raise refused("whole numbers that do not fit into 64 bits")


def _floats(values: list[int | float]) -> npt.NDArray[Any]:
    import numpy as np

    if any(type(value) is int and abs(value) > _EXACT for value in values):
        raise refused("floats together with whole numbers that have more digits than a float")
    return np.array(values, dtype="float64")


def _is_missing(cell: Any) -> bool:
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    try:
        return bool(isinstance(cell, float) and cell != cell)  # noqa: PLR0124
    except (TypeError, ValueError):
        return False


def _plain(cell: Any) -> Any:
    """Return a cell as str, bytes, bool, int or float."""
    kind = type(cell)
    if kind in (str, bytes, bool, int, float):
        return cell
    if isinstance(cell, (bytes, bytearray)):
        return bytes(cell)
    if isinstance(cell, (decimal.Decimal, dt.date, dt.time, dt.timedelta)):
        return describe(cell)[0]  # ISO 8601, or the number's own digits
    if kind.__module__ == "numpy" or isinstance(cell, (str, int, float)):
        plain = describe(cell)[0]
        if type(plain) in (str, bool, int, float):
            return plain
    raise refused(f"{kind.__module__}.{kind.__qualname__}")
