"""What every runtime promises, with real model servers: it starts, sees, stops and adopts them."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import psutil
import pytest

from mlkraken_backend.adapters._processes import ProcessRuntime
from mlkraken_backend.adapters._record_files import RecordFiles
from mlkraken_backend.auth import Signer
from mlkraken_backend.auth._signer import new_key
from mlkraken_backend.lifecycle import Sighting
from mlkraken_backend.ports import ReplicaSpec, Runtime
from mlkraken_backend.values import Size
from mlkraken_client._pack import pack

cloudpickle.register_pickle_by_value(sys.modules[__name__])


class Place:
    """Runtimes over one folder, one after the other, and bundles to run in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self.changed = threading.Event()
        access = {"issuer": "test", "public_key": Signer(new_key(), "test").public_key}
        (folder / "access.json").write_text(json.dumps(access))
        self.opened: list[Runtime] = []

    def open(self) -> Runtime:
        runtime = ProcessRuntime(
            run=self._folder / "run",
            logs=self._folder / "logs",
            access=self._folder / "access.json",
            querylog=RecordFiles(self._folder / "times"),
            changed=self.changed.set,
        )
        self.opened.append(runtime)
        return runtime

    def spec(self, model: Any, **fields: Any) -> ReplicaSpec:
        number = next(self._numbers)
        bundle = pack(model, "churn", self._folder / f"bundle-{number}", example=[1.0])
        known = {"replica": f"r-{number:012x}", "port": 0, "size": Size(), **fields}
        return ReplicaSpec(
            model="churn",
            version=1,
            digest=bundle.digest,
            location=str(bundle.folder),
            runtime="python",
            interpreter=sys.executable,
            deadline_s=60.0,
            **known,
        )

    def facts(self, replica: str) -> Path:
        return self._folder / "run" / f"{replica}.json"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "hóme with spaces"
    folder.mkdir()
    made = Place(folder)
    yield made
    for runtime in made.opened:
        runtime.close(stop_replicas=True)


@pytest.fixture
def runtime(place: Place) -> Runtime:
    """A runtime that runs nothing yet."""
    return place.open()


def until(runtime: Runtime, replica: str, status: str, timeout_s: float = 20.0) -> Sighting:
    """Wait until a replica is seen in a status; return the sighting."""
    return wait_for(
        lambda: (seen := runtime.seen().get(replica)) and seen.status == status and seen,
        f"{replica} is not {status}: {runtime.seen().get(replica)}",
        timeout_s,
    )


def wait_for(look: Callable[[], Any], complaint: str, timeout_s: float = 20.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(complaint)


def health(sighting: Sighting) -> int:
    with urllib.request.urlopen(
        f"http://{sighting.host}:{sighting.port}/health", timeout=5
    ) as answer:
        return answer.status


def double(xs: list) -> list:
    return [2 * x for x in xs]


def chatty(xs: list) -> list:
    print("predicting", flush=True)
    return xs


class ForksWhileLoading:
    """Starts children when it is loaded: one in its session, one that leaves it."""

    def __init__(self, die: bool = False) -> None:
        self.die = die

    def __reduce__(self) -> Any:
        return _forked, (self.die, os.getpid())

    def predict(self, xs: list) -> list:
        return xs


def _forked(die: bool, packer: int) -> ForksWhileLoading:
    import os
    import signal
    import subprocess
    import time

    if "MLKRAKEN_REPLICA" in os.environ:
        child = os.fork()
        if child == 0:
            time.sleep(1000)
        away = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        print(f"children {child} {away.pid}", flush=True)
        if die:
            os.kill(os.getpid(), signal.SIGKILL)
    return ForksWhileLoading(die)


def test_a_start_is_seen_until_ready_and_may_be_repeated(runtime: Runtime, place: Place) -> None:
    spec = place.spec(double)
    runtime.start(spec)
    assert runtime.seen()[spec.replica].status == "starting"
    sighting = until(runtime, spec.replica, "ready")
    assert health(sighting) == 200
    assert sighting.pid
    assert sighting.parity.verdict == "equal"
    runtime.start(spec)
    assert runtime.seen()[spec.replica] == sighting
    assert place.changed.is_set()


def test_a_stop_ends_it_and_is_harmless_ever_after(runtime: Runtime, place: Place) -> None:
    spec = place.spec(double)
    runtime.start(spec)
    sighting = until(runtime, spec.replica, "ready")
    runtime.stop(spec.replica, 5.0)
    runtime.stop(spec.replica, 5.0)
    until(runtime, spec.replica, "ended")
    assert not psutil.pid_exists(sighting.pid)
    runtime.stop(spec.replica, 5.0)
    runtime.kill(spec.replica)
    runtime.forget_replica(spec.replica)
    assert spec.replica not in runtime.seen()
    runtime.stop(spec.replica, 5.0)
    runtime.kill("r-nobody")
    runtime.forget_replica("r-nobody")


def test_one_that_does_not_end_when_asked_is_killed(runtime: Runtime, place: Place) -> None:
    spec = place.spec(double)
    runtime.start(spec)
    sighting = until(runtime, spec.replica, "ready")
    os.kill(sighting.pid, signal.SIGSTOP)
    runtime.stop(spec.replica, 0.3)
    until(runtime, spec.replica, "ended")
    assert not psutil.pid_exists(sighting.pid)


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGKILL, "replica_killed", "SIGKILL"),
        (signal.SIGSEGV, "replica_crashed", "SIGSEGV"),
    ],
)
def test_one_killed_from_outside_is_seen_with_its_reason(
    runtime: Runtime, place: Place, number: signal.Signals, code: str, words: str
) -> None:
    spec = place.spec(double)
    runtime.start(spec)
    os.kill(until(runtime, spec.replica, "ready").pid, number)
    failure = until(runtime, spec.replica, "ended").failure
    assert failure is not None
    assert failure.code == code
    assert words in failure.message
    assert not failure.final


