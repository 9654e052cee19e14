"""Save the model as an MLflow folder, which is what MLflow serves."""

from __future__ import annotations

import sys

import mlflow
from served import MODEL

# Its usual format refuses the trees of a gradient boosting; a pickle is what all others serve.
mlflow.sklearn.save_model(MODEL, sys.argv[1], serialization_format="pickle")
