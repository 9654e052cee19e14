"""How a model server ends, and what it tells when it does not begin."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mlkraken_serving._records import RECORD
from tests.system.serving._server import BOUND_S, Server
from tests.system.serving.conftest import Start
from tests.system.serving.test_serving_batching import busy, queued, row, until


def records(folder: Path) -> list[tuple[Any, ...]]:
    """All records in a folder, in the order of their segments."""
    raw = b"".join(path.read_bytes() for path in sorted(folder.glob("*.rec")))
    assert len(raw) % RECORD.size == 0
    return list(RECORD.iter_unpack(raw))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_queries_in_flight_are_answered_before_the_end_and_recorded(
    start: Start, tmp_path: Path, number: int
) -> None:
    server = start("doubled", f"--times={tmp_path / 'times'}")
    with ThreadPoolExecutor(1) as pool:
        with busy(server, tmp_path) as first:
            second = pool.submit(server.ask, row(5.0))
            until(lambda: queued(server) == 1)
            server.process.send_signal(number)
            until(lambda: _refuses(server))
        assert first.result(BOUND_S).result == [2.0]
        assert second.result(BOUND_S).result == [10.0]
    assert server.wait() in (0, -number)
    assert [record[5] for record in records(tmp_path / "times")] == [200, 200]


def _refuses(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
    except ConnectionError:
        return True
    return False


def test_a_query_that_outlasts_the_drain_does_not_hold_up_the_end(
    start: Start, tmp_path: Path
) -> None:
    server = start("doubled", "--drain=1", f"--times={tmp_path / 'times'}")
    with busy(server, tmp_path) as first:
        assert server.stop() in (0, -signal.SIGTERM)
        answer = first.result(BOUND_S)
    assert (answer.status, answer.error["code"]) == (503, "service_stopping")
    assert [record[5] for record in records(tmp_path / "times")] == [503]


def test_an_idle_server_ends_at_once(start: Start) -> None:
    server = start("echo")
    connection = server.connect()  # a kept connection without a query does not hold it up
    connection.request("GET", "/health")
    connection.getresponse().read()
    assert server.stop() in (0, -signal.SIGTERM)


def test_a_server_ends_with_the_process_it_was_told_to(start: Start) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        server = start("echo", f"--until={other.pid}")
        assert server.ask(1).result == 1
        other.kill()
        other.wait(BOUND_S)
        assert server.wait() in (0, -signal.SIGTERM)


def test_a_server_told_to_end_with_a_process_long_gone_ends(start: Start) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as other:
        other.wait(BOUND_S)
    assert start("echo", f"--until={other.pid}").wait() in (0, -signal.SIGTERM)


def test_it_prints_where_it_is_ready(start: Start) -> None:
    server = start("echo")
    server.get("/health")
    assert f"ready http://127.0.0.1:{server.port}\n" in server.log


# -- refused starts -------------------------------------------------------------------------------


def run(bundle: Path, tmp_path: Path, *arguments: str) -> tuple[int, dict[str, str], str]:
    """Start in vain; return the exit status, what the status file says, and the log."""
    told = tmp_path / "failed.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mlkraken_serving", str(bundle)),
            *(f"--status-file={told}", *arguments),
        ],
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, json.loads(told.read_bytes()), done.stderr


def changed(bundle: Path, folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """A copy of a bundle whose manifest was changed."""
    manifest = json.loads((bundle / "kraken.json").read_text())
    change(manifest)
    folder.mkdir()
    for path in bundle.iterdir():
        if path.name != "kraken.json":
            (folder / path.name).symlink_to(path)
    (folder / "kraken.json").write_text(json.dumps(manifest))
    return folder


def _lock(line: str) -> Callable[[dict[str, Any], Path], None]:
    def change(manifest: dict[str, Any], folder: Path) -> None:
        (folder / "other.lock").write_text(line)
        manifest["environment"]["lock"] = "../other.lock"

    return change


REFUSALS: dict[str, tuple[str, str, Callable[[dict[str, Any], Path], Any]]] = {
    "newer format": ("bundle_too_new", "format 2", lambda m, f: m.update(format=2)),
    "no format": ("bundle_corrupt", "format", lambda m, f: m.pop("format")),
    "no entry": ("bundle_corrupt", "entry", lambda m, f: m.pop("entry")),
    "runtime": ("runtime_unknown", "'fortran'", lambda m, f: m.update(runtime="fortran")),
    "loader": ("bundle_loader_unknown", "'tape'", lambda m, f: m["entry"].update(loader="tape")),
    "signature kind": (
        "bundle_corrupt",
        "kind",
        lambda m, f: m.update(signature={"kind": "hologram"}),
    ),
    "signature dtype": (
        "bundle_corrupt",
        "int7",
        lambda m, f: m["signature"]["fields"][0].update(dtype="int7"),
    ),
    "signature names": (
        "bundle_corrupt",
        "same name",
        lambda m, f: m["signature"]["fields"].append(m["signature"]["fields"][0]),
    ),
    "python": (
        "python_mismatch",
        "2.7.18",
        lambda m, f: m["environment"]["python"].update(version="2.7.18"),
    ),
    "requirement missing": ("requirement_missing", "no-such-thing", _lock("no-such-thing==1.0")),
    "requirement version": ("requirement_mismatch", "pandas==0.1", _lock("pandas==0.1")),
    "requirement form": ("bundle_corrupt", "==what", _lock("==what")),
    "lock missing": (
        "bundle_corrupt",
        "gone.lock",
        lambda m, f: m["environment"].update(lock="gone.lock"),
    ),
    "model file missing": (
        "load_failed",
        "FileNotFoundError",
        lambda m, f: m["entry"].update(path="model/gone.pkl"),
    ),
    "call missing": (
        "load_failed",
        "AttributeError",
        lambda m, f: m["entry"].update(call="prophesy"),
    ),
    "example missing": (
        "example_unreadable",
        "gone.arrow",
        lambda m, f: m["example"].update(input="example/gone.arrow"),
    ),
    "answers missing": (
        "example_unreadable",
        "gone.npy",
        lambda m, f: m["example"].update(output="example/gone.npy"),
    ),
    "example of other columns": (
        "example_unreadable",
        "input.arrow",
        lambda m, f: m["signature"]["fields"][0].update(name="other"),
    ),
}


@pytest.mark.parametrize("case", sorted(REFUSALS))
def test_what_cannot_be_served_is_refused_by_name(
    bundles: dict[str, Path], tmp_path: Path, case: str
) -> None:
    code, says, change = REFUSALS[case]
    bundle = changed(bundles["doubled"], tmp_path / "bundle", lambda m: change(m, tmp_path))
    status, told, log = run(bundle, tmp_path)
    assert (status, told["code"]) == (3, code)
    assert says in told["message"]
    assert told["hint"]
    assert told["message"] in log


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"format": "1"}'])
def test_a_corrupt_manifest_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kraken.json").write_bytes(content)
    status, told, _ = run(tmp_path, tmp_path)
    assert (status, told["code"]) == (3, "bundle_corrupt")
    assert "kraken.json" in told["message"]


def test_a_folder_without_a_bundle_is_named(tmp_path: Path) -> None:
    status, told, _ = run(tmp_path / "nowhere", tmp_path)
    assert (status, told["code"]) == (3, "bundle_missing")


def bundle_of(source: str, tmp_path: Path) -> Path:
    """A bundle whose model, when it is unpickled, runs ``source``, as a class of its could."""
    # Protocol 0 of pickle: builtins.exec called with one string.
    (tmp_path / "model.pkl").write_bytes(f"cbuiltins\nexec\n(V{source}\ntR.".encode())
    manifest = {
        "format": 1,
        "name": "odd",
        "runtime": "python",
        "flavor": "function",
        "entry": {"loader": "pickle", "path": "../model.pkl", "call": "call"},
    }
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "kraken.json").write_text(json.dumps(manifest))
    return tmp_path / "bundle"


@pytest.mark.parametrize(
    ("source", "code", "says"),
    [
        ("raise RuntimeError('no weights')", "load_failed", "RuntimeError: no weights"),
        ("raise SystemExit(0)", "load_failed", "SystemExit"),
        ("import no_such_module", "module_missing", "'no_such_module'"),
    ],
)
def test_a_model_that_fails_to_load_is_told_with_its_traceback(
    tmp_path: Path, source: str, code: str, says: str
) -> None:
    status, told, log = run(bundle_of(source, tmp_path), tmp_path)
    assert (status, told["code"]) == (3, code)
    assert says in told["message"]
    assert "Traceback" in log


def test_an_interrupt_while_loading_ends_as_shells_expect(start: Start, tmp_path: Path) -> None:
    begun, bundle = tmp_path / "begun", bundle_of("", tmp_path)
    loads = f"cos\nmkdir\n(V{begun}\ntR0ctime\nsleep\n(I20\ntR."  # os.mkdir, time.sleep
    (tmp_path / "model.pkl").write_bytes(loads.encode())
    server = start(bundle)
    until(begun.exists)
    assert server.stop(signal.SIGINT) == 130


def test_a_port_that_is_taken_is_named(bundles: dict[str, Path], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, told, _ = run(bundles["echo"], tmp_path, f"--port={port}")
    assert (status, told["code"]) == (3, "port_taken")
    assert str(port) in told["message"]


def test_an_address_that_is_not_this_machines_is_named(
    bundles: dict[str, Path], tmp_path: Path
) -> None:
    status, told, _ = run(bundles["echo"], tmp_path, "--host=no.such.host.invalid")
    assert (status, told["code"]) == (3, "port_taken")
    assert "no.such.host.invalid" in told["message"]
