"""What all connections of a service share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlkraken_serving._door import Door
from mlkraken_serving._heads import Heads
from mlkraken_serving._replies import ResponseWriter

__all__ = ["House", "Patience"]


@dataclass(frozen=True)
class Patience:
    """How long a connection may take, in seconds: for a request's head, between two parts of its
    body, to take its answer, and until the next request."""

    head_s: float = 20.0
    body_s: float = 30.0
    answer_s: float = 60.0
    idle_s: float = 75.0


@dataclass
class House:
    """What all connections of a service share."""

    door: Door
    patience: Patience = field(default_factory=Patience)
    writer: ResponseWriter = field(default_factory=ResponseWriter)
    connections: set[Any] = field(default_factory=set)
    heads: Heads = field(default_factory=Heads)
    ending: bool = False
