"""The data plane's stable door: ``/m/{model}[@{alias or version}]/...`` and ``/api/v1/query``.

The caller's credential is checked here and replaced by one of the gateway's own for this model;
bodies stream through in both directions.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mlkraken_backend._errors import Invalid, Upstream
from mlkraken_backend.auth import Authenticator, Signer
from mlkraken_backend.routes._http import MOST_BODY, caller_of, id_of, whole_body
from mlkraken_backend.usecases.queries import Queries, Target

__all__ = ["Gateway", "read_whole"]

MOST_QUERY = 100 * 2**20
"""Largest query in bytes, as at the model servers."""

_TOKEN_S = 600.0
_HOP = frozenset(
    [
        # RFC 9110, 7.6.1: meant for one connection only; and what is set anew for the next
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "authorization",
        "content-length",
        "x-request-id",
        "x-amz-security-token",  # a credential of ours, where SigV4 leaves no other place for it
    ]
)


class Gateway:
    """Passes queries on to a ready replica.

    Parameters
    ----------
    queries
        Finds the replica.
    authenticator
        Checks the caller.
    signer
        Signs what the replica checks.
    """

    def __init__(self, queries: Queries, authenticator: Authenticator, signer: Signer) -> None:
        self._queries = queries
        self._authenticator = authenticator
        self._signer = signer
        self._session: aiohttp.ClientSession | None = None
        self._tokens: dict[str, tuple[float, str]] = {}

    async def by_path(self, request: Request) -> Response:
        """Serve ``/m/{reference}/{path}``."""
        reference = str(request.path_params["reference"])
        # As it came: decoded, a %3F would become the end of the path.
        path = "/" + "/".join(request.scope["raw_path"].decode("ascii").split("/")[3:])
        caller_of(request, self._authenticator, "query", reference.partition("@")[0])
        return await self._pass(request, reference, path, request.stream())

    async def by_body(self, request: Request) -> Response:
        """Serve ``/api/v1/query``, where ``metaData.modelId`` names the model."""
        caller = caller_of(request, self._authenticator, "query", None)
        body = await whole_body(request, MOST_QUERY, "Send it to the model's own address.")
        reference = _model_id(body)
        caller.need("query", reference.partition("@")[0])
        return await self._pass(request, reference, "/", body)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def find(self, reference: str) -> Target:
        """Return who answers for a reference; see `Queries.find`."""
        return await run_in_threadpool(self._queries.find, reference)

    async def _pass(
        self, request: Request, reference: str, path: str, body: bytes | AsyncIterator[bytes]
    ) -> Response:
        target = await self.find(reference)
        return await self.answered(request, target, await self.ask(request, target, path, body))

    async def answered(
        self, request: Request, target: Target, answer: aiohttp.ClientResponse
    ) -> Response:
        """Return a replica's answer as it is; streamed where it is long or of unknown length."""
        headers = {
            name: value for name, value in answer.headers.items() if name.lower() not in _HOP
        }
        headers["x-request-id"] = id_of(request)
        length = answer.headers.get("content-length")
        if length is not None and int(length) <= MOST_BODY:
            whole = Response(await read_whole(target, answer), answer.status, headers)
            whole.headers["content-length"] = length  # of HEAD, too, which has no body
            return whole
        return StreamingResponse(_streamed(answer), answer.status, headers)

    async def ask(
        self, request: Request, target: Target, path: str, body: bytes | AsyncIterator[bytes]
    ) -> aiohttp.ClientResponse:
        """Ask a replica; the next one where it cannot be reached, as nothing was sent then.

        Raises
        ------
        Upstream
            ``replica_unreachable``.
        """
        has_body = request.headers.get("content-length", "0") != "0" or (
            "transfer-encoding" in request.headers
        )
        query = f"?{request.url.query}" if request.url.query else ""
        for left in reversed(range(len(target.replicas))):
            replica = self._queries.next_replica(target)
            place = f"{replica.host}:{replica.port}"
            try:
                return await self._client().request(
                    request.method,
                    f"http://{place}{path}{query}",
                    data=body if has_body else None,
                    headers=self._headers(request, target.model),
                    allow_redirects=False,
                )
            except aiohttp.ClientConnectorError as error:
                if not left:
                    raise _unreachable(target, place, error) from error
            except aiohttp.ClientError as error:
                raise _unreachable(target, place, error) from error
        raise AssertionError("a target has replicas")

    def _headers(self, request: Request, model: str) -> dict[str, str]:
        kept = {name: value for name, value in request.headers.items() if name not in _HOP}
        if "content-length" in request.headers:
            kept["content-length"] = request.headers["content-length"]
        kept.setdefault("x-request-start", f"t={time.time():.6f}")
        kept["x-request-id"] = id_of(request)
        kept["authorization"] = f"Bearer {self._token(model)}"
        return kept

    def _token(self, model: str) -> str:
        now = time.time()
        until, token = self._tokens.get(model, (0.0, ""))
        if until - now < _TOKEN_S / 2:
            until = now + _TOKEN_S
            token = self._signer.sign(
                "gateway", ["query"], now=now, until=until, jti="gateway", model=model
            )
            self._tokens[model] = (until, token)
        return token

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
                auto_decompress=False,
                # What the caller did not say is not said for them: without a Content-Type a
                # body is looked at.
                skip_auto_headers=["User-Agent", "Accept", "Accept-Encoding", "Content-Type"],
            )
        return self._session


async def read_whole(target: Target, answer: aiohttp.ClientResponse) -> bytes:
    """Return an answer's body; raises `Upstream` (``replica_unreachable``)."""
    try:
        return await answer.read()
    except aiohttp.ClientError as error:
        raise _unreachable(target, answer.host, error) from error


async def _streamed(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Pass an answer on; its connection goes with a caller who leaves before the end."""
    try:
        async for chunk in answer.content.iter_any():
            yield chunk
    finally:
        answer.close()


def _model_id(body: bytes) -> str:
    meta = _meta(body)
    name = meta.get("modelId") if isinstance(meta, dict) else None
    if not isinstance(name, str) or not name:
        raise Invalid(
            "model_id_missing",
            "The body names no model.",
            'Send {"modelData": ..., "metaData": {"modelId": "churn"}}.',
        )
    return name


class _Meta(msgspec.Struct):
    metaData: Any = None  # noqa: N815 - the seed contract's own spelling


def _meta(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body, type=_Meta).metaData
    except msgspec.MsgspecError:
        pass
    try:  # NaN and Infinity, which Python clients write, are not in msgspec's JSON
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid(
            "body_not_json",
            f"The body is not JSON: {error}.",
            'Send {"modelData": ..., "metaData": {"modelId": "churn"}}.',
        ) from error
    return message.get("metaData") if isinstance(message, dict) else None


def _unreachable(target: Target, place: str, error: Exception) -> Upstream:
    return Upstream(
        "replica_unreachable",
        f"{target.model}@{target.version} did not answer at {place}: {error}.",
        "It may just be restarting; ask again in a moment.",
    )
