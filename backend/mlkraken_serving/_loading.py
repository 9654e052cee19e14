"""Which engine answers for a bundle, loaded and held against the notebook's own answers."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable

import msgspec

from mlkraken_serving._errors import BundleError, ServingError
from mlkraken_serving._manifest import Bundle, Compiled
from mlkraken_serving._parity import Receipt, check_parity
from mlkraken_serving.engines._port import Engine
from mlkraken_serving.engines._python import PythonEngine

__all__ = ["load_engine", "load_workers"]

_ENGINES: dict[str, Callable[[Bundle], Engine]] = {"python": PythonEngine}
log = logging.getLogger("mlkraken.serving")


def load_engine(bundle: Bundle) -> tuple[Engine, Receipt]:
    """Return what answers for a bundle: its compiled form if that holds here, else the original.

    Raises
    ------
    BundleError
        ``runtime_unknown``, and what `check_parity` raises.
    EnvironmentMismatch, LoadError
        See `Engine.load`.
    ModelError
        The model refuses its own example here.
    """
    compiled = bundle.manifest.compiled
    if compiled is not None:
        found = _compiled(bundle, compiled)
        if found is not None:
            return found
    engine = _original(bundle)
    return engine, check_parity(bundle, engine)


def load_workers(bundle: Bundle, workers: int, deadline_s: float) -> tuple[Engine, Receipt]:
    """Return worker processes that answer for a bundle, each as `load_engine` would.

    Parameters
    ----------
    bundle
        What they serve.
    workers
        How many.
    deadline_s
        Longest time one call may take, in seconds.

    Raises
    ------
    WorkerLost
        ``worker_lost``: a process ended while it loaded the model.
    ServingError
        What `load_engine` raises.
    """
    from mlkraken_serving.engines._pool import Pool

    command = [
        *(sys.executable, "-m", "mlkraken_serving._worker", str(bundle.folder)),
        f"--parent={os.getpid()}",
    ]
    pool = Pool(command, bundle.manifest.signature, workers, deadline_s)
    pool.load()
    return pool, msgspec.convert(pool.receipt, Receipt)


def _original(bundle: Bundle) -> Engine:
    kind = _ENGINES.get(bundle.manifest.runtime)
    if kind is PythonEngine and bundle.manifest.entry.loader == "onnx":
        kind = _onnx
    if kind is None:
        raise BundleError(
            "runtime_unknown",
            f"The bundle asks for the runtime {bundle.manifest.runtime!r}; this server has "
            f"{', '.join(_ENGINES)}.",
            "Upgrade mlkraken where the model is served.",
        )
    engine = kind(bundle)
    engine.load()
    return engine


def _onnx(bundle: Bundle) -> Engine:
    from mlkraken_serving.engines._onnx import OnnxEngine

    return OnnxEngine(bundle)


def _compiled(bundle: Bundle, compiled: Compiled) -> tuple[Engine, Receipt] | None:
    """Return the compiled engine, None where the original has to serve; the log says why."""
    if compiled.verdict != "agrees":
        log.info("the original model serves; it was not compiled: %s", compiled.reason)
        return None
    from mlkraken_serving.engines._compiled import CompiledEngine

    engine = CompiledEngine(bundle, compiled, lambda: _original(bundle))
    try:
        engine.load()
        receipt = check_parity(bundle, engine, compiled.tolerance)
    except ServingError as error:
        log.warning("the original model serves; the compiled one failed: %s", error.message)
        return None
    if receipt.verdict == "differs":
        log.warning("the original model serves; the compiled one differs: %s", receipt.detail)
        return None
    log.info(
        "the compiled model serves; it agreed on %d rows, tolerance %g",
        compiled.rows,
        compiled.tolerance,
    )
    return engine, receipt
