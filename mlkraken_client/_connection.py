"""A conversation with one control plane: addresses, credentials, JSON, and a backend restarted."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mlkraken_client import _embedded
from mlkraken_client._errors import BackendUnavailable, KrakenError
from mlkraken_client._locate import Target
from mlkraken_client._transport import Transport, error_from, is_loopback

if TYPE_CHECKING:
    import urllib3

__all__ = ["Connection"]

_API = "/api/v1"
_BEAT_S = 15.0


class Connection:
    """Talks to the backend of a target; starts an embedded one when it is first needed.

    Parameters
    ----------
    target
        Where the backend is.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.transport = Transport()
        self._lock = threading.Lock()
        self._url = target.url
        self._token = target.token

    @property
    def url(self) -> str:
        """The backend's address."""
        return self._address()[0]

    @property
    def local(self) -> bool:
        """Whether the backend is on this machine, and with it its replicas."""
        return is_loopback(urlsplit(self.url).hostname or "")

    def headers(self) -> dict[str, str]:
        """The credential, for callers who build their own requests."""
        return {"Authorization": f"Bearer {self._address()[1]}"}

    def call(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
    ) -> Any:
        """Send a JSON document below ``/api/v1`` and return the answer's.

        Raises
        ------
        KrakenError
            What the backend's error stands for.
        """
        body = None if document is None else json.dumps(document).encode()
        answer = self.send(
            method, _API + path, body, query=query, headers=headers, timeout_s=timeout_s
        )
        return json.loads(answer.data) if answer.data else None

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = 60.0,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """Send bytes and return the answer; raises what an error answer stands for.

        Once, when an embedded backend is gone, it is started anew and asked again.
        """
        for last in (False, True):
            url, token = self._address()
            try:
                answer = self.transport.send(
                    method,
                    url + path + _encoded(query),
                    body=body,
                    headers={
                        "Authorization": f"Bearer {token}",
                        "Content-Type": "application/json",
                        **(headers or {}),
                    },
                    timeout_s=timeout_s,
                    stream=stream,
                )
                break
            except BackendUnavailable as error:
                if last or not self._can_retry(method, error):
                    raise self._explained(error) from error
                self._forget(url)
        if answer.status >= 400:
            raise error_from(answer)
        return answer

    def follow(self, path: str, *, query: Mapping[str, Any], last_id: str) -> Any:
        """Open a stream of server-sent events, without starting a backend that is gone.

        Raises
        ------
        KrakenError
            Nothing answers, or what an error answer stands for.
        """
        url, token = self._present_address()
        try:
            answer = self.transport.send(
                "GET",
                url + _API + path + _encoded(query),
                headers={
                    "Authorization": f"Bearer {token}",
                    "Accept": "text/event-stream",
                    **({"Last-Event-ID": last_id} if last_id else {}),
                },
                timeout_s=_BEAT_S * 2,
                stream=True,
            )
        except BackendUnavailable:
            self._forget(url)
            raise
        if answer.status >= 400:
            raise error_from(answer)
        return answer

    def _present_address(self) -> tuple[str, str]:
        """The address of a backend that runs; an onlooker must not bring one back to life."""
        with self._lock:
            if self._url or self.target.home is None:
                return self._url, self._token
        found = _embedded.running(self.target.home)
        if found is None:
            raise BackendUnavailable(
                "backend_stopped", "The embedded backend does not run.", "Any call starts it."
            )
        return found.url, found.token

    def _can_retry(self, method: str, error: KrakenError) -> bool:
        """A write whose connection broke may have been done; only an unsent one is sent again."""
        return self.target.home is not None and (
            error.code == "unreachable" or method in ("GET", "PUT", "DELETE")
        )

    def _explained(self, error: KrakenError) -> KrakenError:
        if self.target.home is not None:
            return error
        return BackendUnavailable(
            error.code,
            f"The backend at {self.target.url} does not answer. {error.message}",
            "Check MLKRAKEN_URL and your network.",
        )

    def _address(self) -> tuple[str, str]:
        with self._lock:
            if not self._url and self.target.home is not None:
                found = _embedded.ensure(self.target.home)
                self._url, self._token = found.url, found.token
            return self._url, self._token

    def _forget(self, url: str) -> None:
        with self._lock:
            if self._url == url:
                self._url = ""


def _encoded(query: Mapping[str, Any] | None) -> str:
    from urllib.parse import urlencode

    given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
    return "?" + urlencode(given) if given else ""
