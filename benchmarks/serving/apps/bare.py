"""The limit of the model: load it in a bare interpreter, predict, and say how long a call takes."""

from __future__ import annotations

import json
import statistics
import sys
import time

import numpy as np  # noqa: F401 - a user's program has it
from served import MODEL, TABULAR, inputs

rows = json.loads(sys.argv[1])
calls = int(sys.argv[2])
made = inputs(rows)
if TABULAR:
    import pandas as pd  # noqa: F401 - the answer must not wait for it

MODEL.predict(made)
if calls:
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        MODEL.predict(made)
        times.append(time.perf_counter() - began)
    print(json.dumps({"p50_ms": statistics.median(times) * 1000}))
