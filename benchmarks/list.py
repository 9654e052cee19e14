"""The first page of the list with 1,000 models of 5 versions each, beside ``GET /health``."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from _report import figure, median_ms, timed_ms

from mlkraken_backend.adapters._sqlite import SqliteStore
from mlkraken_backend.lifecycle import brief
from mlkraken_backend.ports import Save
from mlkraken_backend.values import Alias, Model, Service, Version
from mlkraken_client import Kraken
from mlkraken_client._embedded import stop

MODELS, VERSIONS, ROUNDS, PAGE = 1000, 5, 200, 200


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        kraken = Kraken(home=home)
        kraken.models()
        stop(home)
        _fill(home / "kraken.db")
        try:
            health, page = _rounds(kraken)
        finally:
            stop(home)
    p50_health, p50_page = median_ms(health), median_ms(page)
    figure(
        f"first page ({PAGE}) of {MODELS:,} models x {VERSIONS} versions / health",
        f"{p50_page:.1f} / {p50_health:.1f} ms = {p50_page / p50_health:.1f}",
        "under 30 ms",
        p50_page < 30,
    )


def _rounds(kraken: Kraken) -> tuple[list[float], list[float]]:
    call, health, page = kraken.connection.call, [], []
    for _ in range(ROUNDS):
        health.append(timed_ms(lambda: call("GET", "/health")))
        page.append(timed_ms(lambda: call("GET", "/models", query={"limit": PAGE})))
    told = call("GET", "/models", query={"limit": PAGE})
    assert len(told["models"]) == PAGE
    assert told["models"][0]["versions"] == list(range(1, VERSIONS + 1))
    assert len(kraken.models()) == MODELS
    return health, page


def _fill(database: Path) -> None:
    store, now = SqliteStore(database), time.time()
    numbers = range(1, VERSIONS + 1)
    for count in range(MODELS):
        name = f"model-{count:04}"
        services = [Service(name, number, now) for number in numbers]
        model = Model(
            name=name,
            owner="ada",
            created_at=now,
            updated_at=now,
            description="One of many",
            tags={"team": f"t{count % 7}"},
            highest=VERSIONS,
            versions=list(numbers),
            services={service.version: brief(service) for service in services},
            aliases={"live": Alias(version=VERSIONS)},
        )
        versions = [
            Version(name, number, "ready", f"sha256:{count:032x}{number:032x}", 1, {}, "ada", now)
            for number in numbers
        ]
        store.commit([Save(model), *map(Save, versions), *map(Save, services)])
    store.close()


if __name__ == "__main__":
    main()
