"""vetiver: its own API around its own model."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import pandas as pd
from served import MODEL, TABULAR
from vetiver import VetiverAPI, VetiverModel

# It hands over a DataFrame where the model knows a matrix; a warning a query would cost it dear.
warnings.filterwarnings("ignore", category=UserWarning)

if TABULAR:
    rows = json.loads(Path(os.environ["SERVED_MODEL"]).with_name("example.json").read_text("utf-8"))
    prototype = pd.DataFrame(rows)
else:
    prototype = pd.DataFrame(
        [[0.0] * MODEL.n_features_in_], columns=os.environ["SERVED_COLUMNS"].split(",")
    )

app = VetiverAPI(VetiverModel(MODEL, "served", prototype_data=prototype)).app
