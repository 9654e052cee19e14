"""Flask as written by hand."""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from served import predict

app = Flask(__name__)


@app.post("/predict")
def answer() -> dict[str, Any]:
    return {"predictions": predict(request.get_json()["rows"])}
