"""A protocol in front of a real engine, without a socket between them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlkraken_client._pack import pack
from mlkraken_serving._core import Prediction
from mlkraken_serving._errors import ServingError
from mlkraken_serving._manifest import read_bundle
from mlkraken_serving.engines._python import PythonEngine
from mlkraken_serving.protocols._http import status_of
from mlkraken_serving.protocols._port import Identity, Query, QueryProtocol, Reply, Service

READY = {"ready": True}


def service_of(model: Any, folder: Path, **options: Any) -> Service:
    """Pack and load a model as a server does."""
    bundle = read_bundle(pack(model, "asked", folder, **options).folder)
    engine = PythonEngine(bundle)
    engine.load()
    identity = Identity("asked", 3, "sha256:0")
    return Service(identity, bundle.manifest, engine, lambda: READY, dict)


def query(body: Any, headers: Mapping[str, str] | None = None, path: str = "/") -> Query:
    """Return a query; what is not bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.lower().encode(): text.encode() for name, text in (headers or {}).items()}
    return Query("POST", path, named, raw, "q-1")


def ask(protocol: QueryProtocol, service: Service, asked: Query) -> Reply:
    """Return what a protocol answers to a query."""
    try:
        wanted = protocol.read(asked)
        value = service.engine.predict(wanted.data, wanted.calls)
        return protocol.write(wanted, Prediction(value, wanted.data.rows, 0.1, 1), asked)
    except ServingError as error:
        return protocol.failed(error, status_of(error), asked.request_id)
