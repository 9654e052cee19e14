"""The OpenAPI 3.1 document, made from the routes and the types they take and give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from mlkraken_backend.wire._errors import ErrorBody

__all__ = ["Described", "openapi"]

_REF = "#/components/schemas/{name}"
_TITLE = "ML-Kraken control plane"
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Sent again with the same key, the write is answered again and not done twice.",
    "schema": {"type": "string"},
}


class Described(Protocol):
    """What the document needs to know of a route."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def scope(self) -> str | None: ...
    @property
    def summary(self) -> str: ...
    @property
    def takes(self) -> type[Any] | None: ...
    @property
    def gives(self) -> type[Any] | None: ...
    @property
    def params(self) -> Sequence[Any]: ...


def openapi(routes: Sequence[Described], extra: dict[str, Any], version: str) -> dict[str, Any]:
    """Return the document.

    Parameters
    ----------
    routes
        Routes that take and give JSON, below ``/api/v1``.
    extra
        Path items for routes that stream or proxy.
    version
        Version of the API's implementation.
    """
    types = _types(routes)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = dict(zip(types, schemas, strict=True))
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault("/api/v1" + route.path, {})[route.method.lower()] = _operation(
            route, schema_of
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "version": version, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "paths": {**paths, **extra},
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "responses": {"Error": _content(schema_of[ErrorBody], "It failed; the body says why.")},
        },
        "security": [{"bearer": []}],
    }


def _types(routes: Iterable[Described]) -> list[type[Any]]:
    types: dict[type[Any], None] = {ErrorBody: None}
    for route in routes:
        for kind in (route.takes, route.gives):
            if kind is not None:
                types[kind] = None
    return list(types)


def _operation(route: Described, schema_of: dict[type[Any], Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "parameters": [
            *_path_parameters(route.path),
            *_own_parameters(route),
            *([] if route.method == "GET" else [_IDEMPOTENCY]),
        ],
        "responses": {
            "2XX": _content(schema_of[route.gives], "Done.")
            if route.gives
            else {"description": ""},
            "default": {"$ref": "#/components/responses/Error"},
        },
    }
    if route.scope is None:
        operation["security"] = []
    else:
        operation["x-scope"] = route.scope
    if route.takes is not None:
        operation["requestBody"] = {
            "required": True,
            **_content(schema_of[route.takes], ""),
        }
    return operation


def _operation_id(route: Described) -> str:
    words = re.findall(r"[a-z]+", route.path.replace("{", "by-").replace("}", ""))
    return "_".join([route.method.lower(), *words])


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _own_parameters(route: Described) -> list[dict[str, Any]]:
    return [
        {
            "name": param.name,
            "in": param.place,
            "description": param.summary,
            "schema": {"type": param.kind},
        }
        for param in route.params
    ]


def _content(schema: Any, description: str) -> dict[str, Any]:
    content = {"content": {"application/json": {"schema": schema}}}
    return {"description": description, **content} if description else content
