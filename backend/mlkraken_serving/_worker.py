"""One worker process of a model server: ``python -m mlkraken_serving._worker BUNDLE --channel FD``.

It loads the bundle as a server of its own would, then answers what its parent asks, one call at
a time, until the parent closes the channel or ends.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import msgspec

from mlkraken_serving._errors import InternalError, ModelError, ServingError
from mlkraken_serving._loading import load_engine
from mlkraken_serving._manifest import Bundle, read_bundle
from mlkraken_serving.engines._channel import Channel, ChannelClosed
from mlkraken_serving.engines._messages import (
    Answer,
    Ask,
    Failure,
    Hello,
    Message,
    pack,
    unpack,
    whole,
)
from mlkraken_serving.engines._port import Engine

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1
log = logging.getLogger("mlkraken.serving")


def main(argv: list[str] | None = None) -> None:
    """Load the bundle, then answer until there is nobody left to answer."""
    parser = argparse.ArgumentParser(prog="python -m mlkraken_serving._worker", description=__doc__)
    parser.add_argument("bundle", type=Path, help="folder with kraken.json")
    parser.add_argument("--parent", type=int, required=True, help="process to end with")
    parser.add_argument("--channel", type=int, required=True, help="inherited socket")
    options = parser.parse_args(argv)
    _end_with_parent(options.parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells all; the parent decides
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    channel = Channel(socket.socket(fileno=options.channel))
    with contextlib.suppress(ChannelClosed):
        _work(channel, options.bundle)


def _end_with_parent(parent: int) -> None:
    """Be killed when the parent ends, also in the middle of a call; see prctl(2)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it had ended before that
            sys.exit(1)


def _work(channel: Channel, folder: Path) -> None:
    try:
        bundle = read_bundle(folder)
        engine, receipt = load_engine(bundle)
    except ServingError as error:
        log.error("%s", error.message, exc_info=error.__cause__)
        channel.send(pack(Failure.of(error)))
        return
    told = msgspec.to_builtins(receipt)
    hello = Hello(engine.name, engine.calls, engine.classes, engine.parameters, told)
    channel.send(pack(hello))
    while True:
        channel.send(_packed(_answered(engine, bundle, unpack(channel.receive()))))


def _answered(engine: Engine, bundle: Bundle, ask: Ask) -> Message:
    try:
        data = whole(ask.data, bundle.manifest.signature)
        return Answer(engine.predict(data, ask.calls))
    except ServingError as error:
        if isinstance(error, ModelError):
            log.error("%s", error.message, exc_info=error.__cause__)
        return Failure.of(error)
    except Exception as error:
        log.error("unexpected failure while predicting", exc_info=error)
        return Failure.of(InternalError())


def _packed(message: Message) -> list[bytes | bytearray | memoryview]:
    try:
        return pack(message)
    except Exception as error:  # the answer's own class may raise anything when it is pickled
        refused = ModelError(
            "result_unserialisable",
            f"The model's answer cannot leave its process: {type(error).__name__}: {error}.",
            "Let it return numbers, strings, lists, dictionaries, numpy arrays or pandas objects.",
        )
        return pack(Failure.of(refused))


if __name__ == "__main__":
    main()
