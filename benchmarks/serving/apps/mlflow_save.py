"""Save the model as an MLflow folder, which is what MLflow serves."""

from __future__ import annotations

import sys

import mlflow
from served import MODEL

mlflow.sklearn.save_model(MODEL, sys.argv[1])
