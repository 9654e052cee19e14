"""The parity receipt: does the model answer here what it answered in the notebook?

The bundle carries an example and the notebook's own answers. At every start the example is
predicted and compared.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from mlkraken_serving._errors import BodyError, BundleError, InputError
from mlkraken_serving._manifest import Bundle, Field, Signature
from mlkraken_serving._values import ModelInput, Table, Tensor
from mlkraken_serving.codecs._arrow import read_arrow
from mlkraken_serving.codecs._columns import ColumnReader
from mlkraken_serving.codecs._json_in import InputReader
from mlkraken_serving.codecs._json_out import describe
from mlkraken_serving.engines._port import Engine

__all__ = ["Receipt", "check_parity", "read_example"]

ANSWER = "answer"
"""Name of the only column where the answers are not a table."""

_AS_THEY_ARE = ("datetime", "timedelta", "bytes")
log = logging.getLogger("mlkraken.serving")


class Receipt(msgspec.Struct, frozen=True):
    """Outcome of the comparison.

    ``equal`` is to the last bit; ``close`` is within the tolerance: the last bits of sums differ
    with the layout of memory, in the notebook too. ``rows`` is how many answers were compared,
    ``detail`` says what differs.
    """

    verdict: Literal["equal", "close", "differs", "none"]
    rows: int = 0
    detail: str = ""

    def in_public(self) -> Receipt:
        """Return it without the answers in ``detail``, for those who may not ask the model."""
        return Receipt(self.verdict, self.rows, self.detail and "the log tells which answer")


def check_parity(bundle: Bundle, engine: Engine, tolerance: float | None = None) -> Receipt:
    """Predict the bundle's example and compare with the notebook's answers.

    Parameters
    ----------
    bundle, engine
        What is served, and what answers for it.
    tolerance
        Relative difference that still counts as close; the example's own when None.

    Raises
    ------
    BundleError
        ``example_unreadable``.
    ModelError
        The model refuses its own example here.
    """
    example = bundle.manifest.example
    if example is None or not example.input:
        return Receipt("none")
    data = read_example(bundle.path(example.input), bundle.manifest.signature)
    answer = engine.predict(data)
    if not example.output:
        return Receipt("none", data.rows)
    compare = _comparison(answer, bundle.path(example.output))
    bits = compare(0.0)
    if not bits:
        return Receipt("equal", data.rows)
    difference = compare(example.tolerance if tolerance is None else tolerance)
    if not difference:
        log.info("the example is answered but for last bits as in the notebook: %s", bits)
        return Receipt("close", data.rows, bits)
    log.warning("the example is answered differently than in the notebook: %s", difference)
    return Receipt("differs", data.rows, difference)


def read_example(path: Path, signature: Signature) -> ModelInput:
    """Read an example file (Arrow, ``.npy`` or JSON) as the model's input."""
    try:
        if path.suffix == ".npy":
            import numpy as np

            return Tensor(np.load(path, allow_pickle=False))
        if path.suffix == ".json":
            return InputReader(signature).read(json.loads(path.read_bytes()), exact=True)
        return _unpacked(_columns(path), signature)
    except (InputError, OSError, ValueError, KeyError, EOFError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> BundleError:
    return BundleError(
        "example_unreadable", f"{path.name} cannot be read: {error}.", "Deploy the model again."
    )


def _columns(path: Path) -> dict[str, list[Any]]:
    """Return an Arrow file's columns; times stay whole numbers of their unit."""
    table = read_arrow(path.read_bytes())
    return {name: column.cells() for name, column in table.columns.items()}


def _unpacked(columns: Mapping[str, list[Any]], signature: Signature) -> Table:
    """Undo what Arrow cannot carry: nested cells, decimals and dates travel as text."""
    cells = {field.name: _cells(field, columns[field.name]) for field in signature.fields}
    return Table(cells, max(map(len, cells.values()), default=0), signature)


def _cells(field: Field, cells: list[Any]) -> list[Any]:
    if field.dtype in _AS_THEY_ARE:
        return cells
    if field.dtype in ("json", "any"):
        cells = [None if cell is None else json.loads(cell) for cell in cells]
    return ColumnReader(field).cells(cells, exact=False)


def _comparison(answer: Any, expected: Path) -> Callable[[float], str]:
    """Return what names the first difference beyond a tolerance, or "" where there is none."""
    try:
        if expected.suffix == ".npy":
            return _array_comparison(answer, expected)
        plain = describe(answer)[0]
        if expected.suffix == ".json":
            wanted = [json.loads(expected.read_bytes())]
            return lambda tolerance: _first_difference([plain], wanted, tolerance)
        columns = _columns(expected)
    except (BodyError, OSError, ValueError, EOFError) as error:
        raise _unreadable(expected, error) from error
    if not isinstance(plain, list):
        return lambda tolerance: "one answer instead of one a row"
    if list(columns) == [ANSWER]:
        return lambda tolerance: _first_difference(plain, columns[ANSWER], tolerance)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return lambda tolerance: _first_difference(plain, rows, tolerance)


def _array_comparison(answer: Any, expected: Path) -> Callable[[float], str]:
    import numpy as np

    wanted = np.load(expected, allow_pickle=False)
    got = np.asarray(answer)
    if got.shape != wanted.shape:
        return lambda tolerance: f"shape {got.shape} instead of {wanted.shape}"
    here, there = got.ravel().tolist(), wanted.ravel().tolist()
    return lambda tolerance: _first_difference(here, there, tolerance)


def _first_difference(got: Sequence[Any], wanted: Sequence[Any], tolerance: float) -> str:
    if len(got) != len(wanted):
        return f"{len(got)} answers instead of {len(wanted)}"
    for number, (here, there) in enumerate(zip(got, wanted, strict=True)):
        if not _same(here, there, tolerance):
            if isinstance(here, list) and isinstance(there, list):
                return _first_difference(here, there, tolerance)
            return f"answer {number} is {here!r} here and was {there!r} there"
    return ""


def _same(here: Any, there: Any, tolerance: float) -> bool:
    if _missing(here) or _missing(there):
        return _missing(here) and _missing(there)
    if isinstance(here, float) and isinstance(there, float):
        return here == there or math.isclose(here, there, rel_tol=tolerance)
    if isinstance(here, (list, tuple)) and isinstance(there, (list, tuple)):
        return len(here) == len(there) and all(
            _same(mine, other, tolerance) for mine, other in zip(here, there, strict=True)
        )
    if isinstance(here, dict) and isinstance(there, dict):
        return here.keys() == there.keys() and all(
            _same(here[key], there[key], tolerance) for key in here
        )
    return bool(here == there)


def _missing(value: Any) -> bool:
    """None and NaN are one in a column of Arrow or JSON."""
    return value is None or (isinstance(value, float) and math.isnan(value))
