"""The list of models as a statement: filtered, sorted and cut by SQLite."""

from __future__ import annotations

from typing import Any

from mlkraken_backend.ports import ModelQuery

__all__ = ["models_statement"]


def models_statement(query: ModelQuery) -> tuple[str, list[Any]]:
    """Return the statement that answers ``query``, and its values.

    It finds one document more than is asked for, which tells that there is another page.
    """
    conditions, values = _conditions(query)
    statement = f"SELECT doc FROM models WHERE {' AND '.join(conditions)} ORDER BY name LIMIT ?"
    return statement, [*values, query.limit + 1]


def _conditions(query: ModelQuery) -> tuple[list[str], list[Any]]:
    conditions = ["visible = 1", "name > ?"]
    values: list[Any] = [query.after]
    for condition, value in (
        ("owner = ?", query.owner),
        ("state = ?", query.state),
    ):
        if value:
            conditions.append(condition)
            values.append(value)
    if query.text:
        conditions.append("instr(words, ?) > 0")
        values.append(query.text.lower())
    if query.tag:
        # json_each rather than a path, in which a quotation mark has a meaning of its own
        key, found, value = query.tag.partition("=")
        tags = "SELECT 1 FROM json_each(CAST(doc AS TEXT), '$.tags') AS tag WHERE tag.key = ?"
        conditions.append(f"EXISTS ({tags}{' AND tag.value = ?' if found else ''})")
        values += [key, value] if found else [key]
    return conditions, values
