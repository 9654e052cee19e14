"""Ray Serve with its batching."""

from __future__ import annotations

import sys
import time
from typing import Any

import ray
from ray import serve
from served import predict
from starlette.requests import Request


@serve.deployment(num_replicas=1, max_ongoing_requests=256, ray_actor_options={"num_cpus": 1})
class Rows:
    @serve.batch(max_batch_size=64, batch_wait_timeout_s=0.002)
    async def together(self, asked: list[list[Any]]) -> list[list[Any]]:
        answers = iter(predict([row for rows in asked for row in rows]))
        return [[next(answers) for _ in rows] for rows in asked]

    async def __call__(self, request: Request) -> dict[str, Any]:
        return {"predictions": await self.together((await request.json())["rows"])}


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Rows.bind(), route_prefix="/predict")
    while True:
        time.sleep(3600)
