"""Send queries to a version: straight to a replica where one is reachable, else by the gateway."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlkraken_client._answers import decode
from mlkraken_client._codec import encode, encode_request
from mlkraken_client._connection import Connection
from mlkraken_client._errors import (
    BackendUnavailable,
    KrakenError,
    ModelFailed,
    NotAuthorized,
    ServiceNotRunning,
    WaitTimeout,
)
from mlkraken_client._transport import QUERY_STATUS, error_from, is_loopback

__all__ = ["Queries", "Route"]

_LIVE_S = 2.0
_HEALTH_S = 2.0
_LOG_LINES = 30


@dataclass(frozen=True)
class Route:
    """Where queries go until ``until`` (a monotonic time), and the token they carry."""

    urls: tuple[str, ...]
    token: str
    until: float


class Queries:
    """Queries to one version, or to whatever is live.

    Parameters
    ----------
    connection
        The control plane.
    model
        Name of the model.
    version
        Version number, or ``live``.
    """

    def __init__(self, connection: Connection, model: str, version: int | str) -> None:
        self._connection = connection
        self._model = model
        self._version = version
        self._lock = threading.Lock()
        self._route: Route | None = None
        self._turn = itertools.count()
        self._signature: Mapping[str, Any] | None = None

    @property
    def path(self) -> str:
        """The version's path below ``/api/v1``."""
        return f"/models/{self._model}/versions/{self._version}"

    def predict(self, value: Any, timeout_s: float, method: str | None = None) -> Any:
        """Return what the model answers, as the Python value it returned."""
        data, meta = encode(value, self._signed())
        if method is not None:
            meta = {**meta, "method": method}
        answer = self.query(data, {**meta, "modelId": self._model}, timeout_s)
        return decode(answer["result"], answer["metaData"]["resultType"], value)

    def query(self, data: Any, meta: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the answer to ``modelData`` as it came, with its ``metaData``.

        Raises
        ------
        InputRefused, ModelFailed, ServiceNotRunning, WaitTimeout
            What went wrong, with the last log lines where the model failed.
        """
        body = encode_request(data, meta)
        try:
            answer: dict[str, Any] = json.loads(self._send(body, timeout_s))
            return answer
        except ModelFailed as error:
            error.logs = self._log_tail()
            raise

    def route(self) -> Route:
        """Return where queries go now.

        Raises
        ------
        ServiceNotRunning
            With the state's reason and the last log lines.
        """
        with self._lock:
            if self._route is None or time.monotonic() >= self._route.until:
                self._route = self._find_route()
            return self._route

    def forget(self) -> None:
        """Ask for the endpoints anew at the next query."""
        with self._lock:
            self._route = None
            self._signature = None

    def answered(self, endpoints: Sequence[Mapping[str, Any]]) -> bool:
        """Tell whether every running one of ``endpoints`` that can be reached from here answers.

        A process that died a moment ago runs, as far as the backend has seen.
        """
        urls = [item["url"] for item in endpoints if item["state"] == "running"]
        return all(self._healthy(url) for url in urls if self._reachable(url))

    # -- sending ------------------------------------------------------------------------------

    def _send(self, body: bytes, timeout_s: float) -> bytes:
        for last in (False, True):
            route = self.route()
            url = route.urls[next(self._turn) % len(route.urls)]
            try:
                answer = self._connection.transport.post(
                    url,
                    body,
                    {
                        "Authorization": f"Bearer {route.token}",
                        "Content-Type": "application/json",
                        "X-Request-Start": f"t={time.time():.6f}",
                    },
                    timeout_s,
                )
            except BackendUnavailable as error:
                # A prediction changes nothing, so one that lost its connection is sent again.
                self.forget()
                if last:
                    raise self._not_running(error) from error
                continue
            if answer.status < 400:
                return answer.data
            problem = error_from(answer, QUERY_STATUS)
            if last or not isinstance(problem, NotAuthorized):
                raise problem
            self.forget()  # the token has run out, or the backend has a new key
        raise AssertionError("unreachable")

    def _find_route(self) -> Route:
        told = self._connection.call("GET", f"{self.path}/service/endpoints")
        running = [item["url"] for item in told["endpoints"] if item["state"] == "running"]
        if not running:
            raise self._not_running(None)
        ttl = _LIVE_S if isinstance(self._version, str) else float(told["ttl"])
        until = time.monotonic() + ttl
        direct = tuple(url + "/" for url in running if self._reachable(url))
        if direct:
            return Route(direct, told["token"], until)
        gateway = f"{self._connection.url}/m/{self._model}@{self._version}/"
        return Route((gateway,), self._connection.headers()["Authorization"].split()[1], until)

    def _healthy(self, url: str) -> bool:
        transport = self._connection.transport
        try:
            # Not kept: the fewer connections a service has, the shorter a lone query's way.
            close = {"Connection": "close"}
            answer = transport.send("GET", f"{url}/health", headers=close, timeout_s=_HEALTH_S)
            return answer.status < 500
        except (BackendUnavailable, WaitTimeout):
            return False

    def _reachable(self, url: str) -> bool:
        """A loopback address is another machine's unless the backend is on this one."""
        host = url.partition("://")[2].rpartition(":")[0]
        return self._connection.local if is_loopback(host) else True

    def _signed(self) -> Mapping[str, Any]:
        if self._signature is None:
            version = self._connection.call("GET", self.path)
            self._signature = version["signature"]
        return self._signature

    # -- explaining ---------------------------------------------------------------------------

    def _not_running(self, cause: KrakenError | None) -> KrakenError:
        service = self._connection.call("GET", f"{self.path}/service")
        state, reason = service["state"], service["reason"]
        failure = service["failure"] or {}
        hints = {
            "stopped": "Start it: service.start().",
            "failed": failure.get("hint")
            or "Mend the cause, then service.start() or deploy again.",
            "pending": "It is starting; service.wait() waits until it answers.",
            "stopping": "Start it again: service.start().",
            "running": "It may just have restarted; try again.",
        }
        why = f": {reason}" if reason else ""
        lost = f" The query was lost: {cause.message}" if cause and state == "running" else ""
        return ServiceNotRunning(
            f"service_{state}" if state != "running" else "connection_lost",
            f"{self._model}@{service['version']} is {state}{why}.{lost}",
            hints[state],
            reason=reason,
            logs=failure.get("logs", []),
        )

    def _log_tail(self) -> list[str]:
        try:
            page = self._connection.call(
                "GET",
                f"{self.path}/service/logs",
                query={"cursor": "tail", "limit": _LOG_LINES},
            )
        except KrakenError:
            return []  # the query's own failure is what matters
        return [line["text"] for line in page["lines"]]
