"""Every command of the command line, as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import psutil
import pytest

from mlkraken_client import Kraken
from tests.conftest import processes_of

PROGRAM = Path(sys.executable).with_name("mlkraken")


def run(
    *words: object, home: Path | None = None, given: str = "", status: int = 0
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **({"MLKRAKEN_HOME": str(home)} if home else {})}
    done = subprocess.run(
        [str(PROGRAM), *map(str, words)],
        capture_output=True,
        text=True,
        input=given,
        env=environment,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, f"{words}: {done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def told(*words: object, home: Path, **options: Any) -> Any:
    return json.loads(run(*words, "--json", home=home, **options).stdout)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, penguins: Any) -> Path:
    model, X = penguins
    folder = tmp_path_factory.mktemp("files")
    joblib.dump(model, folder / "penguins.joblib")
    X.head(8).to_csv(folder / "example.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def row(penguins: Any) -> str:
    _, X = penguins
    return str(json.dumps(json.loads(X.iloc[[0]].to_json(orient="records"))[0]))


def test_the_life_of_a_model_on_the_command_line(
    home: Path, files: Path, row: str, penguins: Any
) -> None:
    assert told("backend", "status", home=home)["running"] is False
    assert told("backend", "start", home=home)["started"] is True
    assert told("backend", "start", home=home)["started"] is False

    example = files / "example.csv"
    service = told("deploy", "penguins", files / "penguins.joblib", "--example", example, home=home)
    assert (service["version"], service["state"]) == (1, "running")
    assert "penguins" in run("models", home=home).stdout
    assert told("models", home=home)[0]["live_version"] == 1

    shown = told("show", "penguins", home=home)
    assert shown["service"]["parity"]["verdict"] == "equal"
    assert "sha256:" in run("show", "penguins@1", home=home).stdout

    assert told("query", "penguins", "--data", row, home=home)["result"] == ["Adelie"]
    assert json.loads(run("query", "penguins", home=home, given=row).stdout) == ["Adelie"]
    (files / "row.json").write_text(f'{{"modelData": {row}, "metaData": {{"trace": 1}}}}')
    answer = told("query", "penguins@1", "--data", f"@{files / 'row.json'}", home=home)
    assert answer["metaData"]["trace"] == 1

    deadline = time.monotonic() + 5
    while told("times", "penguins", home=home)["count"] < 3 and time.monotonic() < deadline:
        pass
    assert "p95" in run("times", "penguins", home=home).stdout
    assert "ready http" in run("logs", "penguins", home=home).stdout

    assert "stopped" in run("stop", "penguins", home=home).stdout
    assert told("start", "penguins", home=home)["state"] == "running"
    before = told("show", "penguins", home=home)["service"]["endpoints"][0]["replica"]
    assert told("restart", "penguins", home=home)["endpoints"][0]["replica"] != before

    other = told("deploy", "penguins", files / "penguins.joblib", home=home)
    assert other["version"] == 2
    assert told("rollback", "penguins", home=home)["version"] == 1
    assert told("promote", "penguins", 2, home=home)["version"] == 2
    assert told("delete", "penguins@1", home=home) == {"deleted": "penguins@1"}
    run("delete", "penguins", "--yes", home=home)
    assert told("models", home=home) == []
    assert told("backend", "stop", home=home)["stopped"] is True
    assert told("backend", "stop", home=home)["stopped"] is False
    assert processes_of(home) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "nobody"), "There is no model 'nobody' here."),
        (("query", "nobody", "--data", "1"), "nobody"),
        (("query", "nobody", "--data", "{"), "not JSON"),
        (("query", "nobody", "--data", "@/nowhere.json"), "/nowhere.json"),
        (("deploy", "x", "/nowhere.joblib"), "/nowhere.joblib"),
        (("deploy", "Not A Name", "/nowhere.joblib"), "Not A Name"),
        (("pack", "/nowhere.joblib", "-o", "out"), "/nowhere.joblib"),
        (("token", "revoke", "nobody"), "nobody"),
        (("--backend", "nobody", "models"), "nobody"),
    ],
)
def test_errors_go_to_standard_error_with_status_1(
    shared_kraken: Kraken, words: tuple[str, ...], says: str
) -> None:
    home = shared_kraken.connection.target.home
    done = run(*words, home=home, status=1)
    assert done.stdout == ""
    assert says in done.stderr
    as_json = run(*words, "--json", home=home, status=1)
    error = json.loads(as_json.stderr)["error"]
    assert error["code"]
    assert says.strip("/") in error["message"]


@pytest.mark.parametrize("words", [("frobnicate",), ("deploy",), ("promote", "x", "two")])
def test_wrong_usage_has_status_2(words: tuple[str, ...]) -> None:
    assert "Usage:" in run(*words, status=2).stderr


def test_debug_shows_the_traceback(shared_kraken: Kraken) -> None:
    home = shared_kraken.connection.target.home
    done = subprocess.run(
        [str(PROGRAM), "--debug", "show", "nobody"],
        capture_output=True,
        text=True,
        env={**os.environ, "MLKRAKEN_HOME": str(home)},
        check=False,
    )
    assert "Traceback" in done.stderr


def every_command() -> list[tuple[str, ...]]:
    import click

    from mlkraken_client._cli import main

    found = []
    for name, command in main.commands.items():
        if isinstance(command, click.Group):
            found += [(name, inner) for inner in command.commands]
        else:
            found.append((name,))
    return found


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_takes_json_and_helps(words: tuple[str, ...]) -> None:
    text = run(*words, "--help").stdout
    assert "--json" in text
    assert len(text.splitlines()) > 3


def test_a_log_can_be_followed_and_interrupted(shared_kraken: Kraken) -> None:
    def chatty(xs: list) -> list:
        print("hello", xs)
        return xs

    service = shared_kraken.deploy(chatty, "followed", example=[1.0])
    environment = {**os.environ, "MLKRAKEN_HOME": str(shared_kraken.connection.target.home)}
    process = subprocess.Popen(
        [str(PROGRAM), "logs", "followed", "-f"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    while "ready" not in process.stdout.readline():
        pass
    service.predict([42.0])
    while "hello [42.0]" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert "Traceback" not in errors
    assert service.state == "running"


def test_a_backend_that_a_living_notebook_started_can_be_stopped(kraken: Kraken) -> None:
    home = kraken.connection.target.home
    kraken.models()  # this process, like a kernel, goes on and has the backend as its child
    assert "stopped" in run("backend", "stop", home=home).stdout


def test_tokens_are_made_listed_and_revoked(kraken: Kraken) -> None:
    home = kraken.connection.target.home
    service = kraken.deploy(lambda xs: xs, "guarded", example=[1.0])
    secret = run("token", "create", "ci", "--model", "guarded", "--ttl", "1h", home=home).stdout
    assert secret.count(".") == 2
    listed = told("token", "list", home=home)
    assert [one["name"] for one in listed if not one["revoked_at"]] == ["ci"]
    assert secret.strip() not in json.dumps(listed)

    body = json.dumps({"modelData": [1.0]}).encode()
    headers = {"Authorization": f"Bearer {secret.strip()}"}

    def status(url: str) -> int:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    doors = [service.url, kraken["guarded"].url]
    assert [status(url) for url in doors] == [200, 200]
    run("token", "revoke", "ci", home=home)
    deadline = time.monotonic() + 5
    while [status(url) for url in doors] != [401, 401]:
        assert time.monotonic() < deadline


def test_packing_writes_a_bundle_and_nothing_else(tmp_path: Path, files: Path) -> None:
    out = tmp_path / "bundle"
    done = json.loads(run("pack", files / "penguins.joblib", "-o", out, "--json").stdout)
    assert done["digest"].startswith("sha256:")
    assert (out / "kraken.json").is_file()
    assert "not empty" in run("pack", files / "penguins.joblib", "-o", out, status=1).stderr
    alone = tmp_path / "alone"
    run("pack", files / "penguins.joblib", "-o", alone, "--no-batch")
    batched = [json.loads((folder / "kraken.json").read_text())["entry"] for folder in (out, alone)]
    assert [entry["batch"] for entry in batched] == [True, False]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def _nothing_goes_on_serving() -> Iterator[None]:
    yield
    while STARTED:
        process = STARTED.pop()
        process.terminate()
        process.communicate(timeout=30)


def serve(*words: object, **environment: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [str(PROGRAM), "serve", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    STARTED.append(process)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("ready http://"), process.communicate()
    return process, line.split()[1]


def post(url: str, document: Any, **headers: str) -> Any:
    body = json.dumps(document).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
        return json.load(answer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_model_is_served_in_the_foreground(files: Path, row: str, number: int) -> None:
    port = free_port()
    process, url = serve(
        files / "penguins.joblib", "--port", port, "--example", files / "example.csv"
    )
    assert url == f"http://127.0.0.1:{port}"
    assert post(url, {"modelData": json.loads(row)})["result"] == ["Adelie"]
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, "Traceback" in errors) == (0, False)


def test_serving_a_bundle_gives_the_very_same_answers(
    tmp_path: Path, files: Path, row: str
) -> None:
    example = files / "example.csv"
    run("pack", files / "penguins.joblib", "-o", tmp_path / "b", "--example", example)
    process, url = serve(tmp_path / "b")
    answer = post(f"{url}/predict", {"modelData": json.loads(row)})
    assert answer["result"] == ["Adelie"]
    assert answer["metaData"]["modelId"] == "penguins"
    process.terminate()
    process.wait(20)


def test_a_served_model_keeps_the_limits_it_is_given(files: Path, row: str) -> None:
    process, url = serve(files / "penguins.joblib", "--most-mib", 0.001, "--deadline", 5)
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(url, {"modelData": [json.loads(row)] * 100})
    assert caught.value.code == 413
    assert "0.001 MiB" in json.load(caught.value)["error"]["message"]
    assert post(url, {"modelData": json.loads(row)})["result"] == ["Adelie"]
    process.terminate()
    process.wait(20)


def test_a_killed_server_leaves_no_process(files: Path, row: str) -> None:
    process, url = serve(files / "penguins.joblib", "--example", files / "example.csv")
    (child,) = psutil.Process(process.pid).children()
    assert post(url, {"modelData": json.loads(row)})["result"] == ["Adelie"]
    process.kill()
    process.wait(20)
    child.wait(20)


def test_serving_to_others_needs_a_token(files: Path, row: str) -> None:
    model = files / "penguins.joblib"
    assert "token" in run("serve", model, "--host", "0.0.0.0", status=1).stderr
    process, url = serve(model, "--host", "0.0.0.0", MLKRAKEN_SERVE_TOKEN="s3cret")
    url = url.replace("0.0.0.0", "127.0.0.1")
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(url, {"modelData": json.loads(row)})
    assert caught.value.code == 401
    assert post(url, {"modelData": json.loads(row)}, Authorization="Bearer s3cret")["result"]
    process.terminate()
    process.wait(20)


def test_a_taken_port_is_named(files: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run("serve", files / "penguins.joblib", "--port", port, status=3)
    assert f"Port {port}" in done.stderr
    assert "--port" in done.stderr
