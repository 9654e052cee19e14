"""CSV as text: rows of cells, by RFC 4180 with any of the usual line ends."""

from __future__ import annotations

import re

from mlkraken_serving._errors import BodyError

__all__ = ["Cell", "read_rows"]

Cell = str | None
"""A cell's text; None for one that is empty and has no quotes."""

_CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|\Z)')


def read_rows(body: bytes) -> list[list[Cell]]:
    """Return the cells of all lines; empty lines at the end are left out.

    Raises
    ------
    BodyError
        ``body_not_csv``, naming the line.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BodyError(
            "body_not_csv", f"The body is not UTF-8 text: {error}.", "Encode the CSV as UTF-8."
        ) from error
    rows = _quoted(text) if '"' in text else _plain(text)
    while rows and rows[-1] == [None]:
        rows.pop()
    if rows:
        _check_lengths(rows)
    return rows


def _plain(text: str) -> list[list[Cell]]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if ",," in text or text.startswith(",") or "\n," in text or ",\n" in text:
        return [[cell or None for cell in line.split(",")] for line in lines]
    return [list(line.split(",")) if line else [None] for line in lines]


def _quoted(text: str) -> list[list[Cell]]:
    rows: list[list[Cell]] = [[]]
    place = 0
    while True:
        found = _CELL.match(text, place)
        if found is None:
            raise BodyError(
                "body_not_csv",
                f"Line {text.count(chr(10), 0, place) + 1} of the CSV has a quotation mark that "
                "is not closed, or stands within a cell.",
                'Write cells with commas or quotation marks as "...", and a mark in one as "".',
            )
        quoted, bare, end = found.groups()
        rows[-1].append(quoted.replace('""', '"') if quoted is not None else bare or None)
        place = found.end()
        if end == "":
            return rows
        if end != ",":
            rows.append([])


def _check_lengths(rows: list[list[Cell]]) -> None:
    width = len(rows[0])
    for number, row in enumerate(rows):
        if len(row) != width:
            raise BodyError(
                "csv_ragged",
                f"Line {number + 1} of the CSV has {len(row)} cells; the first has {width}.",
                "Write as many cells in every line, and put cells with commas in quotes.",
            )
