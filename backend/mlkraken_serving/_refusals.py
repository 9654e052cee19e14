"""Requests that are refused before anybody looks at what they ask for."""

from __future__ import annotations

from mlkraken_serving._errors import RequestRefused

__all__ = ["MOST_HEAD_BYTES", "long_head", "malformed", "no_host", "slow"]

MOST_HEAD_BYTES = 65_536
"""Longest request line and headers together."""


def malformed(error: Exception) -> RequestRefused:
    """Return the error for what llhttp does not take as HTTP/1.1."""
    return RequestRefused(
        "request_malformed",
        f"The request is not HTTP/1.1: {error}.",
        "Send it with an HTTP client library.",
        400,
    )


def no_host() -> RequestRefused:
    """Return the error for a request without Host (RFC 9112, section 3.2)."""
    return RequestRefused(
        "host_missing",
        "The request has no header Host, which HTTP/1.1 demands.",
        "Send it with an HTTP client library.",
        400,
    )


def long_head() -> RequestRefused:
    """Return the error for a head of more than `MOST_HEAD_BYTES`."""
    return RequestRefused(
        "head_too_large",
        f"The request's line and headers are longer than {MOST_HEAD_BYTES // 1024} KiB.",
        "Send data in the body, not in headers or the URL.",
        431,
    )


def slow() -> RequestRefused:
    """Return the error for a request that stopped before its end."""
    return RequestRefused(
        "request_slow", "The rest of the request did not come in time.", "Send it again.", 408
    )
