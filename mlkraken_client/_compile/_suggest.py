"""Find out whether compiling would pay: ``python -m mlkraken_client._compile._suggest FOLDER``.

Runs beside a deployment with the lowest priority. The folder holds the model and its example; it
is removed as soon as they are read. Prints one JSON line if the model agrees, else nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import shutil
import sys
from pathlib import Path

from mlkraken_client._compile._attempt import Attempt, compile_model

__all__ = ["main"]

_LOWEST = 19


def main() -> None:
    """Compile the model in the folder that the command line names."""
    if hasattr(os, "nice"):
        os.nice(_LOWEST)
    folder = Path(sys.argv[1])
    with contextlib.redirect_stdout(io.StringIO()):  # the model's own words are no finding
        attempt = _attempt(folder)
    if attempt.agrees:
        found = {"rows": attempt.document["rows"], "speedup": attempt.speedup}
        sys.stdout.write(json.dumps(found) + "\n")


def _attempt(folder: Path) -> Attempt:
    try:
        asked = pickle.loads((folder / "asked.pkl").read_bytes())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    model = asked["model"]
    return compile_model(
        model, asked["flavor"], model.predict, asked["example"], asked["signature"]
    )


if __name__ == "__main__":
    main()
