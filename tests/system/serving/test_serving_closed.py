"""Every path there is, by the table itself: closed without a credential, or open and silent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlkraken_client._pack import pack
from mlkraken_serving.protocols._port import Page, Served
from mlkraken_serving.protocols._table import served
from tests.system.serving import _models
from tests.system.serving._server import Answer, Server
from tests.system.serving.conftest import Start
from tests.unit.serving._asking import service_of

SECRET = "s3cret"
BEARER = {"Authorization": f"Bearer {SECRET}"}
PARTS = {"model": "secretive", "version": "1"}
COLUMN = "salary_of_ada"
EXAMPLE = pd.DataFrame({COLUMN: [123456.75]})


def path_of(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda part: PARTS[part[1]], path)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Served:
    service = service_of(_models.echo, tmp_path_factory.mktemp("table"), example=EXAMPLE)
    return served(service, lambda: (b"", "text/plain"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("closed")
    bundle = pack(_models.echo, "secretive", folder / "bundle", example=EXAMPLE).folder
    running = Server(bundle, folder / "log", "--token-env=SECRET", SECRET=SECRET)
    yield running
    running.end()


def pages(table: Served, *, open: bool) -> list[tuple[str, Page]]:
    return [(method, page) for page in table.pages if page.open is open for method in page.methods]


def refused(answer: Answer) -> None:
    assert answer.status == 401, answer
    assert answer.headers["www-authenticate"] == "Bearer"
    assert COLUMN not in answer.body.decode()
    assert isinstance(json.loads(answer.body), dict)


@pytest.mark.parametrize(
    "credential", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": ""}]
)
def test_no_path_answers_without_a_credential_but_the_open_ones(
    server: Server, table: Served, credential: dict[str, str]
) -> None:
    assert len(table.endpoints) > 5
    for endpoint in table.endpoints:
        for length in (2, 100_000):  # a long body is refused before it is sent
            refused(server.send("POST", path_of(endpoint.path), b" " * length, credential))
    closed = pages(table, open=False)
    assert len(closed) > 5
    for method, page in closed:
        refused(server.send(method, path_of(page.path), headers=credential))


def test_every_path_answers_with_the_credential(server: Server, table: Served) -> None:
    for endpoint in table.endpoints:
        assert server.send("POST", path_of(endpoint.path), b"{", BEARER).status in (400, 422)
    for method, page in pages(table, open=False):
        answer = server.send(method, path_of(page.path), headers=BEARER)
        assert answer.status in (200, 501), (method, page.path, answer)  # 501: unloading a model


def test_what_is_open_names_neither_columns_nor_values_nor_places(
    server: Server, table: Served
) -> None:
    silent = (COLUMN, "123456", SECRET, str(Path.home()), "/tmp", "pkl", "token")
    for method, page in pages(table, open=True):
        answer = server.send(method, path_of(page.path))
        told = f"{answer.headers} {answer.body.decode()}"
        assert answer.status < 500, (page.path, answer)
        assert not any(word in told for word in silent), (page.path, told)


def test_only_what_probes_and_balancers_ask_is_open(table: Served) -> None:
    assert {path_of(page.path) for _, page in pages(table, open=True)} == {
        *("/", "/health", "/ping", "/version", "/v2/health/live", "/v2/health/ready")
    }


def test_an_answer_that_differs_is_told_to_those_who_may_ask(start: Start, tmp_path: Path) -> None:
    bundle = pack(_models.by_process, "m", tmp_path / "bundle", example=EXAMPLE).folder
    open_to_all = start(bundle)
    assert str(open_to_all.process.pid) in open_to_all.get("/health").json["parity"]["detail"]
    closed = start(bundle, "--token-env=SECRET", SECRET=SECRET)
    told = closed.get("/health").json["parity"]
    assert told == {"verdict": "differs", "rows": 1, "detail": "the log tells which answer"}
    assert f"answer 0 is {closed.process.pid}" in closed.log


def test_what_is_not_served_is_no_way_to_learn_what_is(server: Server) -> None:
    asked: dict[str, Any] = {"modelData": {COLUMN: 1.0}}
    for path in ("//", "/predict/", "/%70redict", "/predict%3f", "/x/../predict", "/predict;x"):
        answer = server.send("POST", path, json.dumps(asked).encode())
        assert answer.status in (401, 404, 405), (path, answer)
        assert COLUMN not in answer.body.decode()
