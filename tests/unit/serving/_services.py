"""A model behind the protocols and the engine, in this process: what a query passes, but HTTP."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlkraken_client._answers import decode
from mlkraken_client._codec import encode, encode_request
from mlkraken_client._signature import describe_input
from mlkraken_serving._core import Prediction
from mlkraken_serving._manifest import Bundle, Entry, Manifest, Signature
from mlkraken_serving.engines._python import PythonEngine
from mlkraken_serving.protocols._arrow import ArrowProtocol
from mlkraken_serving.protocols._kraken import KrakenProtocol
from mlkraken_serving.protocols._port import Identity, Query, QueryProtocol, Service
from tests.unit.serving._encodings import signature_of

ARROW = b"application/vnd.apache.arrow.stream"


class Served:
    """A model, pickled and loaded by the engine.

    Parameters
    ----------
    model
        The model, or a function.
    folder
        Where its file goes.
    call
        What the bundle says is called.
    """

    def __init__(self, model: Any, folder: Path, call: str = "predict") -> None:
        (folder / "model.pkl").write_bytes(pickle.dumps(model))
        self._entry = Entry("pickle", "model.pkl", call)
        self._folder = folder

    def service(self, signature: Signature) -> Service:
        manifest = Manifest(1, "m", "python", "object", self._entry, signature)
        engine = PythonEngine(Bundle(self._folder, manifest))
        engine.load()
        return Service(Identity("m", 1, "sha256:0"), manifest, engine, dict, dict)

    def ask(
        self,
        signature: Signature,
        body: bytes,
        *,
        columnar: bool = False,
        headers: Mapping[bytes, bytes] | None = None,
        arguments: bytes = b"",
    ) -> bytes:
        """Return the body of the answer."""
        service = self.service(signature)
        protocol: QueryProtocol = (ArrowProtocol if columnar else KrakenProtocol)(service)
        query = Query("POST", "/", dict(headers or {}), body, "r1", arguments)
        asked = protocol.read(query)
        value = service.engine.predict(asked.data, asked.calls)
        done = Prediction(value, asked.data.rows, 0.1, asked.data.rows)
        return protocol.write(asked, done, query).body

    def predict(self, value: Any, example: Any = None) -> Any:
        """Return what `Service.predict` does: the client's own way there and back."""
        described = describe_input(value if example is None else example)
        data, meta = encode(value, described)
        signature = signature_of(value if example is None else example)
        answer = json.loads(self.ask(signature, encode_request(data, meta)))
        return decode(answer["result"], answer["metaData"]["resultType"], value)
