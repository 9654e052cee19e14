"""Bad luck with processes: what is killed comes back, nothing is orphaned, nothing is half made."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from mlkraken_client import Kraken
from mlkraken_client._embedded import ensure, running
from tests.conftest import processes_of
from tests.system._backend import (
    V1,
    Api,
    alive,
    api_of,
    bundle_of,
    deploy,
    end,
    gone,
    kill_backend,
    pid_of,
    replica_pids,
    start_backend,
    wait_for,
)


def double(xs: list) -> list:
    return [2 * x for x in xs]


def dies(xs: list) -> list:
    import os

    print("about to die", flush=True)
    os._exit(7)


def pid_of_model(api: Api, name: str) -> int:
    return api.ask("GET", f"/m/{name}/health").json["pid"]


def answers(api: Api, name: str) -> bool:
    return api.ask("POST", f"/m/{name}", {"modelData": [3.0]}).status == 200


def service_of(api: Api, name: str, version: int = 1) -> Any:
    return api.ask("GET", f"{V1}/models/{name}/versions/{version}/service").json


# -- model processes ----------------------------------------------------------------------------


def test_a_killed_model_comes_back_with_its_port_and_says_why(kraken: Kraken, home: Path) -> None:
    deploy(kraken, "phoenix")
    api = api_of(home)
    port = service_of(api, "phoenix")["endpoints"][0]["port"]
    killed = pid_of_model(api, "phoenix")
    os.kill(killed, signal.SIGKILL)
    again = wait_for(
        lambda: (
            (one := service_of(api, "phoenix"))["restarts"] == 1
            and one["state"] == "running"
            and one
        ),
        lambda: f"not back: {service_of(api, 'phoenix')}",
    )
    assert "SIGKILL" in again["reason"]
    assert "restarted 1 x" in again["reason"]
    assert again["endpoints"][0]["port"] == port
    assert pid_of_model(api, "phoenix") != killed
    assert answers(api, "phoenix")
    row = api.ask("GET", f"{V1}/models/phoenix").json
    assert (row["restarts"], row["reason"]) == (1, again["reason"])


def test_a_crash_loop_ends_as_failed_with_reason_and_last_lines(
    kraken: Kraken, home: Path, tmp_path: Path
) -> None:
    deploy(kraken, "looping")
    api = api_of(home)
    deadline = time.monotonic() + 60
    while service_of(api, "looping")["state"] != "failed" and time.monotonic() < deadline:
        for pid in replica_pids(home):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    service = service_of(api, "looping")
    assert service["state"] == "failed"
    assert "gave up after 5 tries" in service["reason"]
    assert service["failure"]["logs"]
    assert replica_pids(home) == set()
    answer = api.ask("POST", "/m/looping", {"modelData": [1.0]})
    assert (answer.status, answer.code) == (503, "service_failed")
    kraken["looping"].live.start()
    assert answers(api, "looping")


def test_a_query_that_kills_its_model_is_answered_and_the_model_comes_back(
    kraken: Kraken, home: Path
) -> None:
    kraken.deploy(dies, "suicidal")
    api = api_of(home)
    before = pid_of_model(api, "suicidal")
    answer = api.ask("POST", "/m/suicidal", {"modelData": [1.0]})
    assert (answer.status, answer.code) == (502, "replica_unreachable")
    wait_for(
        lambda: (one := service_of(api, "suicidal"))["restarts"] == 1 and one["state"] == "running",
        lambda: service_of(api, "suicidal"),
    )
    assert pid_of_model(api, "suicidal") != before
    service = service_of(api, "suicidal")
    assert "status 7" in service["reason"]
    assert any("about to die" in line for line in service["failure"]["logs"])


# -- the backend --------------------------------------------------------------------------------


def test_a_new_backend_adopts_what_the_killed_one_left(kraken: Kraken, home: Path) -> None:
    deploy(kraken, "kept", replicas=2)
    api = api_of(home)
    before = replica_pids(home)
    assert len(before) == 2
    service = service_of(api, "kept")
    kill_backend(home)
    assert replica_pids(home) == before
    later = api_of(home)
    assert later.url == api.url
    assert service_of(later, "kept")["endpoints"] == service["endpoints"]
    assert service_of(later, "kept")["restarts"] == 0
    assert answers(later, "kept")
    kraken["kept"].live.restart()
    assert len(replica_pids(home)) == 2
    assert not replica_pids(home) & before


def test_after_all_were_killed_everything_comes_back(kraken: Kraken, home: Path) -> None:
    deploy(kraken, "lazarus")
    deploy(kraken, "stays-stopped").stop()
    api = api_of(home)
    left = processes_of(home)
    for process in left:
        process.kill()
    psutil.wait_procs(left, 10)
    api = api_of(home)
    wait_for(lambda: answers(api, "lazarus"), lambda: service_of(api, "lazarus"))
    assert api.ask("GET", f"{V1}/models/stays-stopped").json["state"] == "stopped"
    assert len(replica_pids(home)) == 1


def test_a_clean_restart_is_no_accident(kraken: Kraken, home: Path) -> None:
    deploy(kraken, "calm")
    process = psutil.Process(pid_of(home))
    process.terminate()
    gone(process.pid, 30)
    assert processes_of(home) == []
    api = api_of(home)
    wait_for(lambda: answers(api, "calm"), lambda: service_of(api, "calm"))
    service = service_of(api, "calm")
    assert (service["restarts"], service["reason"]) == (0, "")


def test_a_backend_killed_at_any_moment_leaves_nothing_half_made(
    home: Path, tmp_path: Path
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    bundles = [bundle_of(_multiplier(n), tmp_path / f"b{n}") for n in range(20)]
    for bundle in bundles:
        api = api_of(home)
        dealer = threading.Thread(target=_deploy_quietly, args=[api, bundle])
        dealer.start()
        dealer.join(moments.choice([0.0, 0.05, 0.1, 0.2, 0.4]) * moments.random() * 2)
        kill_backend(home)
        dealer.join(20)
    api = api_of(home)
    model = wait_for(
        lambda: (
            (
                (answer := api.ask("GET", f"{V1}/models/hasty")).status == 404
                or (answer.json["target_version"] is None and answer.json["state"] == "running")
            )
            and answer
        ),
        lambda: f"seed {seed}: {api.ask('GET', f'{V1}/models/hasty').json}",
        10.0,
    )
    if model.status == 404:
        assert replica_pids(home) == set()
        return
    versions = api.ask("GET", f"{V1}/models/hasty/versions").json["versions"]
    assert [one["version"] for one in versions] == model.json["versions"]
    assert {one["status"] for one in versions} == {"ready"}
    assert answers(api, "hasty"), f"seed {seed}"
    wait_for(lambda: len(replica_pids(home)) == 1, lambda: f"seed {seed}: {replica_pids(home)}")


def _multiplier(factor: int) -> Any:
    def multiply(xs: list) -> list:
        return [factor * x for x in xs]

    return multiply


def _deploy_quietly(api: Api, bundle: Any) -> None:
    """Deploy as far as the backend lives."""
    try:
        api.commit("hasty", api.upload("hasty", bundle))
    except Exception as error:  # the backend was killed on the way
        print(f"broken off: {type(error).__name__}")


def test_a_backend_ends_with_the_process_it_was_told_to_watch(home: Path) -> None:
    watched = subprocess.Popen(["sleep", "100"])
    backend, _ = start_backend(home, f"--until={watched.pid}")
    deploy(Kraken(home=home), "guarded")
    assert len(replica_pids(home)) == 1
    watched.kill()
    watched.wait(5)
    assert backend.wait(30) == 0
    assert processes_of(home) == []


def test_models_end_with_the_watched_process_though_their_backend_was_killed(home: Path) -> None:
    watched = subprocess.Popen(["sleep", "100"])
    backend, _ = start_backend(home, f"--until={watched.pid}")
    deploy(Kraken(home=home), "guarded")
    backend.kill()
    backend.wait(5)
    assert len(replica_pids(home)) == 1
    watched.kill()
    watched.wait(5)
    wait_for(lambda: processes_of(home) == [], "models outlive the server", 15.0)


def test_a_watched_process_that_is_gone_already_ends_the_backend(home: Path) -> None:
    watched = subprocess.Popen(["true"])
    watched.wait(5)
    backend, _ = start_backend(home, f"--until={watched.pid}")
    assert backend.wait(30) == 0


def test_a_second_backend_refuses_and_names_the_first(home: Path) -> None:
    first, told = start_backend(home)
    second, refused = start_backend(home)
    assert second.wait(20) == 1
    assert refused["error"]["code"] == "backend_running"
    assert str(told["pid"]) in refused["error"]["message"]
    assert told["url"] in refused["error"]["message"]
    assert Api(told["url"], None).ask("GET", f"{V1}/health").status == 200
    end(first)


def test_three_starters_at_once_get_one_backend(home: Path) -> None:
    found: list[Any] = []
    starters = [threading.Thread(target=lambda: found.append(ensure(home))) for _ in range(3)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join(60)
    assert len({one.pid for one in found}) == 1
    assert len(found) == 3
    assert len(processes_of(home)) == 1


def test_a_backend_killed_at_its_first_start_does_not_spoil_the_home(home: Path) -> None:
    for pause in (0.15, 0.25, 0.3, 0.35, 0.4, 0.5):
        backend = subprocess.Popen(
            [sys.executable, "-m", "mlkraken_backend", f"--home={home}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            backend.wait(pause)
        except subprocess.TimeoutExpired:
            backend.kill()
            backend.wait(5)
    api = api_of(home)
    assert api.token
    assert api.ask("GET", f"{V1}/models").status == 200


# -- clients at once, deletes in every state ------------------------------------------------------


CLIENT = """
import sys
from pathlib import Path
from mlkraken_client import Kraken

