"""What a service says of itself: true of every route, and with examples that work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlkraken_client._pack import pack
from tests.system.serving._server import Server
from tests.system.serving.conftest import Start


@pytest.fixture
def server(start: Start, pipeline: Path) -> Server:
    return start(pipeline)


def test_every_route_is_described_and_answers(server: Server) -> None:
    document = server.get("/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"] == "penguins"
    for path, item in document["paths"].items():
        real = path.replace("{model}", "penguins").replace("{version}", "1")
        for method, operation in item.items():
            assert operation["summary"], path
            assert operation["responses"]["200"]
            answer = server.send(method.upper(), real, b"" if method == "post" else None)
            assert answer.status not in (404, 405), path
    assert {"/", "/predict", "/invocations", "/v2/models/{model}/infer"} <= set(document["paths"])


@pytest.mark.parametrize("path", ["/", "/predict", "/invocations", "/v1/models/{model}:predict"])
def test_the_examples_are_the_models_own_and_work(server: Server, path: str) -> None:
    document = server.get("/openapi.json").json
    content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    answer = server.send(
        "POST", path.replace("{model}", "penguins"), json.dumps(content["example"]).encode()
    )
    assert answer.status == 200, answer.body


def test_the_rows_schema_is_the_signatures(server: Server, penguins: tuple[Any, Any]) -> None:
    _, X = penguins
    row = server.get("/openapi.json").json["components"]["schemas"]["Row"]
    assert list(row["properties"]) == list(X.columns)


def test_the_page_shows_the_columns_and_an_example(
    server: Server, penguins: tuple[Any, Any]
) -> None:
    _, X = penguins
    answer = server.get("/docs")
    page = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert all(f"<td>{name}" in page for name in X.columns)
    assert "modelData" in page
    assert "http://" not in page.replace("http://127.0.0.1", "")  # nothing comes from elsewhere


def test_markup_in_a_column_name_stays_text(start: Start, tmp_path: Path) -> None:
    import pandas as pd

    nasty = pd.DataFrame({"<script>alert(1)</script>": [1.0]})
    bundle = pack(lambda frame: [1.0] * len(frame), "nasty", tmp_path / "nasty", example=nasty)
    page = start(bundle.folder).get("/docs").body.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_model_without_an_example_is_described_all_the_same(start: Start) -> None:
    server = start("echo")
    assert "/predict" in server.get("/openapi.json").json["paths"]
    assert "deployed without an example" in server.get("/docs").body.decode()


def test_the_documents_need_the_token(start: Start) -> None:
    server = start("echo", "--token-env=SECRET", SECRET="s3cret")
    for path in ("/openapi.json", "/docs", "/metrics", "/v2", "/metadata"):
        assert server.get(path).status == 401, path
        assert server.get(path, Authorization="Bearer s3cret").status == 200, path
