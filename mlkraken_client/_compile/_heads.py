"""From an ensemble to ONNX nodes: rounding, sums of leaves, probabilities, labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mlkraken_client._compile._errors import Unconvertible
from mlkraken_client._compile._trees import Ensemble, node_attributes

__all__ = ["DOMAIN", "Writer", "write_ensemble"]

DOMAIN = "mlkraken.trees"
"""Stands for ai.onnx.ml, version 5, until skl2onnx, which does not know it yet, is done."""

_FLOAT, _INT64, _DOUBLE = 1, 7, 11


class Writer:
    """Adds nodes to the graph that skl2onnx is building.

    Parameters
    ----------
    scope, container
        As skl2onnx hands them to a converter.
    """

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope = scope
        self._container = container

    def node(
        self, kind: str, *inputs: str, output: str = "", version: int = 13, **attributes: Any
    ) -> str:
        """Add a node and return the name of its output."""
        output = output or self._scope.get_unique_variable_name(kind.lower())
        self._container.add_node(
            kind,
            list(inputs),
            [output],
            op_domain=DOMAIN if kind == "TreeEnsemble" else "",
            op_version=1 if kind == "TreeEnsemble" else version,
            name=self._scope.get_unique_operator_name(kind),
            **attributes,
        )
        return output

    def constant(self, array: npt.NDArray[Any]) -> str:
        """Add an array and return its name."""
        name = str(self._scope.get_unique_variable_name("constant"))
        kinds = {"f": _FLOAT if array.dtype.itemsize == 4 else _DOUBLE, "i": _INT64}
        text = array.dtype.kind in "OU"
        kind = 8 if text else kinds[array.dtype.kind]
        cells = [str(cell).encode() for cell in array.ravel()] if text else array.ravel().tolist()
        self._container.add_initializer(name, kind, list(array.shape), cells)
        return name


def write_ensemble(writer: Writer, ensemble: Ensemble, inputs: str, outputs: list[str]) -> None:
    """Write what answers as the ensemble: one output, or labels and probabilities."""
    rows = inputs
    if ensemble.rounds:
        rows = writer.node("Cast", rows, to=_FLOAT)
    if not ensemble.single:
        rows = writer.node("Cast", rows, to=_DOUBLE)
    sums = writer.node("TreeEnsemble", rows, **node_attributes(ensemble))
    if ensemble.classes is None:
        _answers(writer, ensemble, sums, outputs[0])
    else:
        shares = _probabilities(writer, ensemble, sums, outputs[1])
        _labels(writer, ensemble, sums, shares, outputs[0])


def _number(writer: Writer, ensemble: Ensemble, value: float) -> str:
    return writer.constant(np.array([value], dtype=np.float32 if ensemble.single else np.float64))


def _answers(writer: Writer, ensemble: Ensemble, sums: str, output: str) -> None:
    if ensemble.link == "softmax":
        writer.node("Softmax", sums, output=output, axis=1)
    elif ensemble.link == "exp":
        writer.node("Exp", sums, output=output)
    elif ensemble.link == "sigmoid":
        _sigmoid(writer, ensemble, sums, output)
    elif ensemble.divisor != 1:
        writer.node("Div", sums, _number(writer, ensemble, ensemble.divisor), output=output)
    else:
        writer.node("Identity", sums, output=output)


def _probabilities(writer: Writer, ensemble: Ensemble, sums: str, output: str) -> str:
    if ensemble.link == "softmax":
        return writer.node("Softmax", sums, output=output, axis=1)
    if ensemble.link == "shares":
        return writer.node("Div", sums, _number(writer, ensemble, ensemble.divisor), output=output)
    if ensemble.link == "sigmoid of twice":
        sums = writer.node("Mul", sums, _number(writer, ensemble, 2.0))
    second = _sigmoid(writer, ensemble, sums)
    first = writer.node("Sub", _number(writer, ensemble, 1.0), second)
    return writer.node("Concat", first, second, output=output, axis=1)


def _sigmoid(writer: Writer, ensemble: Ensemble, sums: str, output: str = "") -> str:
    """Write the sum out: the node of that name is an approximation."""
    one = _number(writer, ensemble, 1.0)
    powers = writer.node("Exp", writer.node("Neg", sums))
    return writer.node("Div", one, writer.node("Add", powers, one), output=output)


def _labels(writer: Writer, ensemble: Ensemble, sums: str, shares: str, output: str) -> None:
    if len(ensemble.base) > 1:
        best = shares if ensemble.link == "shares" else sums
        places = writer.node("ArgMax", best, axis=1, keepdims=0)
    else:
        kind = "GreaterOrEqual" if ensemble.reaches else "Greater"
        above = writer.node(kind, sums, _number(writer, ensemble, ensemble.above))
        flat = writer.node("Reshape", above, writer.constant(np.array([-1])))
        places = writer.node("Cast", flat, to=_INT64)
    assert ensemble.classes is not None
    writer.node("Gather", writer.constant(label_cells(ensemble.classes)), places, output=output)


def label_cells(classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return labels as the graph carries them: whole numbers or text."""
    if classes.dtype.kind in "biu":
        return classes.astype(np.int64)
    if classes.dtype.kind == "f" and (classes == classes.astype(np.int64)).all():
        return classes.astype(np.int64)
    if all(isinstance(label, str) for label in classes.tolist()):
        return classes.astype(object)
    raise Unconvertible("labels that are neither text nor whole numbers are not compiled")
