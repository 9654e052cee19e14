"""Arrays of numbers to the dtype a column was signed with: every value kept, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlkraken_serving._errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["cast", "owned"]


def cast(
    array: npt.NDArray[Any], dtype: np.dtype[Any], place: Callable[[int], str]
) -> npt.NDArray[Any]:
    """Return ``array`` with the dtype ``dtype``, as memory of its own that a model may write to.

    Parameters
    ----------
    array
        Numbers or truth values, of any shape.
    dtype
        A numeric dtype; truth values are no numbers and numbers no truth values.
    place
        Names the place of a value by its number in row-major order, for messages.

    Raises
    ------
    InputError
        ``value_mistyped``: a value would change.
    """
    import numpy as np

    if array.dtype == dtype:
        return owned(array)
    kept: Any
    if "b" in (array.dtype.kind, dtype.kind):
        kept = np.zeros(array.shape, dtype=bool)
    elif dtype.kind in "iu":
        kept = _fits_integers(array, dtype)
    else:
        kept = _fits_floats(array, dtype)
    if kept.all():
        return array.astype(dtype)
    number = int(np.argmin(kept.ravel()))
    value = array.ravel()[number].item()
    raise InputError(
        "value_mistyped",
        f"{place(number)}: {value!r} cannot be {dtype.name} without changing it.",
        f"Send values that {dtype.name} can hold, best of all as {dtype.name} themselves.",
    )


def owned(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return ``array``, copied where it looks into the bytes of a request.

    Those cannot be written to and lie at any address, which compiled models do not all take.
    """
    return array if array.flags.writeable and array.flags.aligned else array.copy()


def _fits_integers(array: npt.NDArray[Any], dtype: np.dtype[Any]) -> Any:
    import numpy as np

    limits = np.iinfo(dtype)
    low, high = int(limits.min), int(limits.max)
    if array.dtype.kind in "iu":
        own = np.iinfo(array.dtype)
        return (array >= max(low, int(own.min))) & (array <= min(high, int(own.max)))
    # The bounds as floats are powers of two, so they are exact; NaN is in no range.
    wide = array.astype("float64")
    return (wide >= float(low)) & (wide < float(high + 1)) & (np.floor(wide) == wide)


def _fits_floats(array: npt.NDArray[Any], dtype: np.dtype[Any]) -> Any:
    import numpy as np

    with np.errstate(over="ignore"):
        narrow = array.astype(dtype)
    if array.dtype.kind == "f":
        return (narrow == array) | np.isnan(array)
    whole = 2 ** (np.finfo(dtype).nmant + 1)
    exact = (array <= whole) & (array >= (0 if array.dtype.kind == "u" else -whole))
    for at in np.argwhere(~exact):  # only few beyond have no more digits than the float
        place = tuple(at)
        number = float(narrow[place])
        exact[place] = np.isfinite(number) and int(number) == int(array[place])
    return exact
