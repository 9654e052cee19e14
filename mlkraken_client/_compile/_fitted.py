"""Read the fitted trees of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mlkraken_client._compile._errors import Unconvertible
from mlkraken_client._compile._trees import Ensemble, Link, Tree

__all__ = ["READERS"]


_KINDS = ("Classifier", "Regressor")


def _one_tree(model: Any) -> Ensemble:
    return _averaged(model, [model])


def _forest(model: Any) -> Ensemble:
    return _averaged(model, model.estimators_)


def _averaged(model: Any, estimators: list[Any]) -> Ensemble:
    if model.n_outputs_ != 1:
        raise Unconvertible("trees with several outputs are not compiled")
    classes = getattr(model, "classes_", None)
    targets = 1 if classes is None else len(classes)
    return Ensemble(
        [
            _tree(estimator.tree_, estimator.tree_.value[:, 0, target], target)
            for estimator in estimators
            for target in range(targets)
        ],
        np.zeros(targets),
        link="identity" if classes is None else "shares",
        rounds=True,
        divisor=len(estimators),
        classes=classes,
    )


def _tree(tree: Any, value: npt.NDArray[np.float64], target: int) -> Tree:
    return Tree(
        tree.feature,
        tree.threshold,
        tree.children_left,
        tree.children_right,
        value,
        tree.missing_go_to_left.astype(bool),
        target,
    )


def _gradient(model: Any) -> Ensemble:
    classes = getattr(model, "classes_", None)
    rows = np.zeros((1, model.n_features_in_))
    if model.init is not None and model.init != "zero":
        raise Unconvertible("gradient boosting with an init estimator is not compiled")
    base = np.asarray(model._raw_predict_init(rows), dtype=float)[0]
    rate = model.learning_rate
    trees = [
        _tree(estimator.tree_, estimator.tree_.value[:, 0, 0] * rate, target)
        for stage in model.estimators_
        for target, estimator in enumerate(stage)
    ]
    link: Link = "identity"
    if classes is not None:
        twice = model.loss == "exponential"
        link = "softmax" if len(base) > 1 else "sigmoid of twice" if twice else "sigmoid"
    return Ensemble(trees, base, link, rounds=True, reaches=True, classes=classes)


def _histogram(model: Any) -> Ensemble:
    classes = getattr(model, "classes_", None)
    if model.is_categorical_ is not None:
        raise Unconvertible("histogram gradient boosting over categories is not compiled")
    base = np.ravel(model._baseline_prediction).astype(float)
    trees = [
        _histogram_tree(predictor.nodes, target)
        for stage in model._predictors
        for target, predictor in enumerate(stage)
    ]
    if classes is not None:
        link: Link = "softmax" if len(base) > 1 else "sigmoid"
    else:
        link = "exp" if model.loss in ("poisson", "gamma") else "identity"
    return Ensemble(trees, base, link, classes=classes)


def _histogram_tree(nodes: Any, target: int) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        nodes["feature_idx"].astype(np.int64),
        nodes["num_threshold"].astype(np.float64),
        np.where(leaf, -1, nodes["left"].astype(np.int64)),
        np.where(leaf, -1, nodes["right"].astype(np.int64)),
        nodes["value"].astype(np.float64),
        nodes["missing_go_to_left"].astype(bool),
        target,
    )


READERS: dict[str, Callable[[Any], Ensemble]] = {
    **{f"{kind}Tree{what}": _one_tree for kind in ("Decision", "Extra") for what in _KINDS},
    **{f"{kind}{what}": _forest for kind in ("RandomForest", "ExtraTrees") for what in _KINDS},
    **{f"GradientBoosting{what}": _gradient for what in _KINDS},
    **{f"HistGradientBoosting{what}": _histogram for what in _KINDS},
}
"""What reads a model, by the name of its class in scikit-learn."""
