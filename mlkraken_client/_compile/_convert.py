"""A fitted model to an ONNX graph in double precision, by skl2onnx and our own way with trees."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mlkraken_client._compile import _boosted, _fitted
from mlkraken_client._compile._errors import Unconvertible
from mlkraken_client._compile._heads import Writer, label_cells, write_ensemble
from mlkraken_client._compile._layout import MISSING, Layout
from mlkraken_client._compile._rewrite import rewritten
from mlkraken_client._compile._trees import Ensemble

__all__ = ["convert", "ensemble_of", "last_step", "parts"]

_READERS: dict[str, dict[str, Callable[[Any], Ensemble]]] = {
    "sklearn": _fitted.READERS,
    "xgboost": _boosted.XGBOOST,
    "lightgbm": _boosted.LIGHTGBM,
}


def ensemble_of(model: Any) -> Ensemble | None:
    """Return the trees of a model that is made of trees, None for others.

    Raises
    ------
    Unconvertible
        Trees of a kind that has no compiled form.
    """
    reader = _reader(type(model))
    return None if reader is None else reader(model)


def _reader(kind: type) -> Callable[[Any], Ensemble] | None:
    library = (kind.__module__ or "").partition(".")[0]
    return _READERS.get(library, {}).get(kind.__name__)


def convert(model: Any, layout: Layout) -> bytes:
    """Return the graph; `rewritten` tells its inputs, its outputs are the converter's.

    Raises
    ------
    Unconvertible
        Whatever the converters say.
    """
    from skl2onnx import convert_sklearn

    model = _with_missing_as_text(model)
    kinds = {type(part) for part in parts(model)}
    ours = {kind for kind in kinds if _reader(kind)}
    imputers = {kind for kind in kinds if kind.__name__ == "SimpleImputer"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = convert_sklearn(
                model,
                "model",
                _inputs(model, layout),
                options=_plain_probabilities(model),
                custom_conversion_functions={
                    **dict.fromkeys(ours, _convert_trees),
                    **dict.fromkeys(imputers, _convert_imputer),
                },
                custom_shape_calculators=dict.fromkeys(ours, _shape_trees),
                custom_parsers=dict.fromkeys(ours, _parse_trees),
            )
    except Unconvertible:
        raise
    except Exception as error:  # converters raise anything for what they do not know
        text = str(error).strip().splitlines()
        said = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
        raise Unconvertible(f"the converter says {said[:200]}") from error
    return rewritten(graph, layout)


def last_step(model: Any) -> Any:
    """Return the estimator that answers, where others prepare its input."""
    while type(model).__name__ == "Pipeline":
        model = model.steps[-1][1]
    return model


def _plain_probabilities(model: Any) -> dict[int, dict[str, bool]]:
    """Ask for a matrix of probabilities instead of a dictionary a row; our own know no options."""
    last = last_step(model)
    ours = _reader(type(last)) is not None or not hasattr(last, "classes_")
    return {id(last): {} if ours else {"zipmap": False}}


def _inputs(model: Any, layout: Layout) -> list[tuple[str, Any]]:
    from skl2onnx.common.data_types import DoubleTensorType, StringTensorType

    by_name = any(type(part).__name__ == "ColumnTransformer" for part in parts(model))
    if not by_name:
        if any(column.kind == "text" for column in layout.columns):
            raise Unconvertible("the model takes texts without a ColumnTransformer")
        return [("numbers", DoubleTensorType([None, len(layout.columns)]))]
    if not layout.table:
        return [("numbers", DoubleTensorType([None, len(layout.columns)]))]
    return [
        (
            column.name,
            StringTensorType([None, 1]) if column.kind == "text" else DoubleTensorType([None, 1]),
        )
        for column in layout.columns
    ]


def parts(model: Any) -> Iterator[Any]:
    """Yield an estimator and all estimators in it."""
    waiting, seen = [model], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, (list, tuple)):
            waiting += part
        elif isinstance(part, np.ndarray):
            waiting += part.ravel().tolist() if part.dtype == object else []
        elif isinstance(part, dict):
            waiting += part.values()
        elif (type(part).__module__ or "").partition(".")[0] in _READERS:
            yield part
            if _reader(type(part)) is None:  # what a forest is made of is read with it
                waiting += getattr(part, "__dict__", {}).values()


def _with_missing_as_text(model: Any) -> Any:
    """Return a copy whose encoders know a missing category by the word that stands for it."""
    copied = copy.deepcopy(model)
    for part in parts(copied):
        for place, levels in enumerate(getattr(part, "categories_", ())):
            if levels.dtype == object:
                part.categories_[place] = np.array(
                    [level if isinstance(level, str) else MISSING for level in levels],
                    dtype=object,
                )
    return copied


def _parse_trees(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:
    from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType

    operator = scope.declare_local_operator("MlkrakenTrees", model)
    operator.inputs = inputs
    if hasattr(model, "classes_"):
        operator.outputs.append(scope.declare_local_variable("label", Int64TensorType()))
        operator.outputs.append(scope.declare_local_variable("probabilities", DoubleTensorType()))
    else:
        operator.outputs.append(scope.declare_local_variable("variable", DoubleTensorType()))
    return operator.outputs


def _shape_trees(operator: Any) -> None:
    from skl2onnx.common import data_types as types

    ensemble = ensemble_of(operator.raw_operator)
    assert ensemble is not None
    number = types.FloatTensorType if ensemble.single else types.DoubleTensorType
    if ensemble.classes is None:
        operator.outputs[0].type = number([None, len(ensemble.base)])
        return
    text = label_cells(ensemble.classes).dtype == object
    operator.outputs[0].type = (types.StringTensorType if text else types.Int64TensorType)([None])
    operator.outputs[1].type = number([None, len(ensemble.classes)])


def _convert_trees(scope: Any, operator: Any, container: Any) -> None:
    ensemble = ensemble_of(operator.raw_operator)
    assert ensemble is not None
    writer = Writer(scope, container)
    inputs = [variable.full_name for variable in operator.inputs]
    rows = inputs[0] if len(inputs) == 1 else writer.node("Concat", *inputs, axis=1)
    write_ensemble(writer, ensemble, rows, [variable.full_name for variable in operator.outputs])


def _convert_imputer(scope: Any, operator: Any, container: Any) -> None:
    """Fill what is missing: the node of that name knows no double precision and no texts."""
    imputer, writer = operator.raw_operator, Writer(scope, container)
    fills = np.asarray(imputer.statistics_)
    text = fills.dtype.kind in "OU"
    gone = [cell for cell in fills.tolist() if not isinstance(cell, str) and cell != cell]  # noqa: PLR0124
    if imputer.add_indicator or gone or not _is_nan(imputer.missing_values):
        raise Unconvertible("an imputer with an indicator or a missing value of its own")
    inputs = [variable.full_name for variable in operator.inputs]
    rows = inputs[0] if len(inputs) == 1 else writer.node("Concat", *inputs, axis=1)
    if text:
        known = writer.constant(np.array([MISSING], dtype=object))
        missing = writer.node("Equal", rows, known, version=19)
    else:
        rows = writer.node("Cast", rows, to=11)
        missing = writer.node("IsNaN", rows)
    filled = writer.constant(fills.reshape(1, -1) if text else fills.astype(float).reshape(1, -1))
    writer.node("Where", missing, filled, rows, output=operator.outputs[0].full_name, version=16)


def _is_nan(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124
