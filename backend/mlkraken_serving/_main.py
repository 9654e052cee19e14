"""Start one model server: ``python -m mlkraken_serving BUNDLE --model NAME ...``.

The control plane starts this, and so does ``mlkraken serve``. The end is told by the exit
status, and by a JSON file that a parent who outlived its child can still read.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from mlkraken_serving._auth import Gate, KeyGate, OpenGate, TokenGate
from mlkraken_serving._core import Core, Limits
from mlkraken_serving._door import Door
from mlkraken_serving._errors import InternalError, ServingError
from mlkraken_serving._example import example_data
from mlkraken_serving._guard import end_with
from mlkraken_serving._house import House, Patience
from mlkraken_serving._loading import load_engine, load_workers
from mlkraken_serving._manifest import Bundle, read_bundle
from mlkraken_serving._metrics import Metrics
from mlkraken_serving._parity import Receipt
from mlkraken_serving._records import RecordWriter
from mlkraken_serving._replacing import replace
from mlkraken_serving._router import Router
from mlkraken_serving._server import serve
from mlkraken_serving.engines._port import Engine
from mlkraken_serving.protocols._port import Identity, Service
from mlkraken_serving.protocols._table import served

__all__ = ["main"]

EXIT_REFUSED = 3
"""The bundle cannot be served here; starting again would end the same way."""

_LIBRARIES = ("sklearn", "xgboost", "lightgbm")
log = logging.getLogger("mlkraken.serving")


def main(argv: list[str] | None = None) -> None:
    """Load the bundle, then serve it until told to stop."""
    options = _parser().parse_args(argv)
    logging.basicConfig(
        stream=sys.stderr,
        level=options.log_level,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    # Model code may print at any time; nothing of it may wait in a buffer when the process dies.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        bundle = read_bundle(options.bundle)
        listener = _listener(options)
        engine, receipt = (
            load_workers(bundle, options.workers, options.deadline)
            if options.workers > 1
            else load_engine(bundle)
        )
        gate = _gate(options, options.model or bundle.manifest.name)
    except ServingError as error:
        _refuse(options.status_file, error)
    except Exception as error:
        failure = InternalError()
        failure.__cause__ = error
        _refuse(options.status_file, failure)
    except KeyboardInterrupt:
        sys.exit(130)  # interrupted while loading, as shells expect it to be told
    _serve(options, bundle, engine, receipt, gate, listener)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlkraken_serving", description=__doc__)
    parser.add_argument("bundle", type=Path, help="folder with kraken.json")
    parser.add_argument("--model", default="", help="name it is served under (default: its own)")
    parser.add_argument("--version", type=int, default=1, help="version number it is served as")
    parser.add_argument("--digest", default="", help="digest that answers name")
    parser.add_argument("--replica", default="local", help="id of this replica")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--fd", type=int, help="inherited listening socket")
    where.add_argument("--port", type=int, default=0, help="port to listen on (0: any)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    access = parser.add_mutually_exclusive_group()
    access.add_argument("--access", type=Path, help="JSON file with the control plane's key")
    access.add_argument("--token-env", help="environment variable that holds the only token")
    parser.add_argument("--times", type=Path, help="folder for response-time records")
    parser.add_argument("--status-file", type=Path, help="where to write why the start was refused")
    parser.add_argument("--deadline", type=float, default=60.0, help="seconds for one query")
    parser.add_argument(
        "--drain", type=int, default=10, help="seconds to finish queries at the end"
    )
    parser.add_argument("--most-mib", type=float, default=100.0, help="largest request body in MiB")
    parser.add_argument("--queue", type=int, default=4096, help="most queries that may wait")
    parser.add_argument("--batch-rows", type=int, default=4096, help="most rows in a joined call")
    parser.add_argument("--accept", default="", help="type of /invocations' answers by default")
    parser.add_argument("--log-level", type=int, default=logging.INFO, help="as Python's logging")
    parser.add_argument("--workers", type=int, default=1, help="processes that hold the model")
    usual = Patience()
    for name, told in (
        ("head", "a request's line and headers"),
        ("body", "the next part of a body"),
        ("answer", "a caller to take its answer"),
        ("idle", "the next request on a connection"),
    ):
        least = getattr(usual, f"{name}_s")
        parser.add_argument(f"--{name}-s", type=float, default=least, help=f"seconds for {told}")
    parser.add_argument("--until", type=int, metavar="PID", help="end when this process ends")
    return parser


def _listener(options: argparse.Namespace) -> socket.socket:
    if options.fd is not None:
        return socket.socket(fileno=options.fd)
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except OSError as error:
        raise ServingError(
            "port_taken",
            f"Port {options.port} on {options.host} cannot be used: {error.strerror}.",
            "Choose another with --port, or leave it out to take any free one.",
        ) from None  # the message has it all, and nobody needs the traceback
    listener.listen(2048)
    return listener


def _serve(
    options: argparse.Namespace,
    bundle: Bundle,
    engine: Engine,
    receipt: Receipt,
    gate: Gate,
    listener: socket.socket,
) -> None:
    def stuck() -> None:
        if options.workers == 1:  # a pool ends the worker itself
            replace(listener, door, os.environ | secrets)

    manifest = bundle.manifest
    identity = Identity(options.model or manifest.name, options.version, options.digest)
    metrics = Metrics(lambda: core.queued)
    core = Core(
        engine,
        joinable=manifest.entry.batch,
        trusted=manifest.flavor in _LIBRARIES and engine.lanes == 1,
        limits=Limits(options.deadline, options.queue, options.batch_rows),
        on_batch=metrics.batch,
        on_stuck=stuck,
    )
    secrets = {options.token_env: options.token} if options.token_env else {}
    times: Path | None = options.times
    recorder = RecordWriter(times, options.replica, options.version) if times else None
    health = {
        "status": "ready",
        "live": True,
        "ready": True,
        "name": identity.model,
        "model": identity.model,
        "version": identity.version,
        "digest": identity.digest,
        "replica": options.replica,
        "pid": os.getpid(),
        "engine": engine.name,
        # Anyone may read the health, so where asking takes a credential no answer stands in it.
        "parity": msgspec.to_builtins(
            receipt if isinstance(gate, OpenGate) else receipt.in_public()
        ),
    }
    service = Service(
        identity,
        manifest,
        engine,
        lambda: health,
        metrics.counts,
        functools.cache(lambda: example_data(bundle)),
    )
    router = Router(served(service, metrics.page, options.accept))
    door = Door(gate, core, router, metrics, recorder, round(options.most_mib * 2**20))

    def ready(host: str, port: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        print(f"ready http://{shown}:{port}", flush=True)  # noqa: T201 - parents read it

    def drained() -> None:
        if recorder is not None:
            recorder.close()

    if options.until is not None:
        end_with(options.until)
    patience = Patience(options.head_s, options.body_s, options.answer_s, options.idle_s)
    serve(House(door, patience), listener, ready=ready, drained=drained, drain_s=options.drain)


def _gate(options: argparse.Namespace, model: str) -> Gate:
    if options.access is not None:
        return KeyGate(options.access, model)
    if options.token_env:
        secret = options.token = os.environ.pop(options.token_env, "")
        if not secret:
            raise ServingError(
                "token_empty",
                f"The environment variable {options.token_env} holds no token.",
                "Set it to a secret of your own.",
            )
        return TokenGate(hashlib.sha256(secret.encode()).hexdigest())
    return OpenGate()


def _refuse(status_file: Path | None, error: ServingError) -> NoReturn:
    log.error("%s %s", error.message, error.hint, exc_info=error.__cause__)
    if status_file is not None:
        told: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.hint}
        status_file.write_bytes(msgspec.json.encode(told))
    sys.exit(EXIT_REFUSED)
