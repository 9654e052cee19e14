"""How requests leave: pooled connections, our errors, and no proxy for this machine's own.

urllib3 rather than requests, which is built on it and costs a query 0.3 ms more. Queries over
plain HTTP go by `DirectPool`.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mlkraken_client._connecting import CONNECT_S, connection_lost, timed_out, unreachable
from mlkraken_client._direct import DirectPool, Reply
from mlkraken_client._errors import (
    BackendError,
    Conflict,
    InputRefused,
    InvalidRequest,
    KrakenError,
    ModelFailed,
    NotAuthorized,
    NotFound,
    ServiceNotRunning,
    WaitTimeout,
)

if TYPE_CHECKING:
    import urllib3

__all__ = ["STATUS", "Transport", "error_from", "is_loopback"]

STATUS: dict[int, type[KrakenError]] = {
    400: InvalidRequest,
    401: NotAuthorized,
    403: NotAuthorized,
    404: NotFound,
    405: InvalidRequest,
    409: Conflict,
    412: Conflict,
    413: InvalidRequest,
    422: InvalidRequest,
    502: ServiceNotRunning,
    503: ServiceNotRunning,
    504: WaitTimeout,
}
"""Error class of every status the control plane answers with; others are `BackendError`."""

QUERY_STATUS: dict[int, type[KrakenError]] = {
    **STATUS,
    400: InputRefused,
    413: InputRefused,
    422: InputRefused,
    500: ModelFailed,
}
"""The same for queries, where the input or the model is to blame."""


class Transport:
    """Connections of this process, shared by all its threads and dropped after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools: dict[str, urllib3.HTTPConnectionPool] = {}
        self._pid = os.getpid()
        self._direct = DirectPool()
        self._proxied: dict[str, bool] = {}

    def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Reply:
        """Send one query; see `send` for what is raised."""
        scheme, _, rest = url.partition("://")
        netloc, slash, path = rest.partition("/")
        if scheme == "http" and self._is_direct(netloc):
            return self._direct.post(netloc, slash + path, body, headers, timeout_s)
        answer = self.send("POST", url, body=body, headers=headers, timeout_s=timeout_s)
        return Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.data)

    def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = 60.0,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request and return the answer, whatever its status.

        Raises
        ------
        BackendUnavailable
            ``unreachable``: no connection; ``connection_lost``: it broke before the answer.
        WaitTimeout
            ``timeout``.
        """
        import urllib3

        scheme, _, rest = url.partition("://")
        netloc, slash, path = rest.partition("/")
        try:
            return self._pool(scheme, netloc).urlopen(
                method,
                slash + path,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(connect=CONNECT_S, read=timeout_s),
                preload_content=not stream,
                redirect=False,
                retries=False,
            )
        except urllib3.exceptions.ReadTimeoutError as error:
            raise timed_out(f"{scheme}://{netloc}", timeout_s) from error
        except (
            urllib3.exceptions.NewConnectionError,
            urllib3.exceptions.ConnectTimeoutError,
        ) as error:
            raise unreachable(f"{scheme}://{netloc}") from error
        except urllib3.exceptions.HTTPError as error:
            raise connection_lost(f"{scheme}://{netloc}", error) from error

    def _is_direct(self, netloc: str) -> bool:
        known = self._proxied.get(netloc)
        if known is None:
            known = self._proxied[netloc] = bool(_proxy(f"http://{netloc}"))
        return not known

    def _pool(self, scheme: str, netloc: str) -> urllib3.HTTPConnectionPool:
        with self._lock:
            if os.getpid() != self._pid:  # forked: the sockets belong to the parent
                self._pools, self._pid = {}, os.getpid()
            key = f"{scheme}://{netloc}"
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = _new_pool(key)
            return pool


def _new_pool(origin: str) -> urllib3.HTTPConnectionPool:
    import urllib3

    kept: dict[str, Any] = {"maxsize": 64, "block": False}
    proxy = _proxy(origin)
    if not proxy:
        return urllib3.connectionpool.connection_from_url(origin, **kept)
    headers = urllib3.make_headers(proxy_basic_auth=_credentials(proxy)) if "@" in proxy else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **kept).connection_from_url(origin)


def _proxy(url: str) -> str:
    """Return the proxy the environment asks for; never one for this machine itself."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host):
        return ""
    from urllib.request import getproxies, proxy_bypass

    return "" if proxy_bypass(host) else getproxies().get(parts.scheme, "")


def _credentials(proxy: str) -> str:
    parts = urlsplit(proxy)
    return f"{parts.username or ''}:{parts.password or ''}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def error_from(
    answer: urllib3.BaseHTTPResponse | Reply, statuses: Mapping[int, type[KrakenError]] = STATUS
) -> KrakenError:
    """Return the error that an answer stands for, whoever sent it."""
    try:
        told = json.loads(answer.data)["error"]
        code, message, hint = told["code"], told["message"], told.get("hint", "")
        request_id = told.get("request_id", "")
    except (ValueError, KeyError, TypeError):
        code = "unexpected_answer"
        message = f"The answer was HTTP {answer.status} without an explanation."
        hint = "Something between here and the backend may have answered in its place."
        request_id = answer.headers.get("x-request-id", "")
    kind = statuses.get(answer.status, BackendError)
    return kind(code, message, hint, request_id=request_id)
