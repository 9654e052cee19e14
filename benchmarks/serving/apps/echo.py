"""The limit of the HTTP stack: httptools and uvloop, the same bytes to whatever was asked."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import httptools
import uvloop

ANSWER = Path(sys.argv[2]).read_bytes()


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = transport.write  # type: ignore[attr-defined]
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.write(ANSWER)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


uvloop.run(main())
