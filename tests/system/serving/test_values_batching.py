"""Predicted together, sums may end in other bits; ``batch=False`` gives those of the rows alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlkraken_client._pack import pack
from tests.system.serving import _tabular
from tests.system.serving.conftest import Start
from tests.system.serving.test_serving_batching import ask_together

QUERIES = 12


def rows() -> pd.DataFrame:
    cells = np.random.default_rng(3).normal(size=(QUERIES, 20))
    return pd.DataFrame(cells, columns=[f"c{place}" for place in range(20)]).assign(gate="", x=1.0)


@pytest.mark.parametrize("batch", [False, True])
def test_queries_that_waited_together_are_answered_with_their_own_bits(
    start: Start, tmp_path: Path, batch: bool
) -> None:
    frame = rows()
    folder = pack(_tabular.weighed, "w", tmp_path / "b", example=frame, batch=batch).folder
    queries: list[dict[str, Any]] = frame.to_dict("records")
    gated = {name: 0.0 for name in frame if name != "gate"}
    answers = ask_together(start(folder), tmp_path, queries, gated)
    got = np.array([answer.result[0] for answer in answers])
    alone = np.concatenate([_tabular.weighed(frame.iloc[[place]]) for place in range(QUERIES)])
    told = {answer.json["metaData"]["batchRows"] for answer in answers}
    if batch:
        assert told == {QUERIES}
        np.testing.assert_allclose(got, alone, rtol=1e-12)
    else:
        assert told == {1}
        assert got.tobytes() == alone.tobytes()
