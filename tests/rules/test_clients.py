"""The table of clients is what the tests show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_clients_is_what_the_tests_say() -> None:
    command = [sys.executable, ROOT / "scripts" / "clients.py", "--check"]
    done = subprocess.run(command, check=False)
    assert done.returncode == 0, "Write it anew: python scripts/clients.py"
