"""p50 of ``service.predict(one row)`` beside bare ``model.predict``, call by call in turn."""

from __future__ import annotations

import tempfile

from _penguins import penguins
from _report import figure, median_ms, timed_ms

from mlkraken_client import Kraken
from mlkraken_client._embedded import stop

ROUNDS = 1500


def main() -> None:
    model, X = penguins()
    row = X.iloc[[3]]
    with tempfile.TemporaryDirectory() as home:
        kraken = Kraken(home=home)
        try:
            service = kraken.deploy(model, "penguins", example=X.head(), quiet=True)
            assert (service.predict(X) == model.predict(X)).all()
            bare, served = [], []
            for _ in range(ROUNDS):
                bare.append(timed_ms(lambda: model.predict(row)))
                served.append(timed_ms(lambda: service.predict(row)))
        finally:
            stop(kraken.connection.target.home)
    p50_bare, p50_served = median_ms(bare), median_ms(served)
    difference = p50_served - p50_bare
    figure(
        "service.predict(one row) - model.predict, p50",
        f"{p50_served:.2f} - {p50_bare:.2f} = {difference:.2f} ms",
        "at most 1 ms",
        difference <= 1.0,
    )


if __name__ == "__main__":
    main()
