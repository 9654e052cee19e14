"""Bad luck with disks and ports: it is named, nothing is half made, what worked works on."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlkraken_client import Kraken
from mlkraken_client._embedded import stop
from tests.conftest import end_backend, processes_of
from tests.system._backend import (
    V1,
    Api,
    api_of,
    bundle_of,
    deploy,
    end,
    kill_backend,
    start_backend,
    wait_for,
)


def multiplier(factor: int) -> Any:
    def multiply(xs: list) -> list:
        return [factor * x for x in xs]

    return multiply


def answers(api: Api, name: str) -> bool:
    return api.ask("POST", f"/m/{name}", {"modelData": [3.0]}).status == 200


# -- the database -------------------------------------------------------------------------------


def _garble(database: Path) -> None:
    content = bytearray(database.read_bytes())
    content[100 : len(content) // 2] = b"\x5a" * (len(content) // 2 - 100)
    database.write_bytes(content)


@pytest.mark.parametrize(
    "harm",
    [
        lambda database: database.write_bytes(b"this is no database" * 500),
        _garble,
        lambda database: os.truncate(database, database.stat().st_size // 2),
    ],
    ids=["other file", "garbled", "cut"],
)
def test_a_corrupt_database_is_named_moved_aside_and_never_silently_replaced(
    home: Path, harm: Any
) -> None:
    api = api_of(home)
    for number in range(40):
        api.ask("POST", f"{V1}/models", {"name": f"m-{number}", "description": "x" * 2000})
    stop(home)
    database = home / "kraken.db"
    harm(database)
    damaged = database.read_bytes()
    for _ in range(2):
        process, told = start_backend(home)
        assert process.wait(20) == 1
        error = told["error"]
        assert error["code"] == "database_corrupt"
        assert "--new-database" in error["hint"]
        (aside,) = home.glob("kraken.db.corrupt-*[0-9]")
        assert str(aside) in error["message"]
        assert aside.read_bytes() == damaged
        assert not database.exists()
    process, told = start_backend(home, "--new-database")
    assert Api(told["url"], (home / "token").read_text()).ask("GET", f"{V1}/models").json == {
        "models": [],
        "next_cursor": "",
    }
    end(process)
    process, told = start_backend(home)
    assert "url" in told
    end(process)


@pytest.mark.parametrize("harm", ["removed", "emptied"])
def test_a_lost_database_is_not_silently_begun_anew(home: Path, harm: str) -> None:
    deploy(Kraken(home=home), "precious")
    stop(home)
    for path in home.glob("kraken.db*"):
        path.unlink()
    if harm == "emptied":
        (home / "kraken.db").touch()
    process, told = start_backend(home)
    assert process.wait(20) == 1
    assert told["error"]["code"] == "database_missing"
    assert list((home / "artifacts").glob("sha256-*"))


def test_a_database_from_a_newer_version_is_left_as_it_is(home: Path) -> None:
    api_of(home)
    stop(home)
    with sqlite3.connect(home / "kraken.db") as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    process, told = start_backend(home)
    assert process.wait(20) == 1
    assert told["error"]["code"] == "database_too_new"
    assert (home / "kraken.db").exists()


def test_a_database_that_another_program_locks_is_said_so_and_models_serve_on(
    home: Path, kraken: Kraken
) -> None:
    deploy(kraken, "unlocked")
    api = api_of(home)
    browser = sqlite3.connect(home / "kraken.db", isolation_level=None)
    browser.execute("BEGIN IMMEDIATE")
    try:
        answer = api.ask("POST", f"{V1}/models", {"name": "waits"}, timeout_s=30)
        assert (answer.status, answer.code) == (503, "storage_busy")
        assert answers(api, "unlocked")
        assert api.ask("GET", f"{V1}/models").status == 200
    finally:
        browser.execute("ROLLBACK")
        browser.close()
    assert api.ask("POST", f"{V1}/models", {"name": "waits"}).status == 201


# -- bundles ------------------------------------------------------------------------------------


def test_a_corrupt_bundle_at_a_start_fails_with_its_reason_and_is_moved_aside(
    home: Path, kraken: Kraken
) -> None:
    service = deploy(kraken, "rotten")
    service.stop()
    api = api_of(home)
    (bundle,) = (home / "artifacts").glob("sha256-*")
    pickled = next(path for path in (bundle / "model").iterdir() if path.is_file())
    pickled.write_bytes(b"?" + pickled.read_bytes()[1:])
    api.ask("PUT", f"{V1}/models/rotten/versions/1/service", {"desired": "running"})
    model = api.settled("rotten")
    assert model["state"] == "failed"
    assert pickled.name in model["reason"]
    (aside,) = (home / "artifacts").glob("corrupt-*")
    assert str(aside) in model["reason"]
    answer = api.ask("POST", "/m/rotten", {"modelData": [1.0]})
    assert (answer.status, answer.code) == (503, "service_failed")
    again = deploy(kraken, "rotten")
    assert again.version == 1
    again.start()
    assert answers(api, "rotten")


@pytest.fixture
def small_home(tmp_path: Path) -> Iterator[Path]:
    """A home whose artifacts are on a disk of three megabytes, which only root can mount."""
    if os.geteuid() != 0:
        if os.environ.get("CI"):  # there a skip would be seen by nobody
            pytest.fail("CI has to run as root: this test mounts a small disk")
        pytest.skip("mounting a small disk needs root")
    folder = tmp_path / "home"
    artifacts = folder / "artifacts"
    artifacts.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(artifacts)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.fail("this machine lets root mount nothing")
    yield folder
    end_backend(folder)
    subprocess.run(["umount", "--lazy", str(artifacts)], check=True)


def test_a_full_disk_is_said_so_and_the_old_version_serves_on(
    small_home: Path, tmp_path: Path
) -> None:
    kraken = Kraken(home=small_home)
    deploy(kraken, "squeezed")
    api = api_of(small_home)
    weights = os.urandom(5 << 20)

    def heavy(xs: list) -> list:
        return [len(weights) for _ in xs]

    bundle = bundle_of(heavy, tmp_path / "heavy")
    begun = api.ask("POST", f"{V1}/models/squeezed/versions", {"manifest": bundle.manifest}).json
    codes = set()
    for slot in begun["slots"]:
        sent = api.ask("PUT", slot["url"], body=(bundle.folder / slot["path"]).read_bytes())
        if sent.status != 204:
            assert sent.status == 507
            codes.add(sent.code)
    assert codes == {"storage_full"}
    assert api.commit("squeezed", begun["upload"]).code == "file_missing"
    assert api.ask("DELETE", f"{V1}/models/squeezed/versions/{begun['upload']}").status == 202
    assert list((small_home / "artifacts" / "uploads").iterdir()) == []
    assert api.ask("GET", f"{V1}/models/squeezed").json["versions"] == [1]
    assert answers(api, "squeezed")
    assert kraken.deploy(multiplier(4), "squeezed", example=[1.0]).version == 2


def test_read_only_artifacts_are_said_so_and_the_old_version_serves_on(small_home: Path) -> None:
    kraken = Kraken(home=small_home)
    deploy(kraken, "sealed")
    api = api_of(small_home)
    artifacts = str(small_home / "artifacts")
    subprocess.run(["mount", "-o", "remount,ro", artifacts], check=True)
    with pytest.raises(Exception, match="cannot be written") as caught:
        kraken.deploy(multiplier(4), "sealed", example=[1.0])
    assert caught.value.code == "storage_read_only"  # type: ignore[attr-defined]
    assert "MLKRAKEN_HOME" in caught.value.hint  # type: ignore[attr-defined]
    assert answers(api, "sealed")
    kill_backend(small_home)
    api = api_of(small_home)
    assert answers(api, "sealed")
    subprocess.run(["mount", "-o", "remount,rw", artifacts], check=True)
    assert kraken.deploy(multiplier(4), "sealed", example=[1.0]).version == 2


def test_a_home_without_write_access_is_refused_with_a_way_out(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(0o555)
    # Root is stopped by modes only without its capabilities; other accounts are anyway.
    powerless = ["setpriv", "--bounding-set=-all"] if os.geteuid() == 0 else []
    process, told = start_backend(folder, prefix=powerless)
    assert process.wait(20) == 1
    assert told["error"]["code"] == "storage_read_only"
    assert str(folder) in told["error"]["message"]
    assert "MLKRAKEN_HOME" in told["error"]["hint"]
    assert list(folder.iterdir()) == []


# -- ports --------------------------------------------------------------------------------------


def test_a_taken_port_asked_for_is_refused_and_any_other_is_found(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process, told = start_backend(home, f"--port={port}")
        assert process.wait(20) == 1
        assert told["error"]["code"] == "port_taken"
        assert str(port) in told["error"]["message"]
    process, told = start_backend(home, "--port=70000")
    assert process.wait(20) == 1
    assert told["error"]["code"] == "port_taken"
    process, told = start_backend(home)
    end(process)
    with socket.create_server(("127.0.0.1", told["port"])):
        process, elsewhere = start_backend(home)
        assert elsewhere["port"] != told["port"]
        end(process)


def test_a_service_whose_port_was_taken_meanwhile_gets_another(home: Path, kraken: Kraken) -> None:
    service = deploy(kraken, "moved")
    port = service.endpoints[0]["port"]
    service.stop()
    wait_for(lambda: len(processes_of(home)) == 1, "the model runs on")
    with socket.create_server(("127.0.0.1", port)):
        service.start()
        assert service.endpoints[0]["port"] != port
        assert service.predict([3.0]) == [6.0]


def test_secrets_are_readable_by_their_owner_only(home: Path) -> None:
    api_of(home)
    for name in ("token", "signing.key", "backend.json", "access.json"):
        assert (home / name).stat().st_mode & 0o077 == 0, name
    assert home.stat().st_mode & 0o077 == 0


def test_a_broken_signing_key_is_named(home: Path) -> None:
    api_of(home)
    stop(home)
    (home / "signing.key").write_bytes(b"-----BEGIN")
    process, told = start_backend(home)
    assert process.wait(20) == 1
    assert told["error"]["code"] == "signing_key_corrupt"
    assert "signing.key" in told["error"]["hint"]
