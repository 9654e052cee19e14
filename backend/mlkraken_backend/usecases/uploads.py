"""Bring a bundle in, and make it a version."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from mlkraken_backend._errors import Conflict, NotFound
from mlkraken_backend.checks import check_model_name, check_patience, check_size
from mlkraken_backend.lifecycle import ask_alias, brief, want_running
from mlkraken_backend.ports import Remove, Save, Slot
from mlkraken_backend.usecases._outside import Outside, persist
from mlkraken_backend.usecases.manifest import check_manifest, digest_of
from mlkraken_backend.values import LIVE, Event, Intent, Model, Service, Size, Upload, Version

__all__ = ["Begun", "Committed", "Uploads", "Wanted"]


class Begun(msgspec.Struct, frozen=True):
    """An upload with its slots, or the version that is this very bundle already."""

    upload: str
    slots: list[Slot]
    digest: str
    version: Version | None = None


class Committed(msgspec.Struct, frozen=True):
    """The version an upload became; ``existed`` tells that it was there before."""

    version: Version
    existed: bool


class Wanted(msgspec.Struct, frozen=True):
    """What shall become of a version once it is committed."""

    size: Size = Size()
    start: bool = True
    live: bool = True
    start_timeout_s: float = 120.0
    deadline_s: float = 60.0


class Uploads:
    """Use cases about bundles on their way; each ends as a version or is dropped."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def begin(
        self,
        name: str,
        manifest: dict[str, Any],
        owner: str,
        description: str = "",
        tags: Mapping[str, str] = {},
    ) -> Begun:
        """Announce a bundle and get slots for its files.

        Raises
        ------
        Invalid
            ``model_name_invalid``, ``manifest_invalid``, ``bundle_too_new`` or
            ``runtime_unknown``.
        """
        check_model_name(name)
        check_manifest(manifest, self._outside.runtime.kinds)
        digest = digest_of(manifest)
        there = self._same(name, digest)
        if there is not None and self._outside.artifacts.has(digest):
            return Begun("", [], digest, there)
        upload = Upload(
            id=self._outside.ids.new("u"),
            model=name,
            manifest=manifest,
            created_by=owner,
            created_at=self._outside.clock.now(),
            description=description,
            tags=dict(tags),
        )
        self._outside.store.commit([Save(upload)])
        return Begun(upload.id, self._outside.artifacts.slots(upload), digest)

    async def receive(
        self, name: str, upload_id: str, path: str, chunks: AsyncIterator[bytes]
    ) -> None:
        """Take one file of an upload; see `Artifacts.receive`."""
        await self._outside.artifacts.receive(self._upload(name, upload_id), path, chunks)

    def commit(self, name: str, upload_id: str, wanted: Wanted) -> Committed:
        """Check an upload and make it a candidate, which its first start proves; repeatable.

        Raises
        ------
        Invalid
            ``size_invalid``, ``patience_invalid``, ``file_missing`` or ``file_differs``.
        Conflict
            ``model_deleting``.
        """
        check_size(wanted.size)
        check_patience(start_timeout=wanted.start_timeout_s, deadline=wanted.deadline_s)
        repeated = self._committed_before(name, upload_id)
        if repeated is not None:
            return Committed(repeated, existed=False)
        upload = self._upload(name, upload_id)
        digest = digest_of(upload.manifest)
        with self._outside.bundles:
            self._outside.artifacts.commit(upload, digest)
            there = self._same(name, digest)
            if there is not None:
                self._drop(upload)
                return Committed(there, existed=True)
            version = persist(lambda: self._candidate(upload, digest, wanted))
        self._outside.wake()
        return Committed(version, existed=False)

    def abandon(self, name: str, upload_id: str) -> None:
        """Forget an upload that was not committed; harmless when there is none."""
        upload = self._outside.store.upload(upload_id)
        if upload is not None and upload.model == name:
            self._drop(upload)

    # -- steps --------------------------------------------------------------------------------

    def _same(self, name: str, digest: str) -> Version | None:
        model = self._outside.store.model(name)
        if model is None or model.deleting:
            return None
        return next(
            (
                version
                for version in self._outside.store.versions_with(digest)
                if version.model == name and version.number not in model.leaving
            ),
            None,
        )

    def _upload(self, name: str, upload_id: str) -> Upload:
        upload = self._outside.store.upload(upload_id)
        if upload is None or upload.model != name:
            raise NotFound(
                "upload_not_found",
                f"There is no upload {upload_id!r} for {name!r}.",
                "Uploads that are not committed are dropped after an hour; deploy again.",
            )
        return upload

    def _committed_before(self, name: str, upload_id: str) -> Version | None:
        return next(
            (item for item in self._outside.store.versions(name) if item.upload == upload_id), None
        )

    def _drop(self, upload: Upload) -> None:
        self._outside.artifacts.discard(upload.id)
        self._outside.store.commit([Remove(upload)])

    def _candidate(self, upload: Upload, digest: str, wanted: Wanted) -> Version:
        store, now = self._outside.store, self._outside.clock.now()
        model = self._model_of(upload, now)
        number = 1 + max([model.highest, *model.services, *model.leaving])
        if wanted.start and wanted.live:
            model = ask_alias(model, LIVE, number, now)
        refused, failed = store.version(model.name, number), store.service(model.name, number)
        if refused is not None:
            self._outside.runtime.forget(model.name, number)
            self._outside.querylog.forget(model.name, number)
        version = msgspec.structs.replace(
            _version(upload, digest, number, now),
            intent=Intent(wanted.start, wanted.live, model.live.ask),
            revision=refused.revision if refused else 0,
        )
        service = _service(version, wanted, failed.revision if failed else 0)
        described = msgspec.structs.replace(
            model,
            description=upload.description or model.description,
            tags=upload.tags or model.tags,
            services={**model.services, number: brief(service)},
            updated_at=now,
        )
        event = Event("version.created", model.name, now, number, f"version {number} is starting")
        store.commit([Save(described), Save(version), Save(service), Remove(upload)], [event])
        return version

    def _model_of(self, upload: Upload, now: float) -> Model:
        model = self._outside.store.model(upload.model) or Model(
            name=upload.model, owner=upload.created_by, created_at=now, updated_at=now
        )
        if model.deleting:
            raise Conflict(
                "model_deleting",
                f"The model {model.name!r} is being deleted.",
                "Deploy again in a moment.",
            )
        return model


def _version(upload: Upload, digest: str, number: int, now: float) -> Version:
    return Version(
        model=upload.model,
        number=number,
        status="candidate",
        digest=digest,
        size=sum(file["size"] for file in upload.manifest["files"]),
        manifest=upload.manifest,
        created_by=upload.created_by,
        created_at=now,
        upload=upload.id,
    )


def _service(version: Version, wanted: Wanted, revision: int) -> Service:
    service = Service(
        model=version.model,
        version=version.number,
        updated_at=version.created_at,
        start_timeout_s=wanted.start_timeout_s,
        deadline_s=wanted.deadline_s,
        revision=revision,
    )
    return want_running(service, wanted.size, version.created_at)
