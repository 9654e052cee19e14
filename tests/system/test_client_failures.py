"""What a person sees when something fails: what, why, the last log lines, the way out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlkraken_client import (
    BackendUnavailable,
    DeployFailed,
    InputRefused,
    InvalidRequest,
    Kraken,
    ModelFailed,
    NotFound,
    PackError,
    ServiceNotRunning,
    WaitTimeout,
)
from tests.conftest import processes_of


class LoadRaises:
    """Loads nowhere but where it was made."""

    def __init__(self) -> None:
        self.home = os.getpid()

    def __setstate__(self, state: dict) -> None:
        if state["home"] != os.getpid():
            print("about to raise")
            raise RuntimeError("the weights are missing")
        self.__dict__.update(state)

    def predict(self, xs: list) -> list:
        return xs


class LoadHangs(LoadRaises):
    def __setstate__(self, state: dict) -> None:
        print("loading for ever", flush=True)
        time.sleep(1000)


class LoadIsKilled(LoadRaises):
    def __setstate__(self, state: dict) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class LoadEatsMemory(LoadRaises):
    def __setstate__(self, state: dict) -> None:
        self.hoard = [bytearray(b"x" * 2**20) for _ in range(4000) if time.sleep(0.001) is None]


def by_value(model: Any) -> Any:
    """Let the class travel inside the pickle, as one of a notebook does."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[type(model).__module__])
    return model


def test_a_model_whose_load_raises_is_refused_with_reason_and_log(shared_kraken: Kraken) -> None:
    with pytest.raises(DeployFailed) as caught:
        shared_kraken.deploy(by_value(LoadRaises()), "load-raises", example=[1.0])
    error = caught.value
    assert error.code == "load_failed"
    assert "RuntimeError: the weights are missing" in error.reason
    assert "about to raise" in error.logs
    assert "about to raise" in str(error)
    assert "load-raises" not in shared_kraken


def test_a_model_whose_load_hangs_is_given_up_after_the_timeout(shared_kraken: Kraken) -> None:
    with pytest.raises(DeployFailed) as caught:
        shared_kraken.deploy(by_value(LoadHangs()), "load-hangs", example=[1.0], timeout=3)
    assert caught.value.code == "start_timeout"
    assert "3 s" in caught.value.reason
    assert "loading for ever" in caught.value.logs
    assert "load-hangs" not in shared_kraken


def test_a_model_whose_load_is_killed_is_refused_with_the_signal(shared_kraken: Kraken) -> None:
    with pytest.raises(DeployFailed) as caught:
        shared_kraken.deploy(by_value(LoadIsKilled()), "load-killed", example=[1.0])
    assert caught.value.code == "replica_killed"
    assert "SIGKILL" in caught.value.reason
    assert "memory" in caught.value.hint


def test_a_model_that_needs_too_much_memory_is_told_how_much(shared_kraken: Kraken) -> None:
    with pytest.raises(DeployFailed) as caught:
        shared_kraken.deploy(
            by_value(LoadEatsMemory()), "load-memory", example=[1.0], memory="300MB"
        )
    assert caught.value.code == "memory_exceeded"
    assert "300 MB" in caught.value.reason
    assert "memory='4GB'" in caught.value.hint


def test_a_failed_deploy_leaves_the_old_version_serving(shared_kraken: Kraken) -> None:
    def fine(xs: list) -> list:
        return xs

    shared_kraken.deploy(fine, "survivor", example=[1.0])
    with pytest.raises(DeployFailed):
        shared_kraken.deploy(by_value(LoadRaises()), "survivor", example=[1.0])
    model = shared_kraken["survivor"]
    assert model.predict([5.0]) == [5.0]
    assert model.versions == [1]
    assert shared_kraken.deploy(lambda xs: [0 for _ in xs], "survivor", example=[1.0]).version == 2


