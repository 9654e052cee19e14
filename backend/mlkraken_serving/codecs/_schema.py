"""A signature as JSON Schema: what one row looks like to those who read such schemas."""

from __future__ import annotations

from typing import Any

from mlkraken_serving._manifest import Field, Signature

__all__ = ["cell_schema", "row_schema"]

_TYPES: dict[str, dict[str, Any]] = {
    "bool": {"type": "boolean"},
    "string": {"type": "string"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
    "datetime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "timedelta": {"type": "string", "format": "duration"},
    "decimal": {"type": "string", "format": "decimal"},
}


def row_schema(signature: Signature) -> dict[str, Any]:
    """Return the schema of one row as an object; of a model without named columns an empty one."""
    named = signature.kind in ("dataframe", "records", "dict", "series")
    fields = signature.fields if named else []
    return {
        "type": "object",
        "properties": {field.name: cell_schema(field) for field in fields},
        "required": [field.name for field in fields],
    }


def cell_schema(field: Field) -> dict[str, Any]:
    """Return the schema of one value of a column."""
    schema = _not_null(field)
    if not field.nullable or not schema:
        return schema
    if "enum" in schema:
        return {"enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def _not_null(field: Field) -> dict[str, Any]:
    if field.dtype == "category":
        return {"enum": list(field.levels or [])}
    if field.dtype.startswith("float"):
        return {"type": "number"}
    if "int" in field.dtype:
        unsigned = field.dtype.startswith("u")
        bits = int(field.dtype.partition("int")[2])
        low = 0 if unsigned else -(2 ** (bits - 1))
        high = 2**bits - 1 if unsigned else 2 ** (bits - 1) - 1
        return {"type": "integer", "minimum": low, "maximum": high}
    return dict(_TYPES.get(field.dtype, {}))
