"""The description of the API, for programs and for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from mlkraken_backend.auth import Authenticator
from mlkraken_backend.routes._http import caller_of, id_of
from mlkraken_backend.wire._docs import docs_page

__all__ = ["Description"]


@dataclass(frozen=True)
class Description:
    """Handlers that give the OpenAPI document out."""

    openapi: dict[str, Any]
    authenticator: Authenticator

    async def document(self, request: Request) -> Response:
        caller_of(request, self.authenticator, "query", None)
        return JSONResponse(self.openapi, headers={"x-request-id": id_of(request)})

    async def page(self, request: Request) -> Response:
        caller_of(request, self.authenticator, "query", None)
        return HTMLResponse(docs_page(self.openapi), headers={"x-request-id": id_of(request)})