def test_a_bundle_that_cannot_be_loaded_is_a_final_failure(runtime: Runtime, place: Place) -> None:
    spec = place.spec(double)
    (Path(spec.location) / "kraken.json").write_text("{")
    runtime.start(spec)
    failure = until(runtime, spec.replica, "ended").failure
    assert failure is not None
    assert failure.final
    assert failure.code == "bundle_corrupt" or failure.code.startswith("bundle")


def test_one_that_takes_too_much_memory_is_killed_and_told_so(
    runtime: Runtime, place: Place
) -> None:
    spec = place.spec(double, size=Size(memory=8 * 2**20))
    runtime.start(spec)
    failure = until(runtime, spec.replica, "ended").failure
    assert failure is not None
    assert failure.code == "memory_exceeded"
    assert "8 MB" in failure.message


@pytest.mark.parametrize("die", [False, True], ids=["when serving", "while loading"])
def test_what_a_model_started_ends_with_it(runtime: Runtime, place: Place, die: bool) -> None:
    spec = place.spec(ForksWhileLoading(die))
    runtime.start(spec)
    if not die:
        os.kill(until(runtime, spec.replica, "ready").pid, signal.SIGKILL)
    failure = until(runtime, spec.replica, "ended").failure
    assert failure is not None
    assert failure.code == "replica_killed"
    lines = [line.text for line in runtime.logs("churn", 1, "", 100).lines]
    (told,) = [line for line in lines if line.startswith("children ")]
    for pid in map(int, told.split()[1:]):
        wait_for(lambda pid=pid: _gone(pid), f"the child {pid} lives on", 5.0)


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_taken_port_is_replaced_by_another(runtime: Runtime, place: Place) -> None:
    first = place.spec(double)
    runtime.start(first)
    taken = until(runtime, first.replica, "ready").port
    second = place.spec(double, port=taken)
    runtime.start(second)
    sighting = until(runtime, second.replica, "ready")
    assert sighting.port != taken
    assert health(sighting) == 200


def test_a_later_runtime_adopts_what_runs(runtime: Runtime, place: Place) -> None:
    specs = [place.spec(double), place.spec(double)]
    for spec in specs:
        runtime.start(spec)
    before = [until(runtime, spec.replica, "ready") for spec in specs]
    runtime.close(stop_replicas=False)
    facts = place.facts(specs[1].replica)  # as after a crash between the start and its record
    facts.write_text(facts.read_text().replace(f'"pid":{before[1].pid}', '"pid":0'))
    later = place.open()
    after = [until(later, spec.replica, "ready") for spec in specs]
    assert after == before
    later.start(specs[0])
    os.kill(before[0].pid, signal.SIGKILL)
    failure = until(later, specs[0].replica, "ended").failure
    assert failure is not None
    assert failure.code == "replica_gone"
    later.stop(specs[1].replica, 5.0)
    until(later, specs[1].replica, "ended")


