"""What a converted graph needs before it can run: newer trees, one input a kind of value."""

from __future__ import annotations

from typing import Any

from mlkraken_client._compile._heads import DOMAIN
from mlkraken_client._compile._layout import Layout

__all__ = ["rewritten"]

_ML, _ML_VERSION = "ai.onnx.ml", 5
_DOUBLE, _STRING = 11, 8


def rewritten(model: Any, layout: Layout) -> bytes:
    """Return the graph as bytes, with the inputs ``numbers`` and ``texts`` as far as it has any."""
    _join_inputs(model.graph, layout)
    trees = [node for node in model.graph.node if node.domain == DOMAIN]
    for node in trees:
        node.domain = _ML
    kept = [item for item in model.opset_import if item.domain not in (DOMAIN, _ML)]
    versions = [item.version for item in model.opset_import if item.domain == _ML]
    version = _ML_VERSION if trees else max(versions, default=1)
    ours = {item.domain: item.version for item in kept}
    del model.opset_import[:]
    for domain, number in {**ours, _ML: version}.items():
        # Split takes the number of its outputs from version 18 on.
        model.opset_import.add(domain=domain, version=max(number, 19) if not domain else number)
    return bytes(_with_inferred_outputs(model).SerializeToString())


def _with_inferred_outputs(model: Any) -> Any:
    """Declare the outputs as what they are; the converter goes by the type of the first input."""
    from onnx import shape_inference

    declared = [value.type.tensor_type.elem_type for value in model.graph.output]
    for value in model.graph.output:
        value.ClearField("type")
    inferred = shape_inference.infer_shapes(model)
    for value, kind in zip(inferred.graph.output, declared, strict=True):
        if not value.type.tensor_type.elem_type:
            value.type.tensor_type.elem_type = kind
    return inferred


def _join_inputs(graph: Any, layout: Layout) -> None:
    """Feed the columns of one kind as one array: every further array costs as much as a node."""
    from onnx import helper

    names = [value.name for value in graph.input]
    if len(names) == 1 and names[0] == "numbers":
        return
    del graph.input[:]
    splits = []
    for group, places in layout.groups.items():
        kind = _STRING if group == "texts" else _DOUBLE
        graph.input.append(helper.make_tensor_value_info(group, kind, [None, len(places)]))
        columns = [names[place] for place in places]
        if len(columns) == 1:
            splits.append(helper.make_node("Identity", [group], columns))
        else:
            splits.append(
                helper.make_node("Split", [group], columns, axis=1, num_outputs=len(columns))
            )
    others = list(graph.node)
    del graph.node[:]
    graph.node.extend([*splits, *others])
