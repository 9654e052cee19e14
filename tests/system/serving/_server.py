"""A model server as a child process, and what a caller needs to talk to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOUND_S = 20.0
"""Longest any wait of these tests takes before it fails."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def result(self) -> Any:
        assert self.status == 200, self.body
        return self.json["result"]

    @property
    def error(self) -> dict[str, Any]:
        """The error, after a look at the form that all errors have."""
        assert self.status >= 400, self.body
        assert self.headers["content-type"] == "application/json"
        error: dict[str, Any] = self.json["error"]
        assert set(error) == {"code", "message", "hint", "request_id"}
        assert error["request_id"] == self.headers["x-request-id"]
        return error


class Server:
    """One model server on a socket that was listening before it started: nobody polls for it."""

    def __init__(self, bundle: Path, log: Path, *arguments: str, **environment: str) -> None:
        self.log_file = log
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port: int = listener.getsockname()[1]
            with log.open("ab") as out:
                self.process = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "mlkraken_serving", str(bundle)),
                        *(f"--fd={listener.fileno()}", *arguments),
                    ],
                    pass_fds=[listener.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    env={**os.environ, **environment},
                )

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND_S)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            return read(connection)
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, headers=headers)

    def ask(
        self,
        data: Any,
        meta: dict[str, Any] | None = None,
        path: str = "/",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        body = json.dumps({"modelData": data, "metaData": meta or {}}).encode()
        return self.send("POST", path, body, headers)

    def raw(self, text: bytes, *, end: bool = False) -> bytes:
        """Send bytes as they are and return all that comes until the other side closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=BOUND_S) as line:
            line.sendall(text)
            if end:
                line.shutdown(socket.SHUT_WR)
            parts = []
            while part := line.recv(65536):
                parts.append(part)
        return b"".join(parts)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        return self.process.wait(BOUND_S)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(BOUND_S)


def read(connection: http.client.HTTPConnection) -> Answer:
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, headers, answer.read())
