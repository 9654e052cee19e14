"""Replicas as child processes on this machine, each listening on a loopback port of its own."""

import sys

from mlkraken_backend.adapters._processes._runtime import ProcessRuntime

__all__ = ["ProcessRuntime"]

assert sys.platform != "win32", "model services need a POSIX system"
