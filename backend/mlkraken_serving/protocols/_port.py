"""The port between the HTTP door and a protocol.

A protocol is three plain functions around the model's answer: read a body, write an answer, tell
a failure. None of them waits, so the door is free to answer on whichever way is the quickest.

What is made anew for every query is a msgspec struct: a frozen dataclass takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

import msgspec

from mlkraken_serving._core import Prediction
from mlkraken_serving._errors import ServingError
from mlkraken_serving._manifest import Manifest
from mlkraken_serving._values import ModelInput
from mlkraken_serving.engines._port import Engine

__all__ = [
    "JSON",
    "Ask",
    "Endpoint",
    "Failed",
    "Identity",
    "Page",
    "Query",
    "QueryProtocol",
    "Reply",
    "Served",
    "Service",
]

JSON = b"application/json"


@dataclass(frozen=True, slots=True)
class Identity:
    """What this replica serves, as every answer says."""

    model: str
    version: int
    digest: str

    def is_meant(self, model: str, version: str = "") -> bool:
        """Tell whether a model's name, and a version's number or alias, may mean this replica."""
        # A replica knows its number but not which aliases point to it; the gateway does.
        number = version.lstrip("0") if version.isdecimal() else str(self.version)
        return model == self.model and number == str(self.version)


@dataclass(frozen=True, slots=True)
class Service:
    """All that a protocol may tell of the service it stands before.

    ``health`` returns the document of ``GET /health``; its ``ready`` tells whether queries are
    answered. ``counts`` returns what the metrics have counted, by their names without prefix;
    ``example`` the first rows of the bundle's example as ``modelData``, None without one.
    """

    identity: Identity
    manifest: Manifest
    engine: Engine
    health: Callable[[], dict[str, Any]]
    counts: Callable[[], dict[str, float]]
    example: Callable[[], Any] = lambda: None


class Query(msgspec.Struct, frozen=True):
    """One request, authenticated and read to its end.

    ``path`` begins at the service's own root and has no query string, which is ``arguments``
    (still percent-encoded). ``parts`` are what the braces of the endpoint's path stood for.
    ``headers`` have lower-case names. ``body`` is what the sender meant: without its
    Content-Encoding.
    """

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    body: bytes
    request_id: str
    arguments: bytes = b""
    parts: Mapping[str, str] = MappingProxyType({})

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; "" where there is none."""
        raw = self.headers.get(b"content-type", b"").decode("latin-1")
        return raw.partition(";")[0].strip().lower()


class Ask(msgspec.Struct, frozen=True):
    """What a query wants of the model.

    ``calls`` names the model's methods, of `Engine.calls`; empty is what the bundle calls. With
    several the prediction's value is a tuple, one answer a call. ``context`` is whatever the
    protocol wants to know again when it writes the answer.
    """

    data: ModelInput
    calls: tuple[str, ...] = ()
    context: Any = None


class Reply(msgspec.Struct, frozen=True):
    """An answer. The door adds Content-Length, X-Request-Id and what compresses it."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


Failed: TypeAlias = Callable[[ServingError, int, str], Reply]
"""Writes an error with its status for a request id; see `QueryProtocol.failed`."""


class QueryProtocol(Protocol):
    """Reads queries and writes answers in one dialect.

    Every method may raise a `ServingError`; the door hands it to `failed`.
    """

    def read(self, query: Query) -> Ask:
        """Return what the query wants of the model.

        Raises
        ------
        BodyError, InputError, UnknownModel
            The query is not what the protocol says, or not what the model takes.
        """

    def write(self, ask: Ask, prediction: Prediction, query: Query) -> Reply:
        """Return the model's answer as the protocol writes it."""

    def failed(self, error: ServingError, status: int, request_id: str) -> Reply:
        """Return an error in the protocol's form.

        ``status`` is what the house's own table has for the error; a protocol may know better.
        """


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path that takes queries by POST.

    ``path`` may have parts in braces, each for one segment: ``/v2/models/{model}/infer``.
    """

    path: str
    protocol: QueryProtocol


@dataclass(frozen=True, slots=True)
class Page:
    """A path that answers without asking the model.

    ``open`` tells that it needs no credential: only for what names nothing secret. ``failed``
    writes errors of this path in the protocol's form.
    """

    path: str
    answer: Callable[[Query], Reply]
    failed: Failed
    methods: tuple[str, ...] = ("GET",)
    open: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """What one protocol answers.

    ``dialects`` tells who writes failures below a path for which there is no rule, by the path's
    beginning: ``/v2`` for all that looks like the Open Inference Protocol.
    """

    endpoints: tuple[Endpoint, ...] = ()
    pages: tuple[Page, ...] = ()
    dialects: Mapping[str, Failed] = field(default_factory=dict)
