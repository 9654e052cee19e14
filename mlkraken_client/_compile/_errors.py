"""Why a model is not compiled. Nothing of it reaches the user as an error: the original serves."""

from __future__ import annotations

__all__ = ["Unconvertible"]


class Unconvertible(Exception):
    """The model has no compiled form that could be proven; the text is the reason."""
