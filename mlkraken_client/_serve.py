"""One model in the foreground, without a control plane."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from mlkraken_client._pack import Bundle

__all__ = ["serve_bundle"]

_TOKEN = "MLKRAKEN_SERVE_TOKEN"  # noqa: S105 - the variable's name, not a secret


def serve_bundle(
    bundle: Bundle,
    *,
    host: str,
    port: int,
    token: str,
    workers: int = 1,
    limits: Mapping[str, float] | None = None,
) -> int:
    """Serve a bundle until interrupted or told to end; return the exit status.

    Parameters
    ----------
    bundle
        The bundle.
    host, port
        Where to listen; port 0 takes any free one.
    workers
        How many processes hold the model.
    limits
        The server's ``deadline``, ``most_mib``, ``queue`` and ``batch_rows`` where they shall
        differ from its own.
    token
        Secret that queries must carry, "" for none. It reaches the server by its environment,
        where other users of the machine cannot read it.
    """
    command = [
        sys.executable,
        "-m",
        "mlkraken_serving",
        str(bundle.folder),
        f"--host={host}",
        f"--port={port}",
        f"--digest={bundle.digest}",
        f"--workers={workers}",
        f"--until={os.getpid()}",  # nobody else would end it when we are killed
    ]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in (limits or {}).items()]
    environment = {**os.environ, **({_TOKEN: token} if token else {})}
    if token:
        command.append(f"--token-env={_TOKEN}")
    process = subprocess.Popen(command, env=environment)

    def pass_on(number: int, frame: Any) -> None:
        process.send_signal(number)

    # An interrupt from the terminal reaches the server by itself; one sent to us does not.
    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    ended_on_request = status in (0, -signal.SIGTERM, -signal.SIGINT)
    return 0 if ended_on_request else status if status > 0 else 1
