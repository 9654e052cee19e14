"""Fitted trees of any library in one form, and as one ONNX node that computes in their precision.

The converters at hand write trees for a node that knows float32 only. The newer ``TreeEnsemble``
takes splits and leaves in double precision, so that rows at a threshold go the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Ensemble", "Link", "Tree", "node_attributes"]

Link = Literal["identity", "exp", "sigmoid", "sigmoid of twice", "softmax", "shares"]
"""How sums of leaves become answers; ``shares`` are a forest's mean probabilities."""

_LEQ, _LT = 0, 1


@dataclass(frozen=True)
class Tree:
    """One tree with one number a leaf; index 0 is the root, ``left`` is -1 at leaves.

    ``missing_left`` tells where a missing value goes. ``target`` is the column that the leaves
    add to.
    """

    feature: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float64]
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    missing_left: npt.NDArray[np.bool_]
    target: int = 0


@dataclass(frozen=True)
class Ensemble:
    """Trees whose leaves are summed, and what their sum means.

    Parameters
    ----------
    trees
        In the order in which the library sums them.
    base
        Where each target's sum begins.
    link
        From sums to answers.
    rounds
        The library rounds the input to float32 before it compares.
    single
        The library computes in float32 throughout.
    strict
        A value goes left when it is less than the threshold, instead of at most the threshold.
    divisor
        What the sums are divided by.
    above
        With one target: the sum from which on the second class is the answer.
    reaches
        Whether a sum of exactly ``above`` is the second class already.
    classes
        A classifier's labels.
    """

    trees: Sequence[Tree]
    base: npt.NDArray[np.float64]
    link: Link = "identity"
    rounds: bool = False
    single: bool = False
    strict: bool = False
    divisor: int = 1
    above: float = 0.0
    reaches: bool = False
    classes: npt.NDArray[Any] | None = None

    @property
    def thresholds(self) -> list[tuple[int, float]]:
        """Every feature's splits, each once."""
        found = {
            (int(feature), float(threshold))
            for tree in self.trees
            for feature, threshold, left in zip(
                tree.feature, tree.threshold, tree.left, strict=True
            )
            if left >= 0
        }
        return sorted(found)


def node_attributes(ensemble: Ensemble) -> dict[str, Any]:
    """Return the attributes of a ``TreeEnsemble`` node (ai.onnx.ml, version 5)."""
    from onnx import numpy_helper

    kind = np.float32 if ensemble.single else np.float64
    parts = [_Numbered(tree) for tree in _with_bases(ensemble)]
    nodes = np.cumsum([0, *(part.nodes for part in parts)])
    leaves = np.cumsum([0, *(part.leaves for part in parts)])
    placed = list(zip(parts, nodes[:-1], leaves[:-1], strict=True))
    joined = {
        name: np.concatenate([part.column(name, *at) for part, *at in placed])
        for name in _Numbered.COLUMNS
    }
    mode = _LT if ensemble.strict else _LEQ
    return {
        "tree_roots": nodes[:-1].tolist(),
        "nodes_featureids": joined["feature"].tolist(),
        "nodes_splits": numpy_helper.from_array(joined["threshold"].astype(kind)),
        "nodes_modes": numpy_helper.from_array(np.full(int(nodes[-1]), mode, dtype=np.uint8)),
        "nodes_truenodeids": joined["true"].tolist(),
        "nodes_falsenodeids": joined["false"].tolist(),
        "nodes_trueleafs": joined["true_leaf"].astype(int).tolist(),
        "nodes_falseleafs": joined["false_leaf"].astype(int).tolist(),
        "nodes_missing_value_tracks_true": joined["missing"].astype(int).tolist(),
        "leaf_targetids": joined["target"].tolist(),
        "leaf_weights": numpy_helper.from_array(joined["weight"].astype(kind)),
        "n_targets": len(ensemble.base),
        "aggregate_function": 1,
        "post_transform": 0,
    }


def _with_bases(ensemble: Ensemble) -> list[Tree]:
    """Let every sum begin with its base, as the libraries do: a tree that is one leaf."""
    stumps = [_leaf(value, target) for target, value in enumerate(ensemble.base) if value]
    return [*stumps, *ensemble.trees]


def _leaf(value: float, target: int) -> Tree:
    none = np.array([-1])
    return Tree(
        np.array([0]),
        np.zeros(1),
        none,
        none,
        np.array([value]),
        np.zeros(1, dtype=bool),
        target,
    )


class _Numbered:
    """A tree with its inner nodes and its leaves counted apart, as the node wants them."""

    COLUMNS = (
        *("feature", "threshold", "missing", "true", "false"),
        *("true_leaf", "false_leaf", "weight", "target"),
    )

    def __init__(self, tree: Tree) -> None:
        inner = tree.left >= 0
        if not inner[0]:  # the node knows no root that is a leaf: both ways lead to the one
            self._columns = {
                "feature": np.zeros(1, dtype=np.int64),
                "threshold": np.zeros(1),
                "missing": np.zeros(1, dtype=bool),
                "true": np.zeros(1, dtype=np.int64),
                "false": np.zeros(1, dtype=np.int64),
                "true_leaf": np.ones(1, dtype=bool),
                "false_leaf": np.ones(1, dtype=bool),
                "weight": tree.value[:1],
            }
        else:
            place = np.where(inner, np.cumsum(inner), np.cumsum(~inner)) - 1
            left, right = tree.left[inner], tree.right[inner]
            self._columns = {
                "feature": tree.feature[inner],
                "threshold": tree.threshold[inner],
                "missing": tree.missing_left[inner],
                "true": place[left],
                "false": place[right],
                "true_leaf": ~inner[left],
                "false_leaf": ~inner[right],
                "weight": tree.value[~inner],
            }
        self.nodes = len(self._columns["feature"])
        self.leaves = len(self._columns["weight"])
        self._columns["target"] = np.full(self.leaves, tree.target)

    def column(self, name: str, nodes: int, leaves: int) -> npt.NDArray[Any]:
        """Return a column, counted from where this tree begins among the others."""
        column = self._columns[name]
        if name in ("true", "false"):
            return column + np.where(self._columns[f"{name}_leaf"], leaves, nodes)
        return column
