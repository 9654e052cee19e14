"""Which engine answers for a bundle, loaded and held against the notebook's own answers."""

from __future__ import annotations

import logging
from collections.abc import Callable

from mlkraken_serving._errors import BundleError, ServingError
from mlkraken_serving._manifest import Bundle, Compiled
from mlkraken_serving._parity import Receipt, check_parity
from mlkraken_serving.engines._port import Engine
from mlkraken_serving.engines._python import PythonEngine

__all__ = ["load_engine"]

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


def _original(bundle: Bundle) -> Engine:
    kind = _ENGINES.get(bundle.manifest.runtime)
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
