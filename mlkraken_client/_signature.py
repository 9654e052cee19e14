"""What a model takes, read off an example: names, dtypes, levels, time zones, shapes.

The signature is a plain document, as ``kraken.json`` carries it; ``docs/bundle.md`` describes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlkraken_client._errors import PackError
from mlkraken_client._objects import SCALARS, is_missing, is_numpy_scalar, is_sparse, object_cells

__all__ = ["UNSIGNED", "describe_input", "from_estimator", "kind_of"]

UNSIGNED: dict[str, Any] = {"kind": "any", "fields": []}
"""Signature of a model of which nothing is known: data goes to it as it came."""

_NUMPY = {
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "bool": "bool",
}
_NULLABLE = {
    **{f"Int{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"UInt{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    "Float32": "float32",
    "Float64": "float64",
    "boolean": "bool",
}


def kind_of(example: Any) -> str:
    """Return which kind of input an example is.

    Raises
    ------
    PackError
        ``example_unsupported``, naming the type.
    """
    module = type(example).__module__.partition(".")[0]
    name = type(example).__name__
    if module == "pandas" and name in ("DataFrame", "Series"):
        return name.lower()
    if (module == "numpy" and name == "ndarray") or is_sparse(example):
        return "ndarray"
    if isinstance(example, Mapping):
        return "dict"
    if isinstance(example, (list, tuple)):
        rows = example and all(isinstance(item, Mapping) for item in example)
        return "records" if rows else "list"
    if isinstance(example, SCALARS):
        return "scalar"
    if is_numpy_scalar(example):
        return "scalar"
    raise PackError(
        "example_unsupported",
        f"An example of type {type(example).__module__}.{name} cannot describe a model's input.",
        "Pass a DataFrame, Series, numpy array, list, dict or single value.",
    )


def describe_input(example: Any) -> dict[str, Any]:
    """Return the signature of inputs like ``example``.

    Raises
    ------
    PackError
        ``example_empty``, ``example_unsupported`` or ``columns_unsupported``.
    """
    kind = kind_of(example)
    if kind != "scalar" and _is_empty(example):
        raise PackError(
            "example_empty",
            f"The example is an empty {type(example).__name__}; nothing can be read off it.",
            "Pass a few rows of real input: example=X.head().",
        )
    readers: dict[str, Callable[[Any], list[dict[str, Any]]]] = {
        "dataframe": _frame_fields,
        "series": _series_fields,
        "ndarray": _array_fields,
        "list": lambda values: [_list_field("value", list(values))],
        "records": _record_fields,
        "dict": lambda row: _record_fields([row]),
        "scalar": lambda value: [_list_field("value", [value])],
    }
    return {"kind": kind, "fields": readers[kind](example)}


def _is_empty(example: Any) -> bool:
    """Whether there is no row, or no column in any row."""
    shape = getattr(example, "shape", None)
    return 0 in shape if isinstance(shape, tuple) else len(example) == 0


def from_estimator(model: Any) -> dict[str, Any]:
    """Return what a fitted scikit-learn estimator says of its input itself; UNSIGNED otherwise."""
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        return {
            "kind": "dataframe",
            "fields": [{"name": str(name), "dtype": "any"} for name in names],
        }
    count = getattr(model, "n_features_in_", None)
    if isinstance(count, int):
        field = {"name": "value", "dtype": "any", "shape": [-1, count]}
        return {"kind": "ndarray", "fields": [field]}
    return UNSIGNED


def _frame_fields(frame: Any) -> list[dict[str, Any]]:
    labels = list(frame.columns)
    names = [str(label) for label in labels]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise PackError(
            "columns_unsupported",
            f"The example has the column {twice[0]!r} more than once.",
            "Give every column a name of its own.",
        )
    fields = []
    for place, label in enumerate(labels):
        field = _series_field(str(label), frame.iloc[:, place])
        if type(label) is int:
            field["label"] = "int"
        elif not isinstance(label, str):
            raise PackError(
                "columns_unsupported",
                f"The example has a column labelled {label!r}, a {type(label).__name__}.",
                "Use text or whole numbers as labels: X.columns = X.columns.map(str).",
            )
        fields.append(field)
    return fields


def _series_fields(series: Any) -> list[dict[str, Any]]:
    if series.name is None:
        return [{**_series_field("value", series), "label": "none"}]
    if type(series.name) is int:
        return [{**_series_field(str(series.name), series), "label": "int"}]
    if isinstance(series.name, str):
        return [_series_field(series.name, series)]
    raise PackError(
        "columns_unsupported",
        f"The example is a series named {series.name!r}, a {type(series.name).__name__}.",
        "Use text or a whole number as its name, or none.",
    )


def _series_field(name: str, series: Any) -> dict[str, Any]:
    storage = str(series.dtype)
    field: dict[str, Any] = {"name": name, "storage": storage}
    if storage in _NUMPY:
        floating = storage.startswith("float")
        return {
            **field,
            "dtype": storage,
            "nullable": floating,
            "missing": "nan" if floating else "none",
        }
    if storage in _NULLABLE:
        return {**field, "dtype": _NULLABLE[storage]}
    if storage == "category":
        return {**field, **_category(series)}
    kind = getattr(series.dtype, "kind", "O")
    if kind in "Mm":
        zone = getattr(series.dtype, "tz", None)
        unit = getattr(series.dtype, "unit", None) or storage.partition("[")[2].rstrip("]")
        field |= {"dtype": "datetime" if kind == "M" else "timedelta", "unit": unit}
        return {**field, "tz": str(zone)} if zone is not None else field
    if storage == "str" or storage.startswith("string"):
        missing = "nan" if storage == "str" else "none"
        return {**field, "dtype": "string", "missing": missing}
    if storage == "object":
        return {**field, **object_cells(series.tolist())}
    raise PackError(
        "columns_unsupported",
        f"The column {name!r} has the dtype {storage}, which cannot travel to a service.",
        "Convert it first, for instance with X.astype(...) .",
    )


def _category(series: Any) -> dict[str, Any]:
    levels = series.cat.categories
    return {
        "dtype": "category",
        "levels": [_plain_level(level) for level in levels.tolist()],
        "level_dtype": str(levels.dtype),
        "ordered": bool(series.cat.ordered),
    }


def _plain_level(level: Any) -> Any:
    if isinstance(level, (str, bool, int, float)):
        return level
    raise PackError(
        "columns_unsupported",
        f"A category of type {type(level).__name__} ({level!r}) cannot travel to a service.",
        "Use text, numbers or truth values as categories.",
    )


def _array_fields(array: Any) -> list[dict[str, Any]]:
    kind = array.dtype.kind
    shape = [-1, *(int(size) for size in array.shape[1:])]
    field: dict[str, Any] = {"name": "value", "shape": shape, "storage": array.dtype.str}
    field |= {"sparse": type(array).__name__} if is_sparse(array) else {}
    if array.ndim == 0:
        raise PackError("example_unsupported", "The example has no rows.", "Pass example=X[:5].")
    if kind in "biuf":
        name = array.dtype.name
        return [
            {
                **field,
                "dtype": name,
                "nullable": kind == "f",
                "missing": "nan" if kind == "f" else "none",
            }
        ]
    if kind == "U":
        return [{**field, "dtype": "string", "nullable": False, "storage": "str"}]
    if kind == "O":
        return [{**field, **object_cells(array.ravel().tolist()), "storage": "object"}]
    raise PackError(
        "example_unsupported",
        f"An array of {array.dtype} cannot travel to a service.",
        "Use numbers, truth values or text.",
    )


def _list_field(name: str, values: list[Any]) -> dict[str, Any]:
    plain = [value.item() if is_numpy_scalar(value) else value for value in values]
    present = [value for value in plain if not is_missing(value)]
    kinds = {type(value) for value in present}
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in present):
        return {"name": name, "dtype": "int64", "nullable": len(present) < len(plain)}
    if float in kinds <= {int, float} and all(
        abs(value) <= 2**53 for value in present if type(value) is int
    ):
        return {"name": name, "dtype": "float64", "missing": "nan"}
    described = {"name": name, **object_cells(plain)}
    if not any(isinstance(value, float) and value != value for value in plain):  # noqa: PLR0124
        described["missing"] = "none"  # plain Python has no other word for a missing text
    return described


def _record_fields(rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = dict.fromkeys(str(name) for row in rows for name in row)
    shared = [name for name in names if all(name in row for row in rows)]
    return [_list_field(name, [row[name] for row in rows]) for name in shared]
