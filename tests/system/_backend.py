"""Plain HTTP to a real backend, and looks at its processes and its folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import urllib3

from mlkraken_client import Kraken
from mlkraken_client._embedded import ensure, running
from mlkraken_client._pack import Bundle, pack

V1 = "/api/v1"


class Answer:
    """What a request was answered."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.data = answer.data

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def code(self) -> str:
        """The code of an error, whose form is checked on the way."""
        error = self.json["error"]
        assert set(error) == {"code", "message", "hint", "request_id"}
        assert error["message"]
        assert error["request_id"] == self.headers["x-request-id"]
        assert self.headers["content-type"] == "application/json"
        return error["code"]


class Api:
    """Sends requests as they are, with a token or without."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url
        self.token = token
        self._pool = urllib3.PoolManager(retries=False)

    def ask(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        body: Any = None,
        headers: dict[str, str] | None = None,
        stream: bool = False,
        timeout_s: float = 20.0,
    ) -> Any:
        """Return the answer to a request; the raw one of urllib3 where it is a stream."""
        if document is not None:
            body = json.dumps(document).encode()
        given = {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}
        answer = self._pool.request(
            method,
            self.url + path,
            body=body,
            headers={**given, **(headers or {})},
            preload_content=not stream,
            redirect=False,
            timeout=timeout_s,
        )
        return answer if stream else Answer(answer)

    def with_token(self, token: str | None) -> Api:
        return Api(self.url, token)

    def settled(self, name: str, timeout_s: float = 20.0) -> Any:
        """Wait until a model's shown service neither starts nor stops; return the model."""
        return wait_for(
            lambda: (
                (model := self.ask("GET", f"{V1}/models/{name}").json)
                and model["state"] in ("running", "failed", "stopped")
                and model["target_version"] is None
                and model
            ),
            lambda: f"unsettled: {self.ask('GET', f'{V1}/models/{name}').json}",
            timeout_s,
        )

    def upload(self, name: str, bundle: Bundle) -> str:
        """Announce a bundle and send its files; return the upload's id."""
        begun = self.ask("POST", f"{V1}/models/{name}/versions", {"manifest": bundle.manifest})
        assert begun.status == 201, begun.data
        for slot in begun.json["slots"]:
            content = (bundle.folder / slot["path"]).read_bytes()
            assert self.ask(slot["method"], slot["url"], body=content).status == 204
        return begun.json["upload"]

    def commit(self, name: str, upload: str, **wanted: Any) -> Answer:
        return self.ask("POST", f"{V1}/models/{name}/versions/{upload}/commit", wanted)


def api_of(home: Path) -> Api:
    """Return the API of a home's backend, which is started when there is none."""
    found = ensure(home)
    return Api(found.url, found.token)


def pid_of(home: Path) -> int:
    found = running(home)
    assert found is not None
    return found.pid


def kill_backend(home: Path) -> None:
    """Kill a home's backend the hard way and wait until it is gone."""
    process = psutil.Process(pid_of(home))
    process.kill()
    gone(process.pid)


def gone(pid: int, timeout_s: float = 15.0) -> None:
    """Wait until a process is gone."""
    wait_for(lambda: not alive(pid), f"process {pid} lives on", timeout_s)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(look: Callable[[], Any], complaint: Any, timeout_s: float = 20.0) -> Any:
    """Look again and again, within bounds, until there is something to see; return it."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.03)
    raise AssertionError(complaint() if callable(complaint) else complaint)


def bundle_of(model: Any, folder: Path, example: Any = (1.0, 2.0)) -> Bundle:
    """Pack a model the way a notebook does."""
    return pack(model, "packed", folder, example=list(example))


def start_backend(
    home: Path, *options: str, prefix: Sequence[str] = ()
) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Start a backend as a program; return it and the line that it reports."""
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "mlkraken_backend", f"--home={home}", f"--ready-fd={writer}"]
    process = subprocess.Popen(
        [*prefix, *command, *options],
        pass_fds=[writer],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    os.close(writer)
    with open(reader, encoding="utf-8") as pipe:
        line = pipe.readline()
    return process, json.loads(line or "{}")


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def replica_pids(home: Path) -> set[int]:
    """Return the pids of a home's model processes."""
    found = set()
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "mlkraken_serving" in words and any(str(home) in word for word in words):
            found.add(process.pid)
    return found


def messages(answer: urllib3.BaseHTTPResponse) -> Iterator[tuple[str, str, Any]]:
    """Yield the kind, id and data of every server-sent event."""
    fields: dict[str, str] = {}
    rest = b""
    for chunk in answer.stream(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            name, _, value = line.decode().partition(": ")
            if name and value:
                fields[name] = value
            elif not line and "data" in fields:
                yield fields["event"], fields["id"], json.loads(fields["data"])
                fields = {}


def token(api: Api, name: str, **fields: Any) -> Api:
    """Make a token; return the API as its holder sees it."""
    made = api.ask("POST", f"{V1}/tokens", {"name": name, **fields})
    assert made.status == 201, made.data
    return api.with_token(made.json["token"])


def deploy(kraken: Kraken, name: str, **wish: Any) -> Any:
    """Deploy a model that doubles its numbers."""

    def double(xs: list) -> list:
        return [2 * x for x in xs]

    return kraken.deploy(double, name, example=[1.0, 2.0], **wish)
