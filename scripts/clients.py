"""Write the table of ``docs/clients.md``: every client and operation that a test drives.

A test says what it shows by ``@pytest.mark.client("client", "operation")``. With ``--check``
nothing is written; the exit status tells whether the table is what the tests say.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "clients.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield client, operation and test file of every mark."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.client":
                client, operation = (ast.literal_eval(argument) for argument in node.args)
                yield client, operation, str(path.relative_to(ROOT))


def table() -> str:
    """Return the table, sorted by client."""
    lines = [
        f"| {client} | {operation} | [{Path(place).stem}](../{place}) |"
        for client, operation, place in sorted(set(rows()))
    ]
    return "\n".join(["| client | operation | test |", "|---|---|---|", *lines]) + "\n"


def main() -> int:
    """Write the table, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    text = DOCUMENT.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = before + BEGIN + table() + END + after
    if not check:
        DOCUMENT.write_text(wanted, "utf-8")
    return int(check and text != wanted)


if __name__ == "__main__":
    sys.exit(main())
