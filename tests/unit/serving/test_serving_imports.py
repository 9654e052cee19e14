"""A model server starts without the data libraries that its bundle may not need."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"pandas", "boto3", "pyarrow", "numpy", "nanoarrow", "sklearn", "joblib", "jwt"}


def test_importing_the_server_loads_no_data_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, mlkraken_serving._main; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "mlkraken_serving" in loaded
    assert not loaded & HEAVY
