"""From a model in memory to a service that answers: pack, send, start."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlkraken_client._candidate import await_version
from mlkraken_client._connection import Connection
from mlkraken_client._errors import DeployFailed, InvalidRequest, KrakenError, NotFound, WaitTimeout
from mlkraken_client._model import Model
from mlkraken_client._pack import Bundle, pack, told_of_compiling
from mlkraken_client._progress import Progress
from mlkraken_client._service import Service
from mlkraken_client._suggestion import suggest

__all__ = ["Wish", "check_name", "check_runtime", "deploy", "name_like", "send_bundle"]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Wish:
    """What shall become of a bundle, see `Kraken.deploy`."""

    cpu: float = 1.0
    memory: str = "2GB"
    replicas: int = 1
    workers: int = 1
    start: bool = True
    live: bool = True
    wait: bool = True
    timeout: float = 120.0
    deadline: float = 60.0
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


def check_name(name: str) -> None:
    """Refuse what cannot name a model before anything is done for it.

    Raises
    ------
    InvalidRequest
        ``model_name_invalid``.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        text = name_like(str(name))
        raise InvalidRequest(
            "model_name_invalid",
            f"{name!r} cannot name a model.",
            "Use 1 to 63 of a-z, 0-9 and '-', beginning with a letter or digit"
            + (f": {text!r}." if text else "."),
        )


def name_like(text: str) -> str:
    """Return the model name nearest to a text, "" when it has no letter or digit."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].rstrip("-")


def check_runtime(runtime: str | None) -> None:
    """Refuse runtimes that this version does not know; raises `InvalidRequest`."""
    if runtime not in (None, "python"):
        raise InvalidRequest(
            "runtime_unknown",
            f"This version of mlkraken cannot serve {runtime!r} models.",
            "Leave runtime= out, or say 'python'.",
        )


def deploy(
    connection: Connection,
    model: Any,
    name: str,
    wish: Wish,
    progress: Progress,
    *,
    example: Any = None,
    requirements: str | Path | Iterable[str] | None = None,
    code: Iterable[str | Path] = (),
    batch: bool | None = None,
    compile: bool = False,
) -> Service:
    """Pack ``model``, send it, and wait until it answers; see `Kraken.deploy`."""
    check_name(name)
    with progress, tempfile.TemporaryDirectory(prefix="mlkraken-") as folder:
        progress.step("packing and compiling" if compile else "packing")
        bundle = pack(
            model,
            name,
            Path(folder) / "bundle",
            example=example,
            requirements=requirements,
            code=code,
            batch=batch,
            compile=compile,
        )
        if progress.visible and not compile:
            suggest(bundle, model, example, progress.remark)
        return send_bundle(connection, bundle, name, wish, progress)


def send_bundle(
    connection: Connection, bundle: Bundle, name: str, wish: Wish, progress: Progress
) -> Service:
    """Make a bundle a version; interrupted or failed, nothing of it stays behind.

    Raises
    ------
    DeployFailed
        ``version_refused``, with the reason and the last log lines.
    WaitTimeout
        ``deploy_pending``: it goes on without us.
    """
    compiling = told_of_compiling(bundle.manifest)
    progress.step("reaching the backend")
    _ = connection.url  # starts an embedded one, which is most of the time it takes
    progress.step("sending")
    begun = connection.call(
        "POST",
        f"/models/{name}/versions",
        {
            "manifest": bundle.manifest,
            "description": wish.description,
            "tags": dict(wish.tags),
        },
    )
    if begun["exists"]:
        return _again(connection, name, begun["version"], wish, progress)
    with _undone(connection, name, begun["upload"]):
        for slot in begun["slots"]:
            _send_file(connection, bundle.folder / slot["path"], slot)
        done = connection.call(
            "POST",
            f"/models/{name}/versions/{begun['upload']}/commit",
            {
                "start": wish.start,
                "live": wish.live,
                "cpu": wish.cpu,
                "memory": wish.memory,
                "replicas": wish.replicas,
                "workers": wish.workers,
                "start_timeout": wish.timeout,
                "deadline": wish.deadline,
            },
            timeout_s=max(60.0, wish.timeout),
        )
    version = done["version"]
    if done["exists"]:
        return _again(connection, name, version, wish, progress)
    service = Service(connection, name, version["version"])
    if not wish.wait:
        progress.finish(f"{name} version {service.version} is starting")
        return service
    progress.step("starting")
    with _undone(connection, name, str(service.version)):
        await_version(connection, service, version["digest"], wish.timeout)
    if not wish.start:
        service.stop()  # it was started only to prove that it can be
    progress.finish("; ".join(filter(None, [_summary(connection, service, "is"), compiling])))
    return service


def _again(
    connection: Connection, name: str, version: Mapping[str, Any], wish: Wish, progress: Progress
) -> Service:
    """The very same bundle is there already: bring its version where it is wished."""
    model, number = Model(connection, name), version["version"]
    service = Service(connection, name, number)
    progress.step(f"starting version {number}, which is this very model")
    if version["status"] == "candidate" and wish.wait:
        await_version(connection, service, version["digest"], wish.timeout)
    if wish.start and wish.live:
        model.promote(number, wait=wish.wait, timeout=wish.timeout)
    elif wish.start:
        service.start(wait=wish.wait, timeout=wish.timeout)
    progress.finish(_summary(connection, service, "was this very model already: it is"))
    return service


def _send_file(connection: Connection, path: Path, slot: Mapping[str, str]) -> None:
    if "://" in slot["url"]:
        connection.transport.send(slot["method"], slot["url"], body=path.read_bytes())
        return
    connection.send(
        slot["method"],
        slot["url"],
        path.read_bytes(),
        headers={"Content-Type": "application/octet-stream"},
        timeout_s=600.0,
    )


@contextlib.contextmanager
def _undone(connection: Connection, name: str, version: str) -> Iterator[None]:
    """Take back what was begun when it is interrupted or fails."""
    try:
        yield
    except DeployFailed:
        raise  # the backend has taken it back itself
    except WaitTimeout:
        raise  # it goes on
    except BaseException:
        with contextlib.suppress(KrakenError, NotFound):
            connection.call("DELETE", f"/models/{name}/versions/{version}", timeout_s=10.0)
        raise


def _summary(connection: Connection, service: Service, verb: str) -> str:
    told = service.describe()
    where = [item["url"] for item in told["endpoints"] if item["state"] == "running"]
    at = f" at {where[0]}" if where else ""
    live = Model(connection, service.model).describe()["live_version"] == service.version
    state = f"{told['state']}{at}"
    return f"{service.model} version {service.version} {verb} {'live, ' if live else ''}{state}"