def test_a_module_that_is_not_there_where_it_is_served_is_named(
    shared_kraken: Kraken, tmp_path: Path
) -> None:
    script = textwrap.dedent(
        """
        import sys, types
        from mlkraken_client import Kraken, DeployFailed
        ghost = types.ModuleType("kraken_ghost")
        exec("def predict(xs):\\n    return xs\\n", ghost.__dict__)
        ghost.predict.__module__ = "kraken_ghost"
        sys.modules["kraken_ghost"] = ghost
        try:
            Kraken(home=sys.argv[1]).deploy(ghost.predict, "ghost", example=[1.0])
        except DeployFailed as error:
            print(error.code, "|", error.reason, "|", error.hint)
        """
    )
    home = str(shared_kraken.connection.target.home)
    done = subprocess.run(
        [sys.executable, "-c", script, home],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.stdout.startswith("module_missing"), done.stdout + done.stderr
    assert "'kraken_ghost'" in done.stdout
    assert "code=" in done.stdout


def test_a_requirement_that_is_not_met_is_named(shared_kraken: Kraken) -> None:
    with pytest.raises(DeployFailed) as caught:
        shared_kraken.deploy(
            lambda xs: xs, "demanding", example=[1.0], requirements=["no-such-package==9.9"]
        )
    assert caught.value.code == "requirement_missing"
    assert "no-such-package==9.9" in caught.value.reason
    assert "pip install" in caught.value.hint


@pytest.mark.parametrize(
    "name", ["", "Churn", "a b", "-a", "ü", "a" * 64, "a/b", "a@1", "../x", None, 5]
)
def test_names_that_cannot_be_are_refused_before_anything_is_done(
    shared_kraken: Kraken, name: Any
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        shared_kraken.deploy(lambda xs: xs, name, example=[1.0])
    assert caught.value.code == "model_name_invalid"
    assert repr(name) in caught.value.message


def test_a_name_like_the_wanted_one_is_proposed(shared_kraken: Kraken) -> None:
    with pytest.raises(InvalidRequest) as caught:
        shared_kraken.deploy(lambda xs: xs, "My Churn Model!", example=[1.0])
    assert "'my-churn-model'" in caught.value.hint


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"memory": "lots"}, "memory_invalid"),
        ({"replicas": 0}, "size_invalid"),
        ({"cpu": -1}, "size_invalid"),
        ({"runtime": "cobol"}, "runtime_unknown"),
    ],
)
def test_sizes_and_runtimes_that_cannot_be_are_refused(
    shared_kraken: Kraken, wish: dict, code: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        shared_kraken.deploy(lambda xs: xs, "odd-size", example=[1.0], **wish)
    assert caught.value.code == code
    assert "odd-size" not in shared_kraken


def test_unpicklable_models_name_the_attribute(shared_kraken: Kraken) -> None:
    class Model:
        def __init__(self) -> None:
            self.parts = {"lock": threading.Lock()}

        def predict(self, xs: list) -> list:
            return xs

    with pytest.raises(PackError) as caught:
        shared_kraken.deploy(Model(), "locked", example=[1.0])
    assert "model.parts['lock']" in caught.value.message
    assert "locked" not in shared_kraken


@pytest.fixture(scope="module")
def troubled(shared_kraken: Kraken) -> Any:
    """A service whose model does whatever its input says."""

    def act(xs: list) -> list:
        if "raise" in xs:
            raise KeyError("what is this")
        if "exit" in xs:
            sys.exit(4)
        if "print" in xs:
            print("something\nelse")
        if "slow" in xs:
            time.sleep(30)
        if "die" in xs:
            os._exit(9)
        return xs

    return shared_kraken.deploy(act, "troubled", example=["a"])


def test_a_predict_that_raises_tells_the_error_and_the_traceback(troubled: Any) -> None:
    with pytest.raises(ModelFailed) as caught:
        troubled.predict(["raise"])
    assert caught.value.code == "predict_failed"
    assert "KeyError: 'what is this'" in caught.value.message
    assert any("Traceback" in line for line in caught.value.logs)
    assert troubled.predict(["fine"]) == ["fine"]


def test_a_predict_that_exits_does_not_end_the_service(troubled: Any) -> None:
    with pytest.raises(ModelFailed) as caught:
        troubled.predict(["exit"])
    assert caught.value.code == "predict_exited"
    assert troubled.predict(["print"]) == ["print"]
    assert troubled.describe()["restarts"] == 0


def test_a_query_that_takes_too_long_is_given_up(troubled: Any) -> None:
    with pytest.raises(WaitTimeout) as caught:
        troubled.predict(["slow"], timeout=0.5)
    assert "0.5 s" in caught.value.message
    troubled.restart()


def test_a_process_that_dies_comes_back_and_says_why(troubled: Any) -> None:
    with pytest.raises(ServiceNotRunning):
        troubled.predict(["die"])
    troubled.wait(timeout=30)
    assert troubled.predict(["alive"]) == ["alive"]
    assert "status 9" in troubled.reason
    assert "restarted" in troubled.reason


@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        (lambda X: X.drop(columns="sex"), "columns_missing", "'sex'"),
        (lambda X: X.assign(extra=1), "columns_unexpected", "'extra'"),
        (lambda X: X.assign(year="soon"), "value_mistyped", "'soon'"),
        (lambda X: X.assign(year=None), "value_missing", "year"),
        (lambda X: X.assign(island=7), "value_mistyped", "island"),
    ],
)
def test_wrong_columns_are_named(
    shared_kraken: Kraken, penguins: Any, change: Any, code: str, named: str
) -> None:
    model, X = penguins
    service = shared_kraken.deploy(model, "strict", example=X.head())
    with pytest.raises(InputRefused) as caught:
        service.predict(change(X.head()))
    assert caught.value.code == code
    assert named in caught.value.message
    assert caught.value.hint


