"""Cells of one column, checked; errors that name the column, the row and the value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from mlkraken_serving._errors import InputError
from mlkraken_serving._manifest import Field
from mlkraken_serving.codecs._cells import cell_reader, expected

__all__ = ["ColumnReader", "check_names", "quoted", "shown"]

_NAN = float("nan")


class ColumnReader:
    """Reads the cells of one field.

    Parameters
    ----------
    field
        The column's signature.
    place
        Names the place of a cell by its number, for messages.
    """

    def __init__(self, field: Field, place: Callable[[int], str] | None = None) -> None:
        self.field = field
        self.place = place or (lambda number: f"Column {field.name!r}, row {number}")
        self._read = cell_reader(field)

    def cells(self, values: Sequence[Any], *, exact: bool) -> list[Any]:
        """Return the Python values of ``values``.

        Raises
        ------
        InputError
            ``value_mistyped`` or ``value_missing``.
        """
        read, null = self._read, self._null
        try:
            return [null(exact) if cell is None else read(cell) for cell in values]
        except ValueError:
            pass
        if any(map(_is_nan, values)):  # NaN is how pandas marks missing text, too
            known = [None if _is_nan(cell) else cell for cell in values]
            checked = self.cells(known, exact=exact)
            if not exact:
                return checked
            return [
                _NAN if _is_nan(cell) else value
                for cell, value in zip(values, checked, strict=True)
            ]
        raise self._blame(values) from None

    def present(self, values: list[Any]) -> list[Any]:
        """Return ``values``, of the column's own type already, with its kind of missing for None.

        Raises
        ------
        InputError
            ``value_missing``.
        """
        if None not in values:
            return values
        if not self.field.nullable:
            raise self._gone(values.index(None))
        gone = self._null(exact=False)
        return [gone if cell is None else cell for cell in values]

    def _null(self, exact: bool) -> Any:
        if not self.field.nullable:
            raise ValueError("is missing")
        return _NAN if self.field.missing == "nan" and not exact else None

    def _blame(self, values: Sequence[Any]) -> InputError:
        field = self.field
        for number, cell in enumerate(values):
            if cell is None and not field.nullable:
                return self._gone(number)
            try:
                if cell is not None:
                    self._read(cell)
            except ValueError as reason:
                return InputError(
                    "value_mistyped",
                    f"{self.place(number)}: {shown(cell)} {reason}.",
                    f"The column is {field.dtype}: send {expected(field.dtype)}.",
                )
        raise AssertionError("a column was refused of which every cell passes")

    def _gone(self, number: int) -> InputError:
        field = self.field
        kind = field.dtype if field.shape else field.storage or field.dtype
        return InputError(
            "value_missing",
            f"{self.place(number)}: the value is missing, but the column is {kind}, which cannot "
            "hold missing values.",
            "Send a value, or deploy with an example whose column can hold missing values "
            "(float64, Int64, boolean).",
        )


def _is_nan(cell: Any) -> bool:
    return isinstance(cell, float) and cell != cell  # noqa: PLR0124


def check_names(wanted: Collection[str], given: Iterable[str], where: str = "") -> None:
    """Check that a query has the model's columns, each and no other.

    Raises
    ------
    InputError
        ``columns_missing`` or ``columns_unexpected``; ``where`` goes before the message.
    """
    names = dict.fromkeys(given)
    takes = f"the model takes {', '.join(wanted)}."
    if missing := [name for name in wanted if name not in names]:
        verb = "is" if len(missing) == 1 else "are"
        raise InputError(
            "columns_missing",
            f"{where}{quoted(missing)} {verb} missing; {takes}",
            "Send every column, with null where a value is missing.",
        )
    if extra := [name for name in names if name not in wanted]:
        raise InputError(
            "columns_unexpected",
            f"{where}the model does not know {quoted(extra)}; {takes}",
            "Leave out the columns the model was not shown in its example.",
        )


def shown(cell: Any) -> str:
    """A value as a short text for messages."""
    text = repr(cell)
    return text if len(text) <= 60 else text[:57] + "..."


def quoted(names: Sequence[str], most: int = 8) -> str:
    """Names as a short list for messages."""
    text = ", ".join(repr(name) for name in names[:most])
    return text + (f" and {len(names) - most} more" if len(names) > most else "")
