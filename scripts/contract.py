"""Write ``backend/contract/``: the OpenAPI document, and one real answer of every kind.

Python and TypeScript tests read them. With ``--check`` nothing is written; the exit status tells
whether they are what the backend says today.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlkraken_client import Kraken
from mlkraken_client._connection import Connection
from mlkraken_client._embedded import stop

FOLDER = Path(__file__).parents[1] / "backend" / "contract"

FIXED: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "2026-01-01T00:00:00.000Z"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:" + "0" * 64),
    (re.compile(r"\b[0-9a-f]{32}\b"), "0" * 32),
    (re.compile(r"\br-[0-9a-f]{12}\b"), "r-000000000000"),
    (re.compile(r"\bu-[0-9a-f]{12,}\b"), "u-000000000000"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:40001"),
]
"""What differs from run to run, and what stands for it."""

VARYING: dict[str, Any] = {
    "port": 40001,
    "pid": 1000,
    "cpu_used": 0.5,
    "memory_used": 100_000_000,
    "size": 1000,
    "response_ms": 2.5,
    "model_ms": 0.5,
    "modelTimeMs": 0.5,
    "sent_at": 1767225600.0,
    "owner": "ada",
    "created_by": "ada",
    "token": "a.b.c",
    "cursor": "c",
    "id": 1,
    "revision": 1,
    "provenance": {},
}


def documents() -> Iterator[tuple[str, Any]]:
    """Yield every document with its path below ``backend/contract``."""
    with tempfile.TemporaryDirectory() as home:
        kraken = Kraken(home=home)
        try:
            yield "openapi.json", kraken.connection.call("GET", "/openapi.json")
            for name, document in _answers(kraken):
                yield f"examples/{name}.json", _fixed(document)
        finally:
            stop(Path(home))


def _answers(kraken: Kraken) -> Iterator[tuple[str, Any]]:
    import pandas as pd

    def double(table: Any) -> Any:
        return table["x"] * 2

    table = pd.DataFrame({"x": [1.0, 2.0]})
    service = kraken.deploy(double, "double", example=table, description="Twice x", quiet=True)
    call = kraken.connection.call
    yield "query", service.query({"x": 4.0}, note="comes back")
    yield "models", call("GET", "/models")
    yield "model", call("GET", "/models/double")
    yield "versions", call("GET", "/models/double/versions")
    yield "version", call("GET", "/models/double/versions/1")
    yield "service", call("GET", "/models/double/versions/1/service")
    yield "endpoints", call("GET", "/models/double/versions/1/service/endpoints")
    yield "logs", call("GET", "/models/double/versions/1/service/logs")
    yield "service-events", call("GET", "/models/double/versions/1/service/events")
    yield "error", _refusal(kraken.connection, "/models/nothing")


def _refusal(connection: Connection, path: str) -> Any:
    url = f"{connection.url}/api/v1{path}"
    return connection.transport.send("GET", url, headers=connection.headers()).json()


def _fixed(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: VARYING[key] if key in VARYING and inner is not None else _fixed(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_fixed(inner) for inner in value]
    if isinstance(value, str):
        for pattern, standing in FIXED:
            value = pattern.sub(standing, value)
    return value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    stale = []
    for name, document in documents():
        path = FOLDER / name
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    print(f"{'stale' if check else 'written'}: {', '.join(stale) or 'nothing'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