def test_columns_in_another_order_are_put_in_order(shared_kraken: Kraken, penguins: Any) -> None:
    model, X = penguins
    service = shared_kraken.deploy(model, "strict", example=X.head())
    assert (service.predict(X[X.columns[::-1]]) == model.predict(X)).all()


def test_unknown_models_and_versions_are_named(shared_kraken: Kraken) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        shared_kraken["nobody"]
    with pytest.raises(NotFound):
        shared_kraken.delete("nobody")
    shared_kraken.deploy(lambda xs: xs, "somebody", example=[1.0])
    with pytest.raises(NotFound, match="version 9"):
        shared_kraken["somebody"].promote(9)


def test_a_start_that_fails_later_shows_where_people_look(
    shared_kraken: Kraken, tmp_path: Path
) -> None:
    needed = tmp_path / "needed"
    needed.touch()

    class NeedsFile:
        def __init__(self, path: str) -> None:
            self.path = path

        def __setstate__(self, state: dict) -> None:
            self.__dict__.update(state)
            with open(self.path):
                pass

        def predict(self, xs: list) -> list:
            return xs

    service = shared_kraken.deploy(NeedsFile(str(needed)), "needy", example=[1.0]).stop()
    needed.unlink()
    with pytest.raises(ServiceNotRunning) as caught:
        service.start()
    assert caught.value.code == "service_failed"
    assert "FileNotFoundError" in caught.value.reason
    (row,) = shared_kraken.models("needy").describe()
    assert row["state"] == "failed"
    assert "FileNotFoundError" in row["reason"]
    told = service.describe()["failure"]
    assert any("FileNotFoundError" in line for line in told["logs"])
    with pytest.raises(ServiceNotRunning) as again:
        service.predict([1.0])
    assert "FileNotFoundError" in again.value.reason
    needed.touch()
    assert service.start().predict([1.0]) == [1.0]


INTERRUPTED = """
import sys, time
from mlkraken_client import Kraken
class Slow:
    def __setstate__(self, state):
        time.sleep(60)
    def __init__(self):
        self.x = 1
    def predict(self, xs):
        return xs
kraken = Kraken(home=sys.argv[1])
kraken.models()
print("begun", flush=True)
kraken.deploy(Slow(), "interrupted", example=[1.0])
"""


