"""What a deployment says about compiling when nobody has asked for it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlkraken_client._pack import Bundle

__all__ = ["suggest"]

_FLAVORS = ("sklearn", "xgboost", "lightgbm")
_MOST_BYTES = 50 * 2**20
_LONGEST_S = 180.0
_WORTH = 3.0
_ROWS = 200


def suggest(
    bundle: Bundle, model: Any, example: Any, say: Callable[[str], None]
) -> threading.Thread | None:
    """Try the compiled form in a process beside, and say so if it would pay.

    Returns at once and never fails: it is no part of the deployment.

    Parameters
    ----------
    bundle, model, example
        What is deployed.
    say
        Called with one line, from another thread, if compiling would pay.

    Returns
    -------
    Thread or None
        What waits for the finding; None where there is nothing to find.
    """
    flavor = bundle.manifest["flavor"]
    known = flavor in _FLAVORS and bundle.manifest["entry"]["call"] == "predict"
    there = all(importlib.util.find_spec(name) for name in ("skl2onnx", "onnxruntime"))
    if not (known and there) or not hasattr(example, "shape") or not hasattr(model, "predict"):
        return None
    try:
        import cloudpickle

        asked = {
            "model": model,
            "flavor": flavor,
            "example": example[:_ROWS],
            "signature": bundle.manifest["signature"],
        }
        data = cloudpickle.dumps(asked, protocol=5)
    except Exception:  # what cannot be pickled has been told by the deployment itself
        return None
    if len(data) > _MOST_BYTES:
        return None
    finding = threading.Thread(target=_find_out, args=(data, say), daemon=True)
    finding.start()
    return finding


def _find_out(data: bytes, say: Callable[[str], None]) -> None:
    folder = tempfile.mkdtemp(prefix="mlkraken-compile-")
    (Path(folder) / "asked.pkl").write_bytes(data)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mlkraken_client._compile._suggest", folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            timeout=_LONGEST_S,
            check=False,
        )
        found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return  # no finding is no news
    if found["speedup"] >= _WORTH:
        say(
            f"compiled it agrees on {found['rows']:,} rows and is {found['speedup']:.0f} times "
            "faster: compile=True"
        )
