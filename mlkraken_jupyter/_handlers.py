"""Handlers below ``mlkraken/``: a streaming proxy to the backend, for logged-in users only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import tornado
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.extension.handler import ExtensionHandlerMixin
from tornado.iostream import StreamClosedError

from mlkraken_client import KrakenError, Target, __version__
from mlkraken_jupyter._backend import Backend

__all__ = ["ApiHandler", "StatusHandler"]

AUTH_RESOURCE = "mlkraken"
_QUERIES = "m/"
_SENT_ON = (
    "Accept",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "Last-Event-ID",
    "X-Request-Id",
)
_SENT_BACK = ("Cache-Control", "Content-Type", "ETag", "Retry-After", "X-Request-Id")

_HOP = frozenset(
    [
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)
_HERE = frozenset(["authorization", "cookie", "host", "origin", "referer", "x-xsrftoken"])
"""Of a query's headers those that are between the browser and this server."""
_OWN = frozenset(["content-security-policy", "date", "server", "set-cookie"])
"""Of an answer's headers those that this server decides on itself."""


class _Handler(ExtensionHandlerMixin, APIHandler):
    auth_resource = AUTH_RESOURCE

    @property
    def backend(self) -> Backend:
        backend: Backend = self.settings["mlkraken_backend"]
        return backend

    def finish_error(self, status: int, code: str, message: str, hint: str) -> None:
        """Answer in the backend's own form of errors."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        error = {"code": code, "message": message, "hint": hint, "request_id": ""}
        self.finish(json.dumps({"error": error}))


class StatusHandler(_Handler):
    """``GET mlkraken/status``: versions of server side and backend, without starting one."""

    @tornado.web.authenticated
    @authorized
    async def get(self) -> None:
        self.finish(json.dumps({"version": __version__}))


class ApiHandler(_Handler):
    """``mlkraken/api/v1/...`` and ``mlkraken/m/...``: the backend's own routes."""

    @tornado.web.authenticated
    @authorized
    async def get(self, path: str) -> None:
        await self._pass(path)

    @tornado.web.authenticated
    @authorized
    async def post(self, path: str) -> None:
        await self._pass(path)

    @tornado.web.authenticated
    @authorized
    async def put(self, path: str) -> None:
        await self._pass(path)

    @tornado.web.authenticated
    @authorized
    async def patch(self, path: str) -> None:
        await self._pass(path)

    @tornado.web.authenticated
    @authorized
    async def delete(self, path: str) -> None:
        await self._pass(path)

    async def _pass(self, path: str) -> None:
        for last in (False, True):
            try:
                target = await self.backend.target()
            except KrakenError as error:
                self.finish_error(503, error.code, error.message, error.hint)
                return
            try:
                await self._forward(target, path)
                return
            except aiohttp.ClientConnectorError as error:
                # The backend is gone; an embedded one is started anew, once.
                self.backend.forget(target)
                if last or target.home is None:
                    self._unreachable(target, error)
                    return
            except aiohttp.ClientError as error:
                self.backend.forget(target)
                self._unreachable(target, error)
                return

    def _unreachable(self, target: Target, error: Exception) -> None:
        if self._headers_written:
            self.finish()  # a stream that broke; the panel opens it again
            return
        self.finish_error(
            502, "backend_unreachable", f"The backend at {target.url} does not answer: {error}", ""
        )

    async def _forward(self, target: Target, path: str) -> None:
        query = f"?{self.request.query}" if self.request.query else ""
        async with self.backend.session().request(
            self.request.method or "GET",
            f"{target.url}/{path}{query}",
            data=self.request.body or None,
            headers=self._headers_for(target, path),
            allow_redirects=False,
        ) as answer:
            self.set_status(answer.status)
            self._take_headers(answer.headers, path)
            try:
                async for chunk in answer.content.iter_any():
                    self.write(chunk)
                    await self.flush()
                self.finish()
            except StreamClosedError:
                return  # the browser went away; leaving the context closes the other side

    def _headers_for(self, target: Target, path: str) -> dict[str, str]:
        given = self.request.headers
        if path.startswith(_QUERIES):  # protocols have headers of their own
            kept = {name: given[name] for name in given if name.lower() not in _HOP | _HERE}
        else:
            kept = {name: given[name] for name in _SENT_ON if name in given}
        return {**kept, "Authorization": f"Bearer {target.token}"}

    def _take_headers(self, headers: Mapping[str, Any], path: str) -> None:
        self.clear_header("Content-Type")
        if path.startswith(_QUERIES):
            names = [name for name in headers if name.lower() not in _HOP | _OWN]
        else:
            names = [name for name in _SENT_BACK if name in headers]
        for name in names:
            self.set_header(name, headers[name])
        # Proxies between here and the browser must pass events on as they come.
        self.set_header("X-Accel-Buffering", "no")
