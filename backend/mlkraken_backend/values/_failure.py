"""Why something failed."""

from __future__ import annotations

import msgspec

__all__ = ["Failure"]


class Failure(msgspec.Struct, frozen=True):
    """Why something failed, for the person who has to mend it.

    ``final`` tells that trying again would end the same way.
    """

    code: str
    message: str
    hint: str = ""
    logs: list[str] = []
    final: bool = False
