"""The short way of a lone query: parsed, predicted and answered as its last byte is read.

A notebook that asks row by row is the only caller. For it ASGI's scope, task and messages, and
the turns of the loop between them, cost as much as all the rest around the prediction
(`benchmarks/query.py`). So when there is one connection, and the model is idle and known to
answer in a moment, the query takes this way; every other one goes through the ASGI app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from mlkraken_serving._app import QueryRoute
from mlkraken_serving.protocols._http import Caller, json_headers

if TYPE_CHECKING:
    from starlette.types import Scope

__all__ = ["with_shortcut"]

_MOST_BYTES = 65_536
_PATHS = frozenset([b"/", b"/predict"])


class _Shortcut(HttpToolsProtocol):
    """Uvicorn's protocol, which holds a request back until it knows which way it goes.

    Its callbacks are the parser's; `_held` are the body's parts while the request is held.
    """

    query: ClassVar[QueryRoute]
    _held: list[bytes] | None = None

    def on_headers_complete(self) -> None:
        if self._is_alone():
            self._held = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
            return
        self._held.append(body)
        if sum(map(len, self._held)) > _MOST_BYTES:
            self._go_the_long_way()

    def on_message_complete(self) -> None:
        if self._held is None:
            super().on_message_complete()
            return
        answer = self.query.now(cast("Scope", self.scope), b"".join(self._held))
        if answer is None:
            self._go_the_long_way()
            super().on_message_complete()
            return
        self._held = None
        self._write(*answer)
        self.on_response_complete()

    def _is_alone(self) -> bool:
        return (
            len(self.connections) == 1
            and self.url in _PATHS
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and (self.cycle is None or self.cycle.response_complete)
            and self.query.idle
        )

    def _go_the_long_way(self) -> None:
        held, self._held = self._held or [], None
        super().on_headers_complete()
        for part in held:
            super().on_body(part)

    def _write(self, status: int, body: bytes, caller: Caller) -> None:
        head = [STATUS_LINE[status]]
        for name, value in [
            *self.server_state.default_headers,
            *json_headers(status, body, caller),
        ]:
            head += [name, b": ", value, b"\r\n"]
        self.transport.write(b"".join([*head, b"\r\n", body]))


def with_shortcut(query: QueryRoute) -> type[HttpToolsProtocol]:
    """Return uvicorn's HTTP protocol with the short way to ``query``."""
    return type("QueryProtocol", (_Shortcut,), {"query": query})
