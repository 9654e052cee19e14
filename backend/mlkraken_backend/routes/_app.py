"""The control plane's ASGI app."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from mlkraken_backend._errors import BackendError
from mlkraken_backend.auth import Authenticator, Signer
from mlkraken_backend.routes._backend import SelfRoutes
from mlkraken_backend.routes._description import Description
from mlkraken_backend.routes._files import BundleFiles
from mlkraken_backend.routes._gateway import Gateway
from mlkraken_backend.routes._http import (
    Endpoint,
    answer_error,
    answer_no_route,
    answer_unexpected,
    endpoint,
)
from mlkraken_backend.routes._hub import Hub
from mlkraken_backend.routes._models import ModelRoutes
from mlkraken_backend.routes._sagemaker import SageMakerRuntime
from mlkraken_backend.routes._services import ServiceRoutes
from mlkraken_backend.routes._streamed import STREAMED
from mlkraken_backend.routes._streams import EventStream
from mlkraken_backend.routes._versions import VersionRoutes
from mlkraken_backend.usecases._outside import Outside
from mlkraken_backend.usecases.idempotency import Once
from mlkraken_backend.usecases.queries import Queries
from mlkraken_backend.wire._openapi import openapi

__all__ = ["build_app"]

_ANY = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


def build_app(
    outside: Outside,
    authenticator: Authenticator,
    self_routes: SelfRoutes,
    signer: Signer,
    hub: Hub,
) -> Starlette:
    """Return the app with every route of the control plane and the gateway."""
    once = Once(outside)
    gateway = Gateway(Queries(outside), authenticator, signer)
    runtime = SageMakerRuntime(gateway, authenticator)
    documented = [
        *self_routes.routes(),
        *ModelRoutes(outside).routes(),
        *VersionRoutes(outside).routes(),
        *ServiceRoutes(outside, signer).routes(),
    ]
    described = Description(openapi(documented, STREAMED, self_routes.about.version), authenticator)
    files, file = BundleFiles(outside, authenticator), "/models/{m}/versions/{v}/files/{path:path}"

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await gateway.close()

    api = [
        *((item.method, item.path, endpoint(item, authenticator, once)) for item in documented),
        ("PUT", file, files.receive),
        ("GET", file, files.fetch),
        ("POST", "/query", gateway.by_body),
        ("GET", "/events", EventStream(outside, authenticator, hub).__call__),
        ("GET", "/openapi.json", described.document),
        ("GET", "/docs", described.page),
    ]
    app = Starlette(
        routes=[
            *_http_routes(api),
            HttpRoute("/m/{reference}", gateway.by_path, methods=_ANY),
            HttpRoute("/m/{reference}/{path:path}", gateway.by_path, methods=_ANY),
            HttpRoute(
                "/sagemaker/endpoints/{endpoint}/invocations", runtime.invoke, methods=["POST"]
            ),
            HttpRoute("/sagemaker/{path:path}", runtime.refuse, methods=_ANY),
        ],
        exception_handlers={
            BackendError: answer_error,
            HTTPException: answer_no_route,
            Exception: answer_unexpected,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect would leave without a credential or an id
    return app


def _http_routes(api: Iterable[tuple[str, str, Endpoint]]) -> list[HttpRoute]:
    """Return one route a path, so that a wrong method is told all that are allowed there."""
    methods: dict[str, dict[str, Endpoint]] = {}
    for method, path, serve in api:
        methods.setdefault(path, {})[method] = serve
    return [
        HttpRoute("/api/v1" + path, _by_method(served), methods=list(served))
        for path, served in methods.items()
    ]


def _by_method(served: Mapping[str, Endpoint]) -> Endpoint:
    async def serve(request: Request) -> Response:
        return await served["GET" if request.method == "HEAD" else request.method](request)

    return serve