def test_what_ended_while_nobody_watched_is_no_failure_of_the_model(
    runtime: Runtime, place: Place
) -> None:
    spec = place.spec(ForksWhileLoading())
    runtime.start(spec)
    sighting = until(runtime, spec.replica, "ready")
    facts = place.facts(spec.replica).read_bytes()
    os.kill(sighting.pid, signal.SIGKILL)
    until(runtime, spec.replica, "ended")
    runtime.close(stop_replicas=False)
    place.facts(spec.replica).write_bytes(facts)
    later = place.open()
    assert until(later, spec.replica, "ended").failure is None


def test_a_stranger_who_got_the_pid_of_a_lost_replica_is_left_alone(
    runtime: Runtime, place: Place
) -> None:
    spec = place.spec(double)
    runtime.start(spec)
    pid = until(runtime, spec.replica, "ready").pid
    facts = place.facts(spec.replica).read_text()
    runtime.kill(spec.replica)
    until(runtime, spec.replica, "ended")
    runtime.close(stop_replicas=False)
    stranger = psutil.Popen(["sleep", "60"], start_new_session=True)
    try:
        place.facts(spec.replica).write_text(facts.replace(f'"pid":{pid}', f'"pid":{stranger.pid}'))
        later = place.open()
        until(later, spec.replica, "ended")
        later.kill(spec.replica)
        assert stranger.is_running()
        assert stranger.status() != psutil.STATUS_ZOMBIE
    finally:
        stranger.kill()
        stranger.wait(5)


def test_stopping_all_leaves_nothing_to_wonder_about(runtime: Runtime, place: Place) -> None:
    spec = place.spec(double)
    runtime.start(spec)
    until(runtime, spec.replica, "ready")
    runtime.close(stop_replicas=True)
    assert place.open().seen() == {}


def test_log_pages_give_every_line_once_in_order(runtime: Runtime, place: Place) -> None:
    code = textwrap.dedent(
        """
        import sys
        for number in range(300):
            print(f"line {number} żółw", flush=True)
        sys.stdout.write("no end of line"); sys.stdout.flush()
        """
    )
    spec = place.spec(Shouts(code))
    runtime.start(spec)
    until(runtime, spec.replica, "ready")
    found, cursor = [], ""
    for _ in range(100):
        page = runtime.logs("churn", 1, cursor, 37)
        assert len(page.lines) <= 37
        found += [line.text for line in page.lines]
        cursor = page.cursor
        if not page.lines:
            break
    shouted = [line for line in found if line.startswith("line ")]
    assert shouted == [f"line {number} żółw" for number in range(300)]
    assert runtime.logs("churn", 1, cursor, 10).lines == []
    tail = [line.text for line in runtime.logs("churn", 1, "tail", 5).lines]
    assert tail == found[-5:]
    assert runtime.logs("churn", 2, "", 10).lines == []


def test_a_line_without_an_end_is_given_once_the_replica_has_ended(
    runtime: Runtime, place: Place
) -> None:
    spec = place.spec(Shouts("import os; os.write(1, b'half a line'); os.kill(os.getpid(), 9)"))
    runtime.start(spec)
    until(runtime, spec.replica, "ended")
    page = runtime.logs("churn", 1, "", 100)
    assert page.lines[-1].text == "half a line"
    assert page.lines[-1].replica == spec.replica
    assert runtime.logs("churn", 1, page.cursor, 100).lines == []


def test_lines_of_several_replicas_follow_by_one_cursor(runtime: Runtime, place: Place) -> None:
    first, cursor = place.spec(Shouts("print('first')")), ""
    runtime.start(first)
    until(runtime, first.replica, "ready")
    page = runtime.logs("churn", 1, cursor, 1000)
    assert {line.replica for line in page.lines} == {first.replica}
    second = place.spec(Shouts("print('second')"))
    runtime.start(second)
    until(runtime, second.replica, "ready")
    later = runtime.logs("churn", 1, page.cursor, 1000).lines
    assert "second" in [line.text for line in later if line.replica == second.replica]
    assert "first" not in [line.text for line in later]
    runtime.forget("churn", 1)
    runtime.forget("churn", 1)
    assert runtime.logs("churn", 1, "", 10).lines == []


class Shouts:
    """Runs code when it is loaded to be served."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> Any:
        return _shouted, (self.code,)

    def predict(self, xs: list) -> list:
        return xs


def _shouted(code: str) -> Shouts:
    import os

    if "MLKRAKEN_REPLICA" in os.environ:
        exec(code, {})
    return Shouts(code)


def test_usage_of_what_does_not_run_is_nothing(runtime: Runtime) -> None:
    assert runtime.usage("r-nobody") == (0.0, 0)
