"""Files of bundles, streamed in and out."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from mlkraken_backend.auth import Authenticator
from mlkraken_backend.routes._http import caller_of, id_of
from mlkraken_backend.routes._route import Call
from mlkraken_backend.routes._shared import version_number
from mlkraken_backend.usecases._outside import Outside
from mlkraken_backend.usecases.uploads import Uploads
from mlkraken_backend.usecases.versions import Versions

__all__ = ["BundleFiles"]


@dataclass(frozen=True)
class BundleFiles:
    """Handlers about files; the version's part of the path names an upload or a version."""

    outside: Outside
    authenticator: Authenticator

    async def receive(self, request: Request) -> Response:
        model, upload = request.path_params["m"], request.path_params["v"]
        caller_of(request, self.authenticator, "deploy", model)
        await Uploads(self.outside).receive(
            model, upload, request.path_params["path"], request.stream()
        )
        return Response(status_code=204, headers={"x-request-id": id_of(request)})

    async def fetch(self, request: Request) -> Response:
        model, version = request.path_params["m"], request.path_params["v"]
        caller = caller_of(request, self.authenticator, "deploy", model)
        call = Call(caller, {"m": model, "v": version}, {}, {})
        number = await run_in_threadpool(version_number, self.outside, call)
        place = await run_in_threadpool(
            Versions(self.outside).file, model, number, request.path_params["path"]
        )
        if "://" in place:
            return RedirectResponse(place, headers={"x-request-id": id_of(request)})
        return FileResponse(place, headers={"x-request-id": id_of(request)})
