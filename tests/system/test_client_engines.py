"""What runs a model, chosen at deployment, by client and backend together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlkraken_client import InvalidRequest, Kraken
from mlkraken_client._cli import main


def test_deploy_compiled_in_two_processes_and_say_so(kraken: Kraken, penguins: Any) -> None:
    model, X = penguins
    rows = X.dropna()
    service = kraken.deploy(model, "penguins", example=rows.head(), compile=True, workers=2)
    told = service.describe()
    assert (told["engine"], told["workers"]) == ("onnx-compiled", 2)
    answers = service.predict(rows)
    assert np.array_equal(answers, model.predict(rows))
    assert answers.dtype == model.predict(rows).dtype
    service.scale(workers=1)
    service.wait()
    assert service.describe()["workers"] == 1
    assert np.array_equal(service.predict(rows), answers)


def test_a_number_of_workers_that_cannot_be_is_refused(kraken: Kraken) -> None:
    with pytest.raises(InvalidRequest) as caught:
        kraken.deploy(len, "len", workers=0)
    assert caught.value.code == "size_invalid"
    assert "workers=0" in caught.value.message


def test_pack_says_how_compiling_went(
    tmp_path: Any, penguins: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    import joblib

    model, X = penguins
    joblib.dump(model, tmp_path / "birds.joblib")
    X.dropna().head(20).to_json(tmp_path / "rows.json", orient="records")
    where = ["--example", str(tmp_path / "rows.json"), "-o", str(tmp_path / "bundle")]
    with pytest.raises(SystemExit) as ended:
        main(["pack", str(tmp_path / "birds.joblib"), "--compile", *where])
    assert ended.value.code in (0, None)
    assert "compiled: agrees on" in capsys.readouterr().out
