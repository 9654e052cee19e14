"""Start, stop, size and watch the service of a version."""

from __future__ import annotations

import msgspec

from mlkraken_backend._errors import Conflict
from mlkraken_backend.checks import check_patience, check_size
from mlkraken_backend.lifecycle import Policy, brief, want_restart, want_running, want_stopped
from mlkraken_backend.ports import LogPage, QueryPoint, Save
from mlkraken_backend.usecases._outside import Outside, find_model, find_version, persist, saved
from mlkraken_backend.values import Event, Model, Service, Size

__all__ = ["Services"]

_ALL_EVENTS = 1_000_000


class Services:
    """Use cases about services."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def get(self, name: str, number: int) -> Service:
        """Return a version's service; one that never ran is stopped. Raises `NotFound`."""
        version = find_version(self._outside, name, number)
        service = self._outside.store.service(name, number)
        return service or Service(model=name, version=number, updated_at=version.created_at)

    def put(
        self,
        name: str,
        number: int,
        *,
        desired: str | None = None,
        size: Size | None = None,
        restart: bool = False,
        start_timeout_s: float | None = None,
        deadline_s: float | None = None,
    ) -> Service:
        """Say how a service shall be; what is None stays as it is. Repeatable.

        A running service is restarted when its cpu, memory or workers change, not for its replicas.

        Raises
        ------
        NotFound
            ``version_not_found``.
        Invalid
            ``size_invalid`` or ``patience_invalid``.
        Conflict
            ``version_refused``, ``model_deleting`` or ``version_deleting``.
        """
        check_patience(start_timeout=start_timeout_s, deadline=deadline_s)

        def attempt() -> Service:
            model, before = self._usable(name, number), self.get(name, number)
            now, policy = self._outside.clock.now(), self._outside.policy
            patient = msgspec.structs.replace(
                before,
                start_timeout_s=start_timeout_s or before.start_timeout_s,
                deadline_s=deadline_s or before.deadline_s,
            )
            wanted, new_size = desired or before.desired, check_size(size or before.size)
            after = _wanted(patient, wanted, new_size, restart, now, policy)
            if after == before:
                return before
            self._save(model, after, "restart" if restart else f"{wanted} wanted", now)
            return saved(after)

        service = persist(attempt)
        self._outside.wake()
        return service

    def logs(self, name: str, number: int, cursor: str, limit: int) -> LogPage:
        """Return log lines after a cursor; see `Runtime.logs`. Raises `NotFound`."""
        find_version(self._outside, name, number)
        return self._outside.runtime.logs(name, number, cursor, limit)

    def events(self, name: str, number: int, limit: int) -> list[Event]:
        """Return the newest events of a version, oldest first. Raises `NotFound`."""
        find_version(self._outside, name, number)
        events = self._outside.store.events(0, _ALL_EVENTS, name)
        return [event for event in events if event.version in (None, number)][-limit:]

    def response_times(
        self, name: str, number: int | None, since: float, until: float, limit: int
    ) -> list[QueryPoint]:
        """Return recorded points, those of all versions when ``number`` is None."""
        find_model(self._outside, name)
        return self._outside.querylog.points(name, number, since, until, limit)

    def _usable(self, name: str, number: int) -> Model:
        version = find_version(self._outside, name, number)
        if version.status == "refused":
            why = version.failure.message if version.failure else ""
            raise Conflict(
                "version_refused",
                f"Version {number} of {name!r} was refused when it was deployed: {why}",
                "Mend the cause and deploy again.",
            )
        model = find_model(self._outside, name)
        if model.deleting or number in model.leaving:
            raise Conflict(
                "model_deleting" if model.deleting else "version_deleting",
                f"{name}@{number} is being deleted.",
                "Deploy the model again.",
            )
        return model

    def _save(self, model: Model, service: Service, what: str, now: float) -> None:
        number = service.version
        event = Event("service.wanted", model.name, now, number, f"version {number}: {what}")
        # At once in the list too, so that nobody takes what was for what will be.
        shown = {**model.services, number: brief(service)}
        listed = msgspec.structs.replace(model, services=shown, updated_at=now)
        self._outside.store.commit([Save(service), Save(listed)], [event])


def _wanted(
    service: Service, desired: str, size: Size, restart: bool, now: float, policy: Policy
) -> Service:
    resized = msgspec.structs.replace(size, replicas=service.size.replicas) != service.size
    if desired == "stopped":
        return msgspec.structs.replace(want_stopped(service, now), size=size)
    if restart or (resized and service.replicas):
        return want_restart(msgspec.structs.replace(service, size=size), now, policy)
    if service.desired == "running" and not service.gave_up and size == service.size:
        return service
    return want_running(service, size, now)
