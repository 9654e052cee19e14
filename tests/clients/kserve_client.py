"""Ask a model server by KServe's own client and print what it says, as JSON.

Runs in the client's environment: ``kserve_client.py PORT MODEL VALUES`` with a JSON matrix.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig


async def second(url: str, model: str, rows: np.ndarray) -> dict[str, Any]:
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))

    async def infer(name: str, *, binary: bool) -> dict[str, list[Any]]:
        tensor = InferInput("value", list(rows.shape), "FP64")
        tensor.set_data_from_numpy(rows, binary_data=binary)
        # Asking for all outputs as bytes is the client's own parameter, and so is leaving it out.
        request = InferRequest(
            name, [tensor], request_id="mine", parameters={"binary_data_output": binary}
        )
        answer = await client.infer(url, request, model_name=name)
        assert (answer.model_name, answer.id) == (model, "mine")
        return {one.name: _plain(one.as_numpy()) for one in answer.outputs}

    told = {
        "live": await client.is_server_live(url),
        "ready": await client.is_server_ready(url),
        "model ready": await client.is_model_ready(url, model),
        "other ready": await client.is_model_ready(url, "other"),
        "binary": await infer(model, binary=True),
        "json": await infer(model, binary=False),
    }
    try:
        await infer("other", binary=True)
    except Exception as error:  # its kind is the client's business; what it says is ours
        told["error"] = str(error)
    await client.close()
    return told


async def first(url: str, model: str, rows: np.ndarray) -> dict[str, Any]:
    client = InferenceRESTClient(RESTConfig(protocol="v1", retries=0))
    told = {
        "live": await client.is_server_live(url),
        "model ready": await client.is_model_ready(url, model),
        "predictions": (await client.infer(url, {"instances": rows.tolist()}, model_name=model)),
    }
    try:
        await client.infer(url, {"instances": [[1, 2, 3, "much"]]}, model_name=model)
    except Exception as error:
        told["error"] = str(error)
    await client.close()
    return told


def _plain(array: np.ndarray) -> list[Any]:
    cells = array.ravel().tolist()
    return [cell.decode() if isinstance(cell, bytes) else cell for cell in cells]


async def main() -> None:
    port, model, values = sys.argv[1:]
    url, rows = f"http://127.0.0.1:{port}", np.array(json.loads(values))
    print(json.dumps({"v2": await second(url, model, rows), "v1": await first(url, model, rows)}))


asyncio.run(main())
