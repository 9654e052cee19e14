"""The routes that stream, proxy or give no JSON, for the OpenAPI document."""

from __future__ import annotations

import re
from typing import Any, Literal

__all__ = ["STREAMED"]

_ANY_JSON: dict[str, Any] = {"application/json": {"schema": {}}}
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def _operation(
    path: str,
    summary: str,
    scope: Literal["query", "deploy"],
    gives: str,
    *,
    name: str,
    query: tuple[tuple[str, str], ...] = (),
    takes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
        for part in re.findall(r"\{(\w+)\}", path)
    ]
    parameters += [
        {"name": key, "in": "query", "schema": {"type": "string"}, "description": text}
        for key, text in query
    ]
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "x-scope": scope,
        "parameters": parameters,
        "responses": {
            "2XX": {"description": gives},
            "default": {"$ref": "#/components/responses/Error"},
        },
    }
    if takes is not None:
        operation["requestBody"] = {"required": True, "content": takes}
    return operation


_FILES = "/api/v1/models/{m}/versions/{v}/files/{path}"
_GATE, _GATE_BELOW = "/m/{reference}", "/m/{reference}/{path}"
_RUNTIME = "/sagemaker/endpoints/{endpoint}/invocations"
_ANSWER = "The service's answer."

STREAMED: dict[str, Any] = {
    "/api/v1/query": {
        "post": _operation(
            "/api/v1/query",
            "Query the model that metaData.modelId names.",
            "query",
            "The model's answer.",
            name="post_query",
            takes=_ANY_JSON,
        )
    },
    "/api/v1/events": {
        "get": _operation(
            "/api/v1/events",
            "Changes and response times as server-sent events; Last-Event-ID resumes.",
            "query",
            "text/event-stream",
            name="get_events",
            query=(
                ("times", "Models whose points to send: churn or churn@2, by commas."),
                ("history", "How many points of each to send first."),
            ),
        )
    },
    _FILES: {
        "put": _operation(
            _FILES,
            "Send one file of an upload ({v} is its id).",
            "deploy",
            "The file is there.",
            name="put_file",
            takes=_BYTES,
        ),
        "get": _operation(
            _FILES,
            "Fetch one file of a version's bundle.",
            "deploy",
            "The file.",
            name="get_file",
        ),
    },
    "/api/v1/openapi.json": {
        "get": _operation(
            "/api/v1/openapi.json", "This document.", "query", "OpenAPI 3.1.", name="get_openapi"
        )
    },
    "/api/v1/docs": {
        "get": _operation(
            "/api/v1/docs", "This document as a page.", "query", "HTML.", name="get_docs"
        )
    },
    _GATE: {
        "post": _operation(
            _GATE,
            "The gateway: query churn, churn@live or churn@3.",
            "query",
            _ANSWER,
            name="post_gateway",
            takes=_ANY_JSON,
        )
    },
    _GATE_BELOW: {
        "get": _operation(
            _GATE_BELOW,
            "The gateway: any route of the model's own service.",
            "query",
            _ANSWER,
            name="get_gateway_below",
        ),
        "post": _operation(
            _GATE_BELOW,
            "The gateway: any route of the model's own service.",
            "query",
            _ANSWER,
            name="post_gateway_below",
            takes=_ANY_JSON,
        ),
    },
    _RUNTIME: {
        "post": _operation(
            _RUNTIME,
            "SageMaker's runtime API: invoke_endpoint of the AWS SDKs, with our token as session "
            "token.",
            "query",
            _ANSWER,
            name="post_sagemaker_invocations",
            takes=_BYTES,
        )
    },
}
