"""LitServe with its batching: queries that came together are one call of the model."""

from __future__ import annotations

import sys
from typing import Any

import litserve
from served import predict


class Rows(litserve.LitAPI):
    def setup(self, device: str) -> None:
        """The model is loaded with `served`."""

    def decode_request(self, request):  # an annotation would make it a parameter of the URL
        return request["rows"]

    def batch(self, inputs: list[list[Any]]) -> tuple[list[Any], list[int]]:
        return [row for rows in inputs for row in rows], [len(rows) for rows in inputs]

    def predict(self, batch: tuple[list[Any], list[int]]) -> tuple[list[Any], list[int]]:
        rows, sizes = batch
        return predict(rows), sizes

    def unbatch(self, output: tuple[list[Any], list[int]]) -> list[list[Any]]:
        answers, sizes = iter(output[0]), output[1]
        return [[next(answers) for _ in range(size)] for size in sizes]

    def encode_response(self, output: list[Any]) -> dict[str, Any]:
        return {"predictions": output}


if __name__ == "__main__":
    api = Rows(max_batch_size=64, batch_timeout=0.002)
    server = litserve.LitServer(api, accelerator="cpu", devices=1, workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
    )
