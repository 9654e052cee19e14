"""What the server and a worker process of Python say to each other."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlkraken_serving import _errors
from mlkraken_serving._errors import InternalError, ServingError
from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import ModelInput, Table
from mlkraken_serving.engines._channel import Buffer

__all__ = ["Answer", "Ask", "Failure", "Hello", "Message", "pack", "shortened", "unpack", "whole"]


@dataclass(frozen=True, slots=True)
class Hello:
    """The model is loaded: what `Engine` says of itself, and how its example was answered."""

    name: str
    calls: tuple[str, ...]
    classes: tuple[Any, ...]
    parameters: tuple[str, ...]
    receipt: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A call of `Engine.predict`."""

    data: ModelInput
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What it returned."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failure:
    """What it raised, or why the model could not be loaded."""

    kind: str
    code: str
    message: str
    hint: str

    @classmethod
    def of(cls, error: ServingError) -> Failure:
        return cls(type(error).__name__, error.code, error.message, error.hint)

    def error(self) -> ServingError:
        """Return the error as it was raised."""
        kind = getattr(_errors, self.kind, ServingError)
        if kind is InternalError:
            return InternalError()
        error: ServingError = kind(self.code, self.message, self.hint)
        return error


Message: TypeAlias = "Hello | Ask | Answer | Failure"


def pack(message: Message) -> list[Buffer]:
    """Return a message as buffers: a pickle, and the arrays that it refers to."""
    beside: list[pickle.PickleBuffer] = []
    body = pickle.dumps(message, protocol=5, buffer_callback=beside.append)
    return [body, *(buffer.raw() for buffer in beside)]


def unpack(parts: Sequence[Buffer]) -> Any:
    """Return the message; raises whatever its classes raise."""
    return pickle.loads(parts[0], buffers=parts[1:])


def shortened(data: ModelInput, known: Signature) -> ModelInput:
    """Leave out a signature that the other side has: it is longer than a row."""
    if isinstance(data, Table) and data.signature is known:
        return Table(data.columns, data.rows, None)  # type: ignore[arg-type]
    return data


def whole(data: ModelInput, known: Signature) -> ModelInput:
    """Put back what `shortened` left out."""
    if isinstance(data, Table) and data.signature is None:
        return Table(data.columns, data.rows, known)
    return data
