"""Read the trees of xgboost and LightGBM from their own dumps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from mlkraken_client._compile._errors import Unconvertible
from mlkraken_client._compile._trees import Ensemble, Link, Tree

__all__ = ["LIGHTGBM", "XGBOOST"]

_XGBOOST_LINKS: dict[str, Link] = {
    "reg:squarederror": "identity",
    "reg:absoluteerror": "identity",
    "reg:pseudohubererror": "identity",
    "count:poisson": "exp",
    "reg:gamma": "exp",
    "reg:tweedie": "exp",
    "binary:logistic": "sigmoid",
    "reg:logistic": "sigmoid",
    "multi:softprob": "softmax",
}
_LIGHTGBM_LINKS: dict[str, Link] = {
    **{name: "identity" for name in ("regression", "regression_l1", "huber", "quantile", "mape")},
    **{name: "exp" for name in ("poisson", "gamma", "tweedie")},
    "binary": "sigmoid",
    "multiclass": "softmax",
}


def _xgboost(model: Any) -> Ensemble:
    """Read a model of xgboost's scikit-learn interface, or a Booster."""
    missing = getattr(model, "missing", np.nan)
    if missing is not None and not np.isnan(missing):
        raise Unconvertible("xgboost with a missing value other than NaN is not compiled")
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    best = getattr(model, "best_iteration", None) if _stopped_early(model) else None
    if best is not None:
        booster = booster[: best + 1]
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    gradient, told = learner["gradient_booster"], learner["learner_model_param"]
    name = learner["objective"]["name"]
    if gradient["name"] != "gbtree" or name not in _XGBOOST_LINKS:
        raise Unconvertible(f"xgboost's {gradient['name']} with {name} is not compiled")
    targets = max(1, int(told["num_class"]), int(told["num_target"]))
    link = _XGBOOST_LINKS[name]
    content = gradient["model"]
    trees = [
        _xgboost_tree(tree, target)
        for tree, target in zip(content["trees"], content["tree_info"], strict=True)
    ]
    return Ensemble(
        trees,
        np.broadcast_to(_margins(told["base_score"], link), (targets,)).copy(),
        link,
        rounds=True,
        single=True,
        strict=True,
        classes=getattr(model, "classes_", None),
    )


def _stopped_early(model: Any) -> bool:
    booster = model.get_booster() if hasattr(model, "get_booster") else None
    return booster is not None and "best_iteration" in booster.attributes()


def _margins(text: str, link: Link) -> npt.NDArray[np.float64]:
    """Return the base scores as sums of leaves; xgboost writes them as answers."""
    scores = np.array(json.loads(text) if text.startswith("[") else [float(text)], dtype=np.float32)
    if link == "sigmoid":
        scores = -np.log(np.float32(1) / scores - np.float32(1))
    elif link == "exp":
        scores = np.log(scores)
    return scores.astype(np.float64)


def _xgboost_tree(tree: dict[str, Any], target: int) -> Tree:
    if any(tree["split_type"]) or len(tree["base_weights"]) != len(tree["left_children"]):
        raise Unconvertible("xgboost over categories or with vector leaves is not compiled")
    conditions = np.array(tree["split_conditions"], dtype=np.float64)
    return Tree(
        np.array(tree["split_indices"], dtype=np.int64),
        conditions,
        np.array(tree["left_children"], dtype=np.int64),
        np.array(tree["right_children"], dtype=np.int64),
        conditions,
        np.array(tree["default_left"], dtype=bool),
        target,
    )


def _lightgbm(model: Any) -> Ensemble:
    """Read a model of LightGBM's scikit-learn interface, or a Booster."""
    booster = getattr(model, "booster_", model)
    told = booster.dump_model()
    name, *parameters = told.get("objective", "none").split()
    plain = all(text == "sigmoid:1" or text.startswith("num_class:") for text in parameters)
    if name not in _LIGHTGBM_LINKS or not plain or told["average_output"]:
        raise Unconvertible(f"LightGBM with {told.get('objective')!r} is not compiled")
    targets = told["num_tree_per_iteration"]
    trees = [
        _lightgbm_tree(tree["tree_structure"], place % targets)
        for place, tree in enumerate(told["tree_info"])
    ]
    classes = getattr(model, "classes_", None)
    link = _LIGHTGBM_LINKS[name]
    return Ensemble(trees, np.zeros(targets), link, classes=classes)


def _lightgbm_tree(root: dict[str, Any], target: int) -> Tree:
    rows = list(_flattened(root))
    columns = list(zip(*rows, strict=True))
    return Tree(
        np.array(columns[0], dtype=np.int64),
        np.array(columns[1], dtype=np.float64),
        np.array(columns[2], dtype=np.int64),
        np.array(columns[3], dtype=np.int64),
        np.array(columns[4], dtype=np.float64),
        np.array(columns[5], dtype=bool),
        target,
    )


def _flattened(root: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield a nested tree's nodes row by row, each numbered before its children."""
    waiting, count = [root], 1
    while waiting:
        node = waiting.pop(0)
        if "split_feature" not in node:
            yield 0, 0.0, -1, -1, node["leaf_value"], False
            continue
        left, count = count, count + 2
        waiting += [node["left_child"], node["right_child"]]
        yield node["split_feature"], node["threshold"], left, left + 1, 0.0, _missing_left(node)


def _missing_left(node: dict[str, Any]) -> bool:
    if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
        raise Unconvertible("LightGBM over categories or with zeros as missing is not compiled")
    if node["missing_type"] == "NaN":
        return bool(node["default_left"])
    return bool(node["threshold"] >= 0)  # where no value was missing, NaN counts as 0


XGBOOST: dict[str, Callable[[Any], Ensemble]] = {
    name: _xgboost
    for name in ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor", "Booster")
}
LIGHTGBM: dict[str, Callable[[Any], Ensemble]] = {
    name: _lightgbm for name in ("LGBMClassifier", "LGBMRegressor", "Booster")
}