factor = int(sys.argv[2])
def model(xs, factor=factor):
    return [factor * x for x in xs]

print(Kraken(home=Path(sys.argv[1])).deploy(model, "contested", example=[1.0]).version)
"""


def test_two_clients_deploying_one_name_get_two_versions(home: Path, kraken: Kraken) -> None:
    kraken.models()
    clients = [
        subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(home), factor], stdout=subprocess.PIPE, text=True
        )
        for factor in "56"
    ]
    told = [client.communicate(timeout=60)[0].split()[-1] for client in clients]
    assert sorted(told) == ["1", "2"]
    assert api_of(home).ask("GET", f"{V1}/models/contested").json["versions"] == [1, 2]
    assert answers(api_of(home), "contested")


def test_the_same_bundle_twice_is_one_version(home: Path, tmp_path: Path) -> None:
    api, bundle = api_of(home), bundle_of(double, tmp_path / "b")
    uploads = [api.upload("same", bundle), api.upload("same", bundle)]
    first, second = (api.commit("same", upload).json for upload in uploads)
    assert (first["version"]["version"], first["exists"]) == (1, False)
    assert (second["version"]["version"], second["exists"]) == (1, True)
    assert api.settled("same")["versions"] == [1]


class LoadsSlowly:
    def __reduce__(self) -> Any:
        return _slow, ()

    def predict(self, xs: list) -> list:
        return xs


def _slow() -> Any:
    import os
    import time

    if "MLKRAKEN_REPLICA" in os.environ:
        time.sleep(100)
    return double


@pytest.mark.parametrize("state", ["running", "pending", "stopped", "failed", "empty"])
def test_a_delete_works_in_every_state_and_leaves_nothing(
    state: str, home: Path, kraken: Kraken
) -> None:
    api = api_of(home)
    if state == "empty":
        api.ask("POST", f"{V1}/models", {"name": "goner"})
    elif state == "pending":
        import cloudpickle

        cloudpickle.register_pickle_by_value(sys.modules[__name__])
        kraken.deploy(LoadsSlowly(), "goner", wait=False)
        wait_for(lambda: replica_pids(home), "it does not start")
    else:
        service = deploy(kraken, "goner")
        service.query([1.0])
        if state == "stopped":
            service.stop()
    if state == "failed":
        deadline = time.monotonic() + 60
        while service_of(api, "goner")["state"] != "failed" and time.monotonic() < deadline:
            for pid in replica_pids(home):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
    if state not in ("empty",):
        assert api.ask("GET", f"{V1}/models/goner").json["state"] == state
    assert api.ask("DELETE", f"{V1}/models/goner").status == 202
    wait_for(lambda: api.ask("GET", f"{V1}/models/goner").status == 404, "it stays", 20.0)
    wait_for(lambda: not replica_pids(home), "a process of it lives on")
    wait_for(lambda: _traces(home, "goner") == [], lambda: _traces(home, "goner"), 5.0)
    assert api.ask("GET", f"{V1}/models/goner/versions/1").status == 404
    assert api.ask("POST", "/m/goner", {"modelData": [1.0]}).code == "model_not_found"
    deploy(kraken, "goner")
    assert kraken["goner"].live.version == 1


def _traces(home: Path, name: str) -> list[str]:
    """Return what is left of a model in a home with no other, beyond the database."""
    found = [str(path) for path in home.rglob("*") if name in path.name]
    found += [str(path) for path in (home / "artifacts").glob("sha256-*")]
    found += [str(path) for path in (home / "run").glob("r-*")]
    found += [str(path) for path in (home / "artifacts" / "uploads").iterdir()]
    return found


def test_deleting_a_version_leaves_the_others(home: Path, kraken: Kraken) -> None:
    for factor in (1, 2, 3):
        kraken.deploy(_multiplier(factor), "many", example=[1.0])
    api = api_of(home)
    wait_for(lambda: len(replica_pids(home)) == 1, "old versions run on")
    assert api.ask("DELETE", f"{V1}/models/many/versions/3").code == "version_in_use"
    assert api.ask("DELETE", f"{V1}/models/many/versions/2").status == 202
    wait_for(
        lambda: api.ask("GET", f"{V1}/models/many/versions/2").status == 404, "version 2 stays"
    )
    assert api.ask("GET", f"{V1}/models/many").json["versions"] == [1, 3]
    wait_for(lambda: len(list((home / "artifacts").glob("sha256-*"))) == 2, "its bundle stays", 5.0)
    assert not (home / "logs" / "many" / "2").exists()
    kraken["many"].rollback()
    assert api.settled("many")["live_version"] == 1
    assert kraken.deploy(_multiplier(9), "many", example=[1.0]).version == 4
    assert running(home) is not None
    assert alive(pid_of(home))
