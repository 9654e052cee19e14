"""Compile a model, prove it, and say what came of it."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mlkraken_client._compile._errors import Unconvertible
from mlkraken_client._compile._layout import Layout, layout_of
from mlkraken_client._compile._proof import DOUBLE, SINGLE, Contest, Proof, prove

__all__ = ["Attempt", "compile_model", "missing_modules"]

_CALLS = (
    *("predict", "predict_proba", "predict_log_proba"),
    *("decision_function", "score_samples", "transform"),
)
_FLAVORS = ("sklearn", "xgboost", "lightgbm")
_TIMED = 30
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Attempt:
    """What came of compiling a model.

    Parameters
    ----------
    graph
        The compiled form; empty when it is refused.
    document
        The manifest's ``compiled``.
    speedup
        How many times faster one row is answered here.
    """

    graph: bytes
    document: dict[str, Any] = field(default_factory=dict)
    speedup: float = 0.0

    @property
    def agrees(self) -> bool:
        return bool(self.graph)


def missing_modules() -> list[str]:
    """Return what compiling needs and is not installed here."""
    return [name for name in ("skl2onnx", "onnxruntime") if not importlib.util.find_spec(name)]


def compile_model(
    model: Any,
    flavor: str,
    predict: Callable[[Any], Any],
    example: Any,
    signature: Mapping[str, Any],
) -> Attempt:
    """Return the model's compiled form if it was proven to answer as the model does.

    Parameters
    ----------
    model
        A fitted estimator.
    flavor
        The library it comes from.
    predict
        What the server would call.
    example
        Rows of its input.
    signature
        Read off the example.
    """
    try:
        return _compiled(model, flavor, predict, example, signature)
    except Unconvertible as error:
        return _refused(str(error))
    except Exception as error:  # a model of a kind nobody has thought of is no reason to fail
        return _refused(f"compiling failed: {type(error).__name__}: {error}"[:_LONGEST_REASON])


def _refused(reason: str) -> Attempt:
    return Attempt(b"", {"verdict": "refused", "reason": f"{reason.rstrip('.')}."})


def _compiled(
    model: Any,
    flavor: str,
    predict: Callable[[Any], Any],
    example: Any,
    signature: Mapping[str, Any],
) -> Attempt:
    _check_possible(flavor, example)
    from mlkraken_client._compile._convert import convert, ensemble_of, last_step
    from mlkraken_client._compile._rows import Maker

    while hasattr(model, "best_estimator_"):
        model = model.best_estimator_  # a search answers with the best it found
    layout = layout_of(signature)
    graph = convert(model, layout)
    session = _session(graph)
    methods = _methods(model, predict, example, session)
    trees = ensemble_of(last_step(model))
    precision = SINGLE if trees is not None and trees.single else DOUBLE
    originals = {"predict": predict}
    if "predict_proba" in methods:
        originals["predict_proba"] = model.predict_proba
    run = _runner(session, layout, methods)
    contest = Contest(originals, run, precision)
    proof = prove(contest, model, layout, Maker(example, layout, model))
    document = {
        "verdict": "agrees",
        "rows": proof.rows,
        "tolerance": precision.tolerance,
        "largest_difference": proof.difference,
        "inputs": _inputs(layout, proof),
        "methods": methods,
        "calls": [name for name in _CALLS if callable(getattr(model, name, None))],
        "classes": _classes(model),
    }
    return Attempt(graph, document, _speedup(predict, run, example[:1]))


def _check_possible(flavor: str, example: Any) -> None:
    if flavor not in _FLAVORS:
        raise Unconvertible(f"only models of {', '.join(_FLAVORS)} are compiled")
    if example is None:
        raise Unconvertible("without example= nothing can be compared")
    if missing := missing_modules():
        raise Unconvertible(f"{' and '.join(missing)} is not installed")


def _session(graph: bytes) -> Any:
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors have no common base
        text = str(error).partition(" : ")[2] or str(error)
        raise Unconvertible(f"the runtime says {text[:200]}") from error


def _methods(
    model: Any, predict: Callable[[Any], Any], example: Any, session: Any
) -> dict[str, dict[str, Any]]:
    """Return the graph's outputs by the model's methods, and how the original's answers look."""
    outputs = [output.name for output in session.get_outputs()]
    found = {"predict": _described(outputs[0], predict(example[:2]))}
    if len(outputs) > 1 and hasattr(model, "predict_proba"):
        found["predict_proba"] = _described(outputs[1], model.predict_proba(example[:2]))
    return found


def _described(output: str, answer: Any) -> dict[str, Any]:
    if not isinstance(answer, np.ndarray) or answer.dtype.kind not in "OUbiuf":
        raise Unconvertible(f"the model answers with a {type(answer).__name__}")
    return {"output": output, "dtype": answer.dtype.str, "shape": list(answer.shape[1:])}


def _runner(
    session: Any, layout: Layout, methods: Mapping[str, Mapping[str, Any]]
) -> Callable[[Any], dict[str, npt.NDArray[Any]]]:
    outputs = [told["output"] for told in methods.values()]

    def run(rows: Any) -> dict[str, npt.NDArray[Any]]:
        answers = session.run(outputs, layout.feeds(rows))
        return {
            name: answer.astype(told["dtype"], copy=False).reshape(-1, *told["shape"])
            for (name, told), answer in zip(methods.items(), answers, strict=True)
        }

    return run


def _inputs(layout: Layout, proof: Proof) -> list[dict[str, Any]]:
    found = []
    for name, places in layout.groups.items():
        limits = [proof.limits[place] for place in places]
        group: dict[str, Any] = {
            "name": name,
            "columns": [layout.columns[place].name for place in places] if layout.table else [],
            "missing": [limit.missing for limit in limits],
        }
        if name == "texts":
            group["known"] = [limit.known for limit in limits]
        else:
            group["most"] = [limit.most for limit in limits]
        found.append(group)
    return found


def _classes(model: Any) -> list[Any]:
    classes: Any = getattr(model, "classes_", None)
    return classes.tolist() if getattr(classes, "ndim", None) == 1 else []


def _speedup(predict: Callable[[Any], Any], run: Callable[[Any], Any], row: Any) -> float:
    return _median(predict, row) / _median(run, row)


def _median(call: Callable[[Any], Any], row: Any) -> float:
    times = []
    for _ in range(_TIMED):
        begun = time.perf_counter()
        call(row)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)
