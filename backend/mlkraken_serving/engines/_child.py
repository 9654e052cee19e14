"""One worker process: started, talked to, and ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence

from mlkraken_serving.engines._channel import Channel

__all__ = ["Child"]


class Child:
    """A running worker process.

    Parameters
    ----------
    command
        What to run; ``--channel=FD`` is added, the socket that it talks over. Its output goes
        where this process's own goes.
    environment
        Its environment variables.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        mine, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*command, f"--channel={theirs.fileno()}"],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=dict(environment),
            )
        self.channel = Channel(mine)

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> str:
        """End it if it has not ended; return how it did, for people."""
        if self._process.poll() is None:
            self._process.kill()
        return self.wait()

    def wait(self) -> str:
        """Wait for its end, after its side of the channel has closed; return how it ended."""
        try:
            status = self._process.wait(5.0)
        except subprocess.TimeoutExpired:  # it closed its channel and goes on
            self._process.kill()
            status = self._process.wait()
        self.channel.close()
        return _ending(status)


def _ending(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    name = signal.Signals(-status).name
    often = ", often for want of memory" if -status == signal.SIGKILL else ""
    return f"signal {name}{often}"


def default_threads(workers: int) -> dict[str, str]:
    """Return how many threads each worker's numerics may use, where nobody has said it."""
    share = max(1, (os.cpu_count() or 1) // workers)
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {name: str(share) for name in names}
