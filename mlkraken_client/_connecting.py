"""How long a connection may take, and what can go wrong with one, whoever made it."""

from __future__ import annotations

from mlkraken_client._errors import BackendUnavailable, WaitTimeout

__all__ = ["CONNECT_S", "connection_lost", "timed_out", "unreachable"]

CONNECT_S = 5.0


def unreachable(origin: str) -> BackendUnavailable:
    """Return the error for an address where nobody listens."""
    return BackendUnavailable("unreachable", f"Nothing answers at {origin}.", "Is it running?")


def connection_lost(origin: str, error: Exception) -> BackendUnavailable:
    """Return the error for a connection that broke before the answer was there."""
    return BackendUnavailable(
        "connection_lost", f"The connection to {origin} broke: {error}.", "Try again."
    )


def timed_out(origin: str, timeout_s: float | None) -> WaitTimeout:
    """Return the error for an answer that did not come in time."""
    return WaitTimeout(
        "timeout",
        f"{origin} did not answer within {timeout_s:g} s.",
        "Give it more time with timeout=, or look at service.logs().",
    )
