"""Credentials that do not show themselves."""

from __future__ import annotations

__all__ = ["SecretHeaders"]


class SecretHeaders(dict[str, str]):
    """Request headers whose credential stays out of a notebook's outputs and of logs."""

    def __repr__(self) -> str:
        shown = {
            name: "Bearer ..." if name.lower() == "authorization" else value
            for name, value in self.items()
        }
        return repr(shown)