def interrupt_when_begun(script: str, home: Path, after_s: float) -> subprocess.CompletedProcess:
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "begun"
    time.sleep(after_s)  # somewhere in the middle of what it does
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C on a terminal: to the whole group
    out, err = process.communicate(timeout=20)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.mark.parametrize("after_s", [0.05, 0.3, 1.5])
def test_an_interrupted_deploy_leaves_nothing_and_harms_nobody(
    kraken: Kraken, home: Path, after_s: float
) -> None:
    service = kraken.deploy(lambda xs: xs, "bystander", example=[1.0])
    before = service.endpoints
    done = interrupt_when_begun(INTERRUPTED, home, after_s)
    assert "KeyboardInterrupt" in done.stderr
    assert service.endpoints == before
    assert service.predict([1.0]) == [1.0]
    deadline = time.monotonic() + 15
    while "interrupted" in kraken and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [model.name for model in kraken.models()] == ["bystander"]
    while len(processes_of(home)) > 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(processes_of(home)) == 2


@pytest.mark.parametrize(
    "call",
    [
        "service.predict([60.0])",
        "[print(line) for line in service.logs(follow=True)]",
        "service.logs(follow=True).show()",
    ],
)
def test_interrupting_a_query_or_a_log_leaves_everything_alive(
    kraken: Kraken, home: Path, call: str
) -> None:
    def sleepy(xs: list) -> list:
        time.sleep(xs[0])
        return xs

    service = kraken.deploy(sleepy, "sleepy", example=[0.0])
    before = service.endpoints
    script = (
        "import sys\nfrom mlkraken_client import Kraken\n"
        "service = Kraken(home=sys.argv[1])['sleepy'].live\nservice.predict([0.0])\n"
        f"print('begun', flush=True)\n{call}\n"
    )
    interrupt_when_begun(script, home, 0.5)
    assert service.endpoints == before
    assert service.state == "running"
    assert len(processes_of(home)) == 2


def test_a_killed_client_in_mid_deploy_ends_in_a_whole_version_or_none(
    kraken: Kraken, home: Path
) -> None:
    script = INTERRUPTED.replace("time.sleep(60)", "time.sleep(1)")
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(home)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(1.0)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        told = kraken.models().describe()
        if all(model["state"] in ("running", "failed") for model in told):
            break
        time.sleep(0.1)
    for model in told:
        assert model["versions"] == [1]
        assert kraken[model["name"]].predict([1.0]) == [1.0]


def test_two_clients_deploying_one_name_make_two_versions(kraken: Kraken, home: Path) -> None:
    kraken.models()
    errors: list[BaseException] = []

    def deploy(number: int) -> None:
        try:
            Kraken(home=home).deploy(lambda xs: [number for _ in xs], "contested", example=[1.0])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=deploy, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    model = kraken["contested"]
    assert model.versions == [1, 2]
    answers = set()
    for version in model.versions:
        service = model.service(version).start()
        answers.add(service.predict([0.0])[0])
    assert answers == {1, 2}


def test_a_backend_that_was_stopped_is_started_by_the_next_call(kraken: Kraken, home: Path) -> None:
    from mlkraken_client._embedded import stop

    service = kraken.deploy(lambda xs: xs, "sleeper", example=[1.0])
    stop(home)
    assert processes_of(home) == []
    assert service.wait(timeout=30).predict([2.0]) == [2.0]


def test_a_frame_of_wrong_kind_is_refused_before_it_is_sent(shared_kraken: Kraken) -> None:
    service = shared_kraken.deploy(lambda xs: xs, "plain-list", example=[1.0])
    with pytest.raises(InputRefused) as caught:
        service.predict([object()])
    assert caught.value.code == "input_unsupported"
    with pytest.raises(InputRefused):
        service.predict(pd.DataFrame({"x": ["a"]}))


def test_a_backend_whose_packages_are_broken_says_so(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken" / "starlette"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('half installed')")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    with pytest.raises(BackendUnavailable) as caught:
        Kraken(home=home).models()
    assert caught.value.code == "backend_unstartable"
    assert "ImportError: half installed" in caught.value.logs[-1]
    assert "half installed" in str(caught.value)
