"""A connection that sends head and body of a request together.

urllib3 sends them one after the other, so the server is woken twice for every small query; on
loopback that is a tenth of the whole.
"""

from __future__ import annotations

from typing import Any

from urllib3.connection import HTTPConnection

__all__ = ["OneSendConnection"]


class OneSendConnection(HTTPConnection):
    """See the module."""

    _held: list[bytes] | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request; see `urllib3.connection.HTTPConnection.request`."""
        self._held = []
        try:
            super().request(*args, **kwargs)
            held, self._held = b"".join(self._held), None
            if held:
                super().send(held)
        finally:
            self._held = None

    def send(self, data: Any) -> None:
        """Hold what is sent until the request is whole; what is no bytes goes out as it comes."""
        if self._held is not None and isinstance(data, bytes):
            self._held.append(data)
            return
        if self._held:
            held, self._held = b"".join(self._held), None
            super().send(held)
        super().send(data)
