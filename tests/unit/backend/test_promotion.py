"""When candidates become versions and where live points to, in any order of events."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mlkraken_backend._errors import NotFound
from mlkraken_backend.lifecycle import (
    ask_alias,
    release_alias,
    settle,
    want_running,
    want_stopped,
)
from mlkraken_backend.values import (
    LIVE,
    Failure,
    Intent,
    Model,
    Replica,
    Service,
    Size,
    Version,
)


def a_version(number: int, intent: Intent) -> Version:
    return Version("m", number, "candidate", f"sha256:{number}", 1, {}, "me", 0.0, intent=intent)


def answering(service: Service) -> Service:
    replicas = [
        Replica(f"r-{slot}", slot, "running", 0.0, "127.0.0.1", 4000 + slot)
        for slot in range(service.size.replicas)
    ]
    return msgspec.structs.replace(service, replicas=replicas, state="running", proven=True)


def failed(service: Service) -> Service:
    failure = Failure("load_failed", "it does not load")
    return msgspec.structs.replace(
        service, replicas=[], state="failed", gave_up=True, failure=failure
    )


class Deploys(RuleBasedStateMachine):
    """One model to which versions are deployed, that start, fail, stop and are promoted."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1.0
        self.model = Model("m", "me", 0.0, 0.0)
        self.versions: dict[int, Version] = {}
        self.services: dict[int, Service] = {}
        self.ready: set[int] = set()
        self.asked: dict[int, int] = {}

    def known(self) -> list[int]:
        return sorted(self.versions)

    @rule(start=st.booleans(), live=st.booleans())
    def deploy(self, start: bool, live: bool) -> None:
        number = len(self.versions) + 1
        if start and live:
            self.model = ask_alias(self.model, LIVE, number, self.now)
            self.asked[number] = self.model.live.ask
        intent = Intent(start, live, self.model.live.ask)
        self.versions[number] = a_version(number, intent)
        self.services[number] = want_running(Service("m", number, 0.0), Size(), self.now)

    @precondition(lambda self: self.ready)
    @rule(data=st.data(), back=st.booleans())
    def promote(self, data: st.DataObject, back: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.ready)))
        self.model = ask_alias(self.model, LIVE, number, self.now, back=back)
        self.asked[number] = self.model.live.ask
        service = self.services[number]
        if service.desired == "stopped" or service.gave_up:
            self.services[number] = want_running(service, service.size, self.now)

    @precondition(lambda self: self.versions)
    @rule(data=st.data(), what=st.sampled_from(["ready", "fails", "stop", "again", "nothing"]))
    def happens(self, data: st.DataObject, what: str) -> None:
        number = data.draw(st.sampled_from(self.known()))
        version, service = self.versions[number], self.services[number]
        if version.status == "refused":
            return
        wanted = service.desired == "running" and not service.gave_up
        if what == "ready" and wanted:
            service = answering(service)
        elif what == "fails" and wanted:
            service = failed(service)
        elif what == "stop":
            asked = want_stopped(service, self.now)
            service = msgspec.structs.replace(asked, replicas=[], state="stopped")
        elif what == "again" and version.status == "ready":
            service = want_running(service, service.size, self.now)
        self.settle(number, service)

    def settle(self, number: int, service: Service) -> None:
        before, arrived_by = self.model.live.version, self.model.live.at
        result = settle(self.model, self.versions[number], service, self.now)
        self.services[number], self.model = service, result.model
        self.versions[number] = result.version
        if result.version.status == "ready":
            self.ready.add(number)
        moved = self.model.live.version
        if moved != before and before is not None:
            assert moved == number
            assert self.asked[number] > arrived_by, "a late ask undid a newer one"
        again = settle(result.model, result.version, service, self.now)
        assert again.model == result.model
        assert again.version == result.version
        assert again.events == []
        for other in result.stop:
            asked = want_stopped(self.services[other], self.now)
            self.services[other] = msgspec.structs.replace(asked, replicas=[], state="stopped")

    @invariant()
    def live_names_only_what_was_ready(self) -> None:
        alias = self.model.live
        assert alias.version is None or alias.version in self.ready
        assert set(alias.history) <= self.ready
        assert alias.version not in alias.history
        assert len(set(alias.history)) == len(alias.history)

    @invariant()
    def versions_are_those_that_were_ready(self) -> None:
        assert set(self.model.versions) == self.ready

    @invariant()
    def a_late_ask_never_undoes_a_newer_one(self) -> None:
        alias = self.model.live
        assert alias.at <= alias.ask
        if alias.target is not None:
            assert alias.ask > alias.at

    @invariant()
    def a_refused_version_leaves_nothing_to_wait_for(self) -> None:
        refused = {n for n, version in self.versions.items() if version.status == "refused"}
        assert self.model.live.target not in refused
        assert not refused & set(self.model.services)

    @invariant()
    def something_is_live_once_anything_was_ready(self) -> None:
        assert (self.model.live.version is not None) == bool(self.ready)


