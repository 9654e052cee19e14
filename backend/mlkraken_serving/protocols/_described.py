"""A service's OpenAPI 3.1 document, made from its signature and its example."""

from __future__ import annotations

import re
from typing import Any

from mlkraken_serving._manifest import Signature
from mlkraken_serving.codecs._schema import cell_schema, row_schema
from mlkraken_serving.protocols._port import Endpoint, Page, Served, Service

__all__ = ["openapi"]

_PART = re.compile(r"\{(\w+)\}")
_ARROW = "application/vnd.apache.arrow.stream"
_PARQUET = "application/vnd.apache.parquet"
_TOLD = {
    "/": "Ask the model: modelData in, result out.",
    "/predict": "The same as POST /; a bare array of rows is answered as vetiver does.",
    "/invocations": "Ask the model as MLflow's scoring server and SageMaker's containers do.",
    "/v1/models/{model}:predict": "Ask the model by KServe's V1 protocol.",
    "/v2/models/{model}/infer": "Ask the model by the Open Inference Protocol, JSON or binary.",
    "/v2/models/{model}/versions/{version}/infer": "The same for a version or alias.",
    "/v2": "The server's name, version and extensions.",
    "/v2/health/live": "Whether the server lives.",
    "/v2/health/ready": "Whether the server answers queries.",
    "/v2/models": "The models that are served here.",
    "/v2/models/stats": "Counts and durations since the start.",
    "/v2/models/{model}": "Inputs and outputs of the model.",
    "/v2/repository/index": "The models that are served here, as Triton lists them.",
    "/v1/models": "The models that are served here, as KServe lists them.",
    "/v1/models/{model}": "Whether the model answers queries.",
    "/ping": "Whether queries are answered, as MLflow, SageMaker and vetiver ask.",
    "/version": "The server's version, as MLflow asks.",
    "/metadata": "What the model is, as vetiver tells it.",
    "/prototype": "One row's JSON Schema, as vetiver tells it.",
    "/health": "Whether queries are answered, by what, and whether the example still holds.",
    "/metrics": "Counts and durations in Prometheus' text format.",
    "/openapi.json": "This document.",
    "/docs": "This document as a page to try the model on.",
}
_ENDINGS = {
    "ready": "Whether the model answers queries.",
    "config": "The model's configuration, as Triton tells it.",
    "stats": "Counts and durations since the start.",
    "load": "Answer whether the model is loaded.",
    "unload": "Refused: stopping a service is the backend's.",
}


def openapi(service: Service, served: Served) -> dict[str, Any]:
    """Return the document for all that is ``served``."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in served.endpoints:
        paths.setdefault(endpoint.path, {})["post"] = _query(endpoint, service)
    for page in served.pages:
        for method in page.methods:
            paths.setdefault(page.path, {})[method.lower()] = _page(page, method)
    identity = service.identity
    return {
        "openapi": "3.1.0",
        "info": {
            "title": identity.model,
            "version": str(identity.version),
            "description": f"Version {identity.version} of {identity.model!r} as a service.",
        },
        "servers": [{"url": "."}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": _schemas(service.manifest.signature),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}],
    }


def _page(page: Page, method: str) -> dict[str, Any]:
    told = _TOLD.get(page.path) or _ENDINGS.get(page.path.rpartition("/")[2], "")
    if page.path.endswith("{version}"):
        told = "Inputs and outputs of a version."
    if page.path == "/":
        told = "Whether the server lives, as KServe's V1 protocol asks."
    operation = _operation(page.path, method, told)
    operation["responses"]["200"] = {"description": "The answer."}
    if page.open:
        operation["security"] = []
    return operation


def _query(endpoint: Endpoint, service: Service) -> dict[str, Any]:
    operation = _operation(endpoint.path, "POST", _TOLD[endpoint.path])
    example = service.example()
    operation["requestBody"] = {
        "required": True,
        "content": _contents(endpoint.path, service, example),
    }
    operation["responses"]["200"] = {"description": "The model's answer."}
    operation["responses"]["5XX"] = {"description": "The model failed, or gave no answer in time."}
    return operation


def _operation(path: str, method: str, told: str) -> dict[str, Any]:
    name = re.sub(r"\W+", "_", path).strip("_") or "root"
    return {
        "operationId": f"{method.lower()}_{name}",
        "summary": told,
        "parameters": [
            {"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
            for part in _PART.findall(path)
        ],
        "responses": {"4XX": {"description": "Refused, with the reason."}},
    }


def _contents(path: str, service: Service, example: Any) -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    if path in ("/", "/predict"):
        body = {"modelData": example, "metaData": {"modelId": service.identity.model}}
        kinds = {kind: binary for kind in (_ARROW, _PARQUET, "text/csv")}
        return {"application/json": _json("Query", body, example), **kinds}
    if path == "/invocations":
        records = isinstance(example, list) and bool(example) and isinstance(example[0], dict)
        key = "dataframe_records" if records else "instances"
        kinds = {kind: binary for kind in ("text/csv", _PARQUET)}
        return {"application/json": _json("Invocation", {key: example}, example), **kinds}
    if path.startswith("/v1"):
        return {"application/json": _json("Instances", {"instances": example}, example)}
    return {
        "application/json": _json("InferRequest", None, None),
        "application/octet-stream": binary,
    }


def _json(schema: str, body: Any, example: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return content if example is None else content | {"example": body}


def _schemas(signature: Signature) -> dict[str, Any]:
    rows = _rows(signature)
    return {
        **({"Row": row_schema(signature)} if _named(signature) else {}),
        "Query": {
            "type": "object",
            "required": ["modelData"],
            "properties": {"modelData": rows, "metaData": {"type": "object"}},
        },
        "Instances": {
            "type": "object",
            "required": ["instances"],
            "properties": {"instances": {"type": "array"}},
        },
        "Invocation": {
            "type": "object",
            "minProperties": 1,
            "properties": {
                "dataframe_split": {"type": "object"},
                "dataframe_records": {"type": "array", "items": {"type": "object"}},
                "instances": {},
                "inputs": {},
                "params": {"type": "object"},
            },
        },
        "InferRequest": {
            "type": "object",
            "required": ["inputs"],
            "properties": {
                "id": {"type": "string"},
                "parameters": {"type": "object"},
                "inputs": {"type": "array", "items": {"$ref": "#/components/schemas/InferTensor"}},
                "outputs": {"type": "array", "items": {"type": "object"}},
            },
        },
        "InferTensor": {
            "type": "object",
            "required": ["name", "shape", "datatype"],
            "properties": {
                "name": {"type": "string"},
                "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                "datatype": {"type": "string"},
                "parameters": {"type": "object"},
                "data": {"type": "array"},
            },
        },
    }


def _named(signature: Signature) -> bool:
    return signature.kind in ("dataframe", "records", "dict") and bool(signature.fields)


def _rows(signature: Signature) -> dict[str, Any]:
    """Return the schema of ``modelData``."""
    if _named(signature):
        row = {"$ref": "#/components/schemas/Row"}
        columns = {
            "type": "object",
            "properties": {
                field.name: {"type": "array", "items": cell_schema(field)}
                for field in signature.fields
            },
        }
        matrix = {"type": "array", "items": {"type": "array"}}
        return {"anyOf": [row, {"type": "array", "items": row}, columns, matrix]}
    if signature.kind in ("series", "list"):
        return {"type": "array", "items": cell_schema(signature.fields[0])}
    if signature.kind == "ndarray":
        return {"type": "array", "description": f"Shape {signature.fields[0].shape}, rows first."}
    return {}
