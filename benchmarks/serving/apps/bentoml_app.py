"""BentoML with its batching."""

from __future__ import annotations

from typing import Any

import bentoml
import numpy as np
from served import MODEL, TABULAR, predict

# Its batching takes no DataFrame: it counts the rows of one wrongly and never answers.
Rows = list[dict[str, Any]] if TABULAR else np.ndarray
Answers = list[int] if TABULAR else np.ndarray


def answer(rows: Any) -> Any:
    return predict(rows) if TABULAR else MODEL.predict(rows)


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Rowwise:
    @bentoml.api(batchable=True, max_batch_size=20_000, max_latency_ms=1000)
    def predict(self, rows: Rows) -> Answers:  # type: ignore[valid-type]
        return answer(rows)
