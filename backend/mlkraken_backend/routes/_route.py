"""One route as data, so that the app, the OpenAPI document and the tests read the same list."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlkraken_backend._errors import Invalid
from mlkraken_backend.auth import Caller

__all__ = ["Call", "Param", "Reply", "Route"]


@dataclass(frozen=True)
class Param:
    """One parameter of a query, or a header."""

    name: str
    summary: str
    kind: Literal["string", "number", "integer"] = "string"
    place: Literal["query", "header"] = "query"


@dataclass(frozen=True)
class Call:
    """A request as a handler sees it: authenticated, and its body decoded."""

    caller: Caller
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None

    def number(self, name: str, default: float) -> float:
        """Return a numeric query parameter.

        Raises
        ------
        Invalid
            ``parameter_invalid``.
        """
        text = self.query.get(name)
        if text is None or text == "":
            return default
        with contextlib.suppress(ValueError):
            number = float(text)
            if math.isfinite(number):
                return number
        raise Invalid(
            "parameter_invalid", f"{name}={text!r} is not a number.", f"Say {name}=1, say."
        )

    def whole(self, name: str, default: int, most: int) -> int:
        """Return a whole query parameter between 0 and ``most``, the nearer one beyond them."""
        return int(min(max(self.number(name, default), 0), most))


@dataclass(frozen=True)
class Reply:
    """What a handler answers: a document and a status."""

    document: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """A route of the control plane.

    Parameters
    ----------
    method, path
        As in HTTP; ``{m}`` names the model, for whose sake a token may be limited.
    scope
        What the caller must be allowed to do; None opens the route to everyone.
    summary
        One line for people.
    handle
        Runs in a thread; raises `BackendError`.
    takes, gives
        Types of the JSON bodies; None where there is none.
    """

    method: str
    path: str
    scope: Literal["query", "deploy", "admin"] | None
    summary: str
    handle: Callable[[Call], Reply]
    takes: type[Any] | None = None
    gives: type[Any] | None = None
    params: tuple[Param, ...] = ()
