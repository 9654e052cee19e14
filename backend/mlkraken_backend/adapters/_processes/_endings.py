"""Why a replica ended, as far as the system tells."""

from __future__ import annotations

import signal

from mlkraken_backend.values import Failure

__all__ = ["GONE", "exit_failure", "memory_failure"]

GONE = Failure(
    "replica_gone",
    "The process ended; it was adopted, so its exit status is not known.",
    "Its last log lines may tell why.",
)


def exit_failure(code: int) -> Failure:
    """Return what an exit status says."""
    if code == -signal.SIGKILL:
        return Failure(
            "replica_killed",
            "The process was killed (SIGKILL).",
            "Most often the system ran out of memory: deploy with a smaller model or free memory.",
        )
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return Failure(
            "replica_crashed",
            f"The process was ended by {name}.",
            "A crash in native code shows in the last log lines, if anywhere.",
        )
    return Failure(
        "replica_exited",
        f"The process exited with status {code}.",
        "The last log lines tell why; model code must not call os._exit or sys.exit.",
    )


def memory_failure(used: int, allowed: int) -> Failure:
    """Return the failure of a replica that is killed because it uses too many bytes."""
    said, cap = f"{used / 2**20:.0f} MB", f"{allowed / 2**20:.0f} MB"
    return Failure(
        "memory_exceeded",
        f"The process used {said} of memory, more than the {cap} it was given, and was killed.",
        "Deploy with more: memory='4GB'.",
        final=False,
    )
