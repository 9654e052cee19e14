"""One connection: httptools' callbacks to requests, answers back in their order.

HTTP/1.1 as RFC 9112 has it; what is parsed, and what is refused as malformed, is llhttp's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import cast

import httptools

from mlkraken_serving._door import Exchange, Request
from mlkraken_serving._errors import ServingError
from mlkraken_serving._house import House
from mlkraken_serving._refusals import MOST_HEAD_BYTES, long_head, malformed, no_host, slow
from mlkraken_serving.protocols._coding import too_large
from mlkraken_serving.protocols._port import Reply

__all__ = ["Connection"]

_MOST_PIPELINED = 64
_PUNCTUATION = 4
_EARLY_BYTES = 65_536
_LINGER_S = 2.0
_LOCAL = ("127.", "::1", "::ffff:127.")


class Connection(asyncio.Protocol):
    """Reads requests and writes answers on one connection."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._parser = httptools.HttpRequestParser(self)
        self._exchanges: deque[Exchange] = deque()
        self._reading = False
        self._paused = self._blocked = False
        self._deaf = self._unread = False
        self._since = 0.0
        self._chunk = b""
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._request: Request | None = None

    # -- the transport's callbacks -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._near = isinstance(peer, tuple) and str(peer[0]).startswith(_LOCAL)
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()
        self._house.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deaf = True
        self._house.connections.discard(self)
        while self._exchanges:
            self._exchanges.pop().cancel()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._since = self._loop.time()
        known = None if self._reading else self._house.heads.known(data, self._near)
        if known is not None:
            self._take(known, True)
            return
        self._chunk = data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            raise error.__context__ or error from None
        except httptools.HttpParserError as error:
            self._refuse(malformed(error))

    def _stay(self, rest: bytes) -> None:
        """Read a request that offers another protocol as if it did not.

        Java's client offers HTTP/2 on every connection; the parser leaves the body of such a
        request to whoever speaks it.
        """
        if self._request is None or self._deaf:
            self.end()  # CONNECT is answered, but what follows is for a tunnel's other end
            return
        offer = (b"upgrade", b"connection", b"http2-settings")
        lines = [b"%b %b HTTP/1.1" % (self._request.method, self._target)]
        lines += [b"%b: %b" % pair for pair in self._headers.items() if pair[0] not in offer]
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    def pause_writing(self) -> None:
        self._blocked = True
        self._since = self._loop.time()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._blocked = False
        self._since = self._loop.time()
        if not self._paused:
            self._transport.resume_reading()

    # -- the parser's callbacks ----------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._reading = True
        self._began = self._since
        self._target = b""
        self._headers = {}
        self._head_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._target += url
        self._head_bytes += len(url)
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(long_head())

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value
        self._head_bytes += len(name) + len(value) + _PUNCTUATION
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(long_head())

    def on_headers_complete(self) -> None:
        if self._deaf:
            return
        headers, parser = self._headers, self._parser
        self._request = Request(parser.get_method(), self._target, headers, self._near)
        if b"host" not in headers and parser.get_http_version() == "1.1":
            self._refuse(no_host())
            return
        length = int(headers.get(b"content-length", 0))
        if length > self._house.door.most_bytes:
            self._refuse(too_large(self._house.door.most_bytes))
        elif length > _EARLY_BYTES or b"expect" in headers:
            self._begin_long(self._request)

    def _begin_long(self, request: Request) -> None:
        """Refuse now what would be refused later, before its body is sent."""
        try:
            self._house.door.check_early(request)
        except ServingError as error:
            self._refuse(error)
            return
        expected = request.headers.get(b"expect", b"").lower()
        if expected == b"100-continue" and not self._exchanges:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self._deaf:
            return
        self._body.append(body)
        self._body_bytes += len(body)
        if self._body_bytes > self._house.door.most_bytes:
            self._refuse(too_large(self._house.door.most_bytes))

    def on_message_complete(self) -> None:
        request = self._request
        if self._deaf or request is None or b"upgrade" in self._headers:
            return
        self._request = None
        self._reading = False
        body = self._body
        request.body = body[0] if len(body) == 1 else b"".join(body)
        parser = self._parser
        keeps = parser.should_keep_alive() and parser.get_http_version() == "1.1"
        if keeps:
            self._house.heads.remember(self._chunk, request)
        self._take(request, keeps)

    def _take(self, request: Request, keeps: bool) -> None:
        house = self._house
        exchange = Exchange(house.door, request, self._tell)
        exchange.close = house.ending or not keeps
        self._exchanges.append(exchange)
        exchange.take(len(house.connections) == 1 and len(self._exchanges) == 1)
        if len(self._exchanges) >= _MOST_PIPELINED and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    # -- answers -------------------------------------------------------------------------------

    def _tell(self, exchange: Exchange, reply: Reply) -> None:
        """Write the reply as soon as all before it are written."""
        exchange.response = self._house.writer.write(
            reply, exchange.request, exchange.request_id, close=exchange.close
        )
        exchanges = self._exchanges
        while exchanges and (response := exchanges[0].response) is not None:
            self._transport.write(response)
            if exchanges.popleft().close:
                self._close()
                return
        if self._paused and not self._blocked and len(exchanges) < _MOST_PIPELINED:
            self._paused = False
            self._transport.resume_reading()

    def _refuse(self, error: ServingError) -> None:
        """Answer what cannot be read to its end, and read no more."""
        if self._deaf:
            return
        self._deaf = self._unread = True
        request = self._request or Request(b"", self._target or b"/", self._headers, self._near)
        self._request = None
        exchange = Exchange(self._house.door, request, self._tell)
        exchange.close = True
        self._exchanges.append(exchange)
        exchange.refuse(error)

    def _close(self) -> None:
        """Close, but let the caller read its answer first.

        Closing with something unread would reset the connection, and the answer with it.
        """
        self._deaf = True
        while self._exchanges:
            self._exchanges.pop().cancel()
        if self._unread and self._transport.can_write_eof():
            self._transport.write_eof()
            self._loop.call_later(_LINGER_S, self._transport.close)
        else:
            self._transport.close()

    # -- the house's calls ---------------------------------------------------------------------

    def end(self) -> None:
        """Take no further request; close once the last one is answered."""
        if self._exchanges:
            self._exchanges[-1].close = True
            self._deaf = True
        elif not self._reading:
            self._transport.close()

    def look(self, now: float) -> None:
        """End a connection that takes longer than the house has patience."""
        patience, waited = self._house.patience, now - self._since
        if self._blocked:
            if waited > patience.answer_s:
                self._transport.abort()
        elif self._reading and not self._deaf:
            head = self._request is None
            if (head and now - self._began > patience.head_s) or waited > patience.body_s:
                self._refuse(slow())
        elif not self._exchanges and waited > patience.idle_s:
            self._transport.close()
