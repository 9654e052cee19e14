"""ONNX graphs in this process: opened with threads that suit a service beside others."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from mlkraken_serving._errors import LoadError

__all__ = ["open_session"]


def open_session(path: Path) -> Any:
    """Return a session of the graph at ``path``.

    It computes with one thread, or with as many as ``OMP_NUM_THREADS`` says: a pool of threads a
    model would make several models on one machine wait for each other.

    Raises
    ------
    LoadError
        ``module_missing`` or ``load_failed``.
    """
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise LoadError(
            "module_missing",
            f"The model needs the module {error.name!r}, which is not there where it is served.",
            "Name it: requirements=['onnxruntime'].",
        ) from error
    options = runtime.SessionOptions()
    options.intra_op_num_threads = _threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors have no common base
        raise LoadError(
            "load_failed",
            f"onnxruntime cannot load {path.name}: {error}",
            "The log has the whole traceback.",
        ) from error


def _threads() -> int:
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) else 1
