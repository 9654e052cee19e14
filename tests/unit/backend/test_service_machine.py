"""One service's state machine under any order of wishes, sightings and clock steps."""

from __future__ import annotations

import itertools

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mlkraken_backend.lifecycle import (
    Kill,
    Policy,
    Sighting,
    Start,
    Step,
    Stop,
    advance,
    want_restart,
    want_running,
    want_stopped,
)
from mlkraken_backend.values import Failure, Service, Size

POLICY = Policy()
TRANSIENT = Failure("replica_killed", "it was killed")
FINAL = Failure("load_failed", "it does not load", final=True)


class World(RuleBasedStateMachine):
    """A service, the processes that its commands start, and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000.0
        self.ids = itertools.count()
        self.service = want_running(Service("m", 1, self.now), Size(), self.now)
        self.seen: dict[str, Sighting] = {}
        self.step = Step(self.service, [])

    def new_id(self) -> str:
        return f"r-{next(self.ids)}"

    # -- what users ask ----------------------------------------------------------------------

    @rule(replicas=st.integers(1, 4))
    def run(self, replicas: int) -> None:
        size = msgspec.structs.replace(self.service.size, replicas=replicas)
        self.service = want_running(self.service, size, self.now)

    @rule()
    def stop(self) -> None:
        self.service = want_stopped(self.service, self.now)

    @rule()
    def restart(self) -> None:
        self.service = want_restart(self.service, self.now, POLICY)

    # -- what happens outside ----------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.01, 0.6, 5.0, 11.0, 61.0, 200.0, -3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    def alive(self) -> list[str]:
        return [name for name, sighting in self.seen.items() if sighting.status != "ended"]

    @precondition(lambda self: self.alive())
    @rule(data=st.data())
    def becomes_ready(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.alive()))
        self.seen[name] = Sighting("ready", "127.0.0.1", 4000 + int(name[2:]), 77)

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), failure=st.sampled_from([TRANSIENT, FINAL, None]))
    def ends(self, data: st.DataObject, failure: Failure | None) -> None:
        name = data.draw(st.sampled_from(self.alive()))
        self.seen[name] = Sighting("ended", failure=failure)

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def is_forgotten(self, data: st.DataObject) -> None:
        del self.seen[data.draw(st.sampled_from(sorted(self.seen)))]

    # -- the machine itself ------------------------------------------------------------------

    @rule(lost=st.booleans())
    def round(self, lost: bool) -> None:
        """One round; ``lost`` says that the backend died before it gave the commands."""
        proven, running = self.service.proven, _running(self.service)
        step = advance(self.service, self.seen, self.now, self.new_id, POLICY)
        self.check(step, proven, running)
        self.service = step.service
        if not lost:
            self.obey(step)

    def obey(self, step: Step) -> None:
        for command in step.commands:
            name = command.replica.id
            if isinstance(command, Start):
                self.seen.setdefault(name, Sighting("starting"))
            elif name in self.seen and (isinstance(command, Kill) or command.grace_s == 0):
                self.seen[name] = Sighting("ended", failure=TRANSIENT)

    def check(self, step: Step, proven: bool, running: set[str]) -> None:
        after = step.service
        starts = [command for command in step.commands if isinstance(command, Start)]
        if after.gave_up or after.desired == "stopped":
            assert not starts
        assert len({start.replica.slot for start in starts}) == len(starts)
        stored = {replica.id for replica in after.replicas}
        assert {start.replica.id for start in starts} <= stored
        for command in step.commands:
            if isinstance(command, Stop):
                assert command.replica.state == "stopping"
                assert 0 <= command.grace_s <= POLICY.stop_grace_s
        for replica in after.replicas:
            alive = self.seen.get(replica.id, Sighting("ended")).status != "ended"
            if alive and replica.state == "stopping" and self.now > replica.deadline_at:
                assert Kill(replica) in step.commands
        for name in _running(after) - running:
            assert self.seen[name].status == "ready"
        assert after.proven or not proven, "what was proven stays proven"
        again = advance(after, self.seen, self.now, self.new_id, POLICY)
        fresh = {item.replica.id for item in again.commands if isinstance(item, Start)}
        assert fresh <= stored, "looking twice at the same starts nothing twice"

    # -- promises ----------------------------------------------------------------------------

    @invariant()
    def every_replica_has_a_slot_of_its_own(self) -> None:
        slots = [replica.slot for replica in self.service.replicas]
        assert len(set(slots)) == len(slots)

    @invariant()
    def a_deadline_is_never_out_of_reach(self) -> None:
        step = advance(self.service, self.seen, self.now, self.new_id, POLICY)
        for replica in step.service.replicas:
            patience = {"pending": self.service.start_timeout_s, "stopping": POLICY.stop_grace_s}
            if replica.state in patience:
                assert replica.deadline_at <= self.now + patience[replica.state]

    @invariant()
    def no_more_replicas_than_wanted_after_a_look(self) -> None:
        after = advance(self.service, self.seen, self.now, self.new_id, POLICY).service
        staying = [replica for replica in after.replicas if replica.state != "stopping"]
        wanted = after.size.replicas if after.desired == "running" and not after.gave_up else 0
        assert len(staying) <= wanted
        assert after.state != "failed" or after.reason

    @invariant()
    def a_stop_ends_everything(self) -> None:
        service, seen, now = want_stopped(self.service, self.now), dict(self.seen), self.now
        for _ in range(4):
            step = advance(service, seen, now, self.new_id, POLICY)
            service = step.service
            for command in step.commands:
                assert not isinstance(command, Start)
                if isinstance(command, Kill):
                    seen[command.replica.id] = Sighting("ended")
            now += POLICY.stop_grace_s + 1  # nobody obeys the polite request
        assert service.replicas == []
        assert service.state == "stopped"
        assert not service.active


def _running(service: Service) -> set[str]:
    return {replica.id for replica in service.replicas if replica.state == "running"}


World.TestCase.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
TestServiceMachine = World.TestCase


def rounds(service: Service, seen: dict[str, Sighting], now: float, count: int = 1) -> Step:
    numbers = itertools.count(100)
    step = Step(service, [])
    for _ in range(count):
        step = advance(step.service, seen, now, lambda: f"r-{next(numbers)}", POLICY)
    return step


def running_service(replicas: int = 1) -> tuple[Service, dict[str, Sighting]]:
    service = want_running(Service("m", 1, 0.0), Size(replicas=replicas), 0.0)
    service = rounds(service, {}, 0.0).service
    seen = {
        replica.id: Sighting("ready", "127.0.0.1", 5000 + replica.slot, 7)
        for replica in service.replicas
    }
    return rounds(service, seen, 1.0).service, seen


def crash(service: Service, now: float, failure: Failure = TRANSIENT) -> Service:
    seen = {replica.id: Sighting("ended", failure=failure) for replica in service.replicas}
    return rounds(service, seen, now).service


def test_a_killed_replica_comes_back_at_once_with_the_reason_and_its_port() -> None:
    service, _ = running_service()
    step = rounds(
        service, {service.replicas[0].id: Sighting("ended", failure=TRANSIENT)}, now=100.0
    )
    assert [type(command) for command in step.commands] == [Start]
    assert step.commands[0].port == 5000
    assert step.service.restarts == 1
    assert "it was killed" in step.service.reason


def test_a_crash_loop_waits_longer_each_time_and_is_given_up() -> None:
    service, _ = running_service()
    pauses, now = [], 2.0
    while not service.gave_up:
        service = crash(service, now)
        pauses.append((service.retry_at or now) - now)
        now = service.retry_at or now
        service = rounds(service, {}, now).service
    assert pauses == [0.0, 0.5, 1.0, 2.0, 0.0]
    assert service.state == "failed"
    assert "gave up after 5 tries" in service.reason
    assert service.replicas == []
    assert rounds(service, {}, now + 3600).commands == []


def test_a_new_wish_gives_a_failed_service_a_new_chance() -> None:
    service, _ = running_service()
    for _ in range(5):
        service = rounds(crash(service, 2.0), {}, 60.0).service
    assert service.state == "failed"
    again = rounds(want_running(service, service.size, 70.0), {}, 70.0)
    assert again.service.state == "pending"
    assert [type(command) for command in again.commands] == [Start]


def test_a_quiet_stretch_forgives_earlier_crashes() -> None:
    service, _ = running_service()
    service = crash(msgspec.structs.replace(service, failures=4), now=1.0 + POLICY.quiet_s)
    assert service.failures == 1
    assert not service.gave_up


def test_a_version_that_was_never_ready_is_not_tried_again() -> None:
    service = rounds(want_running(Service("m", 1, 0.0), Size(), 0.0), {}, 0.0).service
    after = crash(service, 1.0)
    assert after.state == "failed"
    assert after.reason == "it was killed"


def test_one_accident_that_takes_all_replicas_is_one_accident() -> None:
    service, _ = running_service(replicas=4)
    assert crash(service, 2.0).retry_at is None  # all start again at once
    assert len(crash(service, 2.0).replicas) == 4


def test_a_start_that_hangs_is_killed_at_its_deadline() -> None:
    service = rounds(want_running(Service("m", 1, 0.0), Size(), 0.0), {}, 0.0).service
    hanging = {service.replicas[0].id: Sighting("starting")}
    assert rounds(service, hanging, service.start_timeout_s).commands == []
    step = rounds(service, hanging, service.start_timeout_s + 0.1)
    assert step.commands == [Kill(service.replicas[0])]
    assert step.service.state == "failed"
    assert step.service.failure is not None
    assert step.service.failure.code == "start_timeout"


def test_a_replica_that_became_ready_while_nobody_watched_is_not_late() -> None:
    service = rounds(want_running(Service("m", 1, 0.0), Size(), 0.0), {}, 0.0).service
    ready = {service.replicas[0].id: Sighting("ready", "127.0.0.1", 5000, 7)}
    step = rounds(service, ready, 100_000.0)
    assert step.service.state == "running"
    assert step.commands == []


def test_a_proven_service_whose_start_was_slow_once_is_tried_again() -> None:
    service, _ = running_service()
    service = rounds(crash(service, 2.0), {}, 2.0).service
    hanging = {replica.id: Sighting("starting") for replica in service.replicas}
    after = rounds(service, hanging, 2.0 + service.start_timeout_s + 1).service
    assert not after.gave_up


def test_an_end_that_nobody_watched_counts_as_no_failure() -> None:
    service, _ = running_service()
    step = rounds(service, {service.replicas[0].id: Sighting("ended")}, 100.0)
    assert step.service.failures == 0
    assert [type(command) for command in step.commands] == [Start]


def test_fewer_replicas_stop_the_surplus_and_keep_the_others() -> None:
    service, seen = running_service(replicas=3)
    step = rounds(want_running(service, Size(replicas=1), 50.0), seen, 50.0)
    assert [(type(item), item.replica.slot) for item in step.commands] == [(Stop, 1), (Stop, 2)]
    assert step.service.state == "running"


def test_a_clock_set_back_an_hour_delays_nothing() -> None:
    service, _ = running_service()
    for now in (4000.0, 4001.0, 4002.0):
        service = crash(service, now)
        service = rounds(service, {}, service.retry_at or now).service
    service = crash(service, 4010.0)
    assert service.retry_at is not None
    back = 4010.0 - 3600.0
    service = rounds(service, {}, back).service
    assert rounds(service, {}, back + POLICY.most_backoff_s).commands
