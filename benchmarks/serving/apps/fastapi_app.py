"""FastAPI as written by hand: one async route."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from served import predict

app = FastAPI()


class Query(BaseModel):
    rows: list[Any]


class Answer(BaseModel):
    predictions: list[Any]


@app.post("/predict")
async def answer(query: Query) -> Answer:
    return Answer(predictions=predict(query.rows))
