"""``kraken.deploy`` until the first right answer, beside a bare process that does the same.

The bare process imports scikit-learn and pandas, loads the same file, and predicts once.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
from _penguins import penguins
from _report import figure, median_ms, timed_ms

from mlkraken_client import Kraken
from mlkraken_client._embedded import stop

ROUNDS = 9

BARE = """
import sys
import joblib, pandas, sklearn
model = joblib.load(sys.argv[1])
model.predict(pandas.read_json(sys.argv[2]))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        kraken = Kraken(home=home)
        began = timed_ms(kraken.models)
        try:
            bare, deployed = _rounds(kraken, Path(folder))
        finally:
            stop(home)
    p50_bare, p50_deployed = median_ms(bare) / 1000, median_ms(deployed) / 1000
    most = 1.5 * p50_bare + 0.5
    figure(
        "deploy until the first right answer / bare load and predict",
        f"{p50_deployed:.2f} / {p50_bare:.2f} s = {p50_deployed / p50_bare:.2f}",
        f"at most 1.5 x + 0.5 s = {most:.2f} s",
        p50_deployed <= most,
    )
    print(f"      (the backend's own start, once a login: {began / 1000:.2f} s)")


def _rounds(kraken: Kraken, folder: Path) -> tuple[list[float], list[float]]:
    bare, deployed = [], []
    for number in range(ROUNDS):
        model, X = penguins(1.0 + number)
        file, rows = folder / "model.joblib", folder / "rows.json"
        joblib.dump(model, file)
        X.head().to_json(rows)
        command = [sys.executable, "-c", BARE, str(file), str(rows)]
        bare.append(timed_ms(lambda: subprocess.run(command, check=True)))  # noqa: B023

        def job() -> None:
            service = kraken.deploy(model, f"churn-{number}", example=X.head(), quiet=True)  # noqa: B023
            assert (service.predict(X.head()) == model.predict(X.head())).all()  # noqa: B023

        deployed.append(timed_ms(job))
        kraken.delete(f"churn-{number}")
    return bare, deployed


if __name__ == "__main__":
    main()