Deploys.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestDeploys = Deploys.TestCase


def deployed(*numbers: int) -> Model:
    """A model whose versions were deployed, and became live, one after the other."""
    model = Model("m", "me", 0.0, 0.0)
    for number in numbers:
        model = ask_alias(model, LIVE, number, 1.0)
        version = a_version(number, Intent(ask=model.live.ask))
        service = answering(want_running(Service("m", number, 0.0), Size(), 1.0))
        model = settle(model, version, service, 2.0).model
    return model


def test_the_new_version_takes_over_and_the_old_one_stops() -> None:
    model = ask_alias(deployed(1), LIVE, 2, 3.0)
    service = answering(want_running(Service("m", 2, 0.0), Size(), 3.0))
    result = settle(model, a_version(2, Intent(ask=model.live.ask)), service, 4.0)
    assert result.model.live.version == 2
    assert result.model.live.history == [1]
    assert result.stop == {1: "version 2 took over"}


def test_a_version_that_fails_changes_nothing() -> None:
    model = ask_alias(deployed(1), LIVE, 2, 3.0)
    service = failed(want_running(Service("m", 2, 0.0), Size(), 3.0))
    result = settle(model, a_version(2, Intent(ask=model.live.ask)), service, 4.0)
    assert result.version.status == "refused"
    assert result.model.versions == [1]
    assert result.model.live.version == 1
    assert result.model.live.target is None
    assert "version 2 did not get ready: it does not load" in result.model.live.reason
    assert result.stop == {}


def test_a_version_with_several_replicas_is_ready_when_all_are() -> None:
    model = ask_alias(Model("m", "me", 0.0, 0.0), LIVE, 1, 1.0)
    version = a_version(1, Intent(ask=1))
    both = answering(want_running(Service("m", 1, 0.0), Size(replicas=2), 1.0))
    one = msgspec.structs.replace(both, replicas=both.replicas[:1])
    assert settle(model, version, one, 2.0).version.status == "candidate"
    assert settle(model, version, both, 2.0).model.live.version == 1


def test_a_slow_older_deploy_does_not_take_live_from_a_newer_one() -> None:
    model = ask_alias(deployed(1), LIVE, 2, 3.0)
    older = Intent(ask=model.live.ask)
    model = ask_alias(model, LIVE, 3, 4.0)
    newer = Intent(ask=model.live.ask)
    service = answering(want_running(Service("m", 3, 0.0), Size(), 4.0))
    model = settle(model, a_version(3, newer), service, 5.0).model
    late = answering(want_running(Service("m", 2, 0.0), Size(), 3.0))
    result = settle(model, a_version(2, older), late, 6.0)
    assert result.model.live.version == 3
    assert result.model.versions == [1, 2, 3]
    assert 2 in result.stop


def test_going_back_forgets_what_came_after() -> None:
    model = ask_alias(deployed(1, 2, 3), LIVE, 2, 9.0, back=True)
    version = msgspec.structs.replace(a_version(2, Intent()), status="ready")
    service = answering(want_running(Service("m", 2, 0.0), Size(), 9.0))
    after = settle(model, version, service, 10.0).model
    assert after.live.version == 2
    assert after.live.history == [1]


def test_a_version_that_an_alias_names_is_not_stopped() -> None:
    model = ask_alias(deployed(1), "champion", 1, 3.0)
    model = ask_alias(model, LIVE, 2, 3.0)
    service = answering(want_running(Service("m", 2, 0.0), Size(), 3.0))
    result = settle(model, a_version(2, Intent(ask=model.live.ask)), service, 4.0)
    assert result.model.live.version == 2
    assert result.stop == {}


def test_removing_an_alias_that_is_not_there_says_which_there_are() -> None:
    with pytest.raises(NotFound, match="no alias 'x'") as caught:
        release_alias(deployed(1), "x", 2.0)
    assert "live" in caught.value.hint


def test_a_version_deployed_without_start_is_proven_and_stopped() -> None:
    service = answering(want_running(Service("m", 1, 0.0), Size(), 1.0))
    intent = Intent(start=False)
    result = settle(Model("m", "me", 0.0, 0.0), a_version(1, intent), service, 2.0)
    assert result.version.status == "ready"
    assert result.stop == {1: "deployed with start=False"}
