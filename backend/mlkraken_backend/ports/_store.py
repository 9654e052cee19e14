"""The port for records: conditional writes, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import msgspec

from mlkraken_backend.values import Event, Model, Service, Token, Upload, Version

__all__ = ["Answer", "Entity", "ModelQuery", "Page", "Remove", "Save", "Store"]


class Answer(msgspec.Struct, frozen=True):
    """What a write with an idempotency key was answered, to be given again."""

    key: str
    fingerprint: str
    status: int
    body: bytes
    at: float
    revision: int = 0


Entity: TypeAlias = Model | Version | Service | Upload | Token | Answer


class Save(msgspec.Struct, frozen=True):
    """Store ``entity`` as the revision after the one it carries; 0 means it must be new."""

    entity: Entity


class Remove(msgspec.Struct, frozen=True):
    """Remove what is stored as ``entity``, provided it still has its revision."""

    entity: Entity


class ModelQuery(msgspec.Struct, frozen=True):
    """Which models a list shows, ordered by name; empty text means no condition.

    ``tag`` is ``key`` or ``key=value``; ``after`` is the last name of the page before.
    """

    limit: int = 100
    after: str = ""
    text: str = ""
    state: str = ""
    owner: str = ""
    tag: str = ""


class Page(msgspec.Struct, frozen=True):
    """``more`` tells whether anything comes after the last model."""

    models: list[Model]
    more: bool


class Store(Protocol):
    """Keeps records. What a call has returned from is there after a crash of this process.

    Every method raises `StorageError` (``storage_busy``, ``storage_read_only``), `StorageFull`
    (``storage_full``) or `StorageCorrupt` (``database_corrupt``) when the medium fails.
    """

    def commit(self, changes: Sequence[Save | Remove], events: Sequence[Event] = ()) -> None:
        """Make all changes and append all events, or do nothing.

        Raises
        ------
        RevisionConflict
            ``revision_conflict``: an entity is not stored with the revision it carries.
        """

    def model(self, name: str) -> Model | None: ...

    def models(self, query: ModelQuery) -> Page:
        """Return models that have a version, a service, or were made explicitly."""

    def version(self, model: str, number: int) -> Version | None: ...

    def versions(self, model: str) -> list[Version]:
        """Return all versions of a model, refused ones included, by number."""

    def versions_with(self, digest: str) -> list[Version]:
        """Return the versions of all models with this digest, refused ones excluded."""

    def refused_before(self, moment: float) -> list[Version]:
        """Return refused versions that were made before a time."""

    def service(self, model: str, number: int) -> Service | None: ...

    def services(self, model: str) -> list[Service]: ...

    def active_services(self) -> list[Service]:
        """Return the services that are, or should be, running; never by reading all."""

    def unsettled_models(self) -> list[Model]:
        """Return the models that are being deleted; never by reading all."""

    def upload(self, upload_id: str) -> Upload | None: ...

    def uploads(self) -> list[Upload]: ...

    def token(self, name: str) -> Token | None: ...

    def tokens(self) -> list[Token]: ...

    def answer(self, key: str) -> Answer | None: ...

    def events(self, after: int, limit: int, model: str = "") -> list[Event]:
        """Return events with ids above ``after``, oldest first."""

    def last_event(self) -> int:
        """Return the id of the newest event, 0 when there is none."""

    def trim(self, *, events_kept: int, answers_before: float) -> None:
        """Forget all but the newest events, and remembered answers older than a time."""

    def close(self) -> None: ...
