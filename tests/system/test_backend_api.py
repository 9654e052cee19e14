"""Every route of the control plane, as a program that knows HTTP and nothing else meets it."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mlkraken_client import Kraken
from tests.system._backend import V1, Answer, Api, api_of, bundle_of, deploy, token, wait_for

DEEP = b'{"manifest": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"


@pytest.fixture(scope="module")
def api(shared_kraken: Kraken) -> Api:
    return api_of(shared_kraken.connection.target.home)


@pytest.fixture(scope="module")
def doubled(shared_kraken: Kraken) -> Any:
    """The service of a model that doubles numbers, for tests that only look."""
    return deploy(shared_kraken, "api-double", description="Doubles", tags={"team": "blue"})


@pytest.fixture(scope="module")
def document(api: Api) -> Any:
    return api.ask("GET", f"{V1}/openapi.json").json


def every_operation(document: Any) -> list[tuple[str, str, Any]]:
    return [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def concrete(path: str) -> str:
    return re.sub(r"\{(\w+)\}", "x", path)


# -- the document -------------------------------------------------------------------------------


def test_the_document_describes_every_route_of_the_design(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    told = {(method, path.removeprefix(V1)) for method, path, _ in every_operation(document)}
    one, service = "/models/{m}/versions/{v}", "/models/{m}/versions/{v}/service"
    assert told >= {
        ("GET", "/models"),
        ("POST", "/models"),
        ("GET", "/models/{m}"),
        ("PATCH", "/models/{m}"),
        ("DELETE", "/models/{m}"),
        ("POST", "/models/{m}/versions"),
        ("GET", "/models/{m}/versions"),
        ("GET", one),
        ("DELETE", one),
        ("POST", f"{one}/commit"),
        ("PUT", "/models/{m}/aliases/{a}"),
        ("DELETE", "/models/{m}/aliases/{a}"),
        ("GET", service),
        ("PUT", service),
        ("GET", f"{service}/endpoints"),
        ("GET", f"{service}/logs"),
        ("GET", f"{service}/events"),
        ("GET", f"{service}/response-times"),
        ("POST", "/query"),
        ("GET", "/events"),
        ("GET", "/health"),
        ("GET", "/version"),
    }


def test_every_reference_of_the_document_resolves(document: Any) -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            found = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return found + [ref for value in node.values() for ref in references(value)]
        return (
            [ref for value in node for ref in references(value)] if isinstance(node, list) else []
        )

    found = references(document)
    assert found
    for reference in found:
        node = document
        for key in reference.removeprefix("#/").split("/"):
            node = node[key]
    ids = [operation.get("operationId") for _, _, operation in every_operation(document)]
    assert None not in ids
    assert len(set(ids)) == len(ids)
    for _, path, operation in every_operation(document):
        parameters = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert parameters == set(re.findall(r"\{(\w+)\}", path)), path
        assert operation["summary"]
        assert "default" in operation["responses"]


@pytest.mark.parametrize(
    "path",
    [
        "/models",
        "/models/{m}",
        "/models/{m}/versions",
        "/models/{m}/versions/{v}",
        "/models/{m}/versions/{v}/manifest",
        "/models/{m}/versions/{v}/service",
        "/models/{m}/versions/{v}/service/endpoints",
        "/models/{m}/versions/{v}/service/logs",
        "/models/{m}/versions/{v}/service/events",
        "/models/{m}/versions/{v}/service/response-times",
        "/models/{m}/response-times",
        "/tokens",
        "/backend",
        "/health",
        "/version",
    ],
)
def test_answers_have_the_form_that_the_document_says(
    api: Api, document: Any, doubled: Any, path: str
) -> None:
    doubled.query([1.0])
    operation = document["paths"][V1 + path]["get"]
    schema = operation["responses"]["2XX"]["content"]["application/json"]["schema"]
    answer = api.ask("GET", V1 + path.format(m="api-double", v="live"))
    assert answer.status == 200
    whole = {**schema, "components": document["components"]}
    Draft202012Validator.check_schema(whole)
    Draft202012Validator(whole).validate(answer.json)


def test_errors_have_the_form_that_the_document_says(api: Api, document: Any) -> None:
    schema = document["components"]["responses"]["Error"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": document["components"]}
    Draft202012Validator(whole).validate(api.ask("GET", f"{V1}/models/none").json)


def test_only_health_and_version_are_open(api: Api, document: Any) -> None:
    nobody, wrong = api.with_token(None), api.with_token("not-the-token")
    opened = set()
    for method, path, _ in every_operation(document):
        answer = nobody.ask(method, concrete(path), {} if method != "GET" else None)
        if answer.status == 200:
            opened.add(path)
            continue
        assert answer.status == 401, (method, path)
        if path.startswith("/sagemaker"):  # its clients know AWS' errors only
            again = wrong.ask(method, concrete(path), {})
            for refused in (answer, again):
                assert refused.headers["x-amzn-errortype"] == "UnrecognizedClientException"
            continue
        assert answer.code == "token_missing"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert wrong.ask(method, concrete(path)).code == "token_invalid"
    assert opened == {f"{V1}/health", f"{V1}/version"}
    for path in (f"{V1}/openapi.json", f"{V1}/docs", "/m/x", "/m/x@1/health"):
        assert nobody.ask("GET", path).status == 401, path


def test_a_route_s_scope_is_needed(api: Api, document: Any) -> None:
    holders = {scope: token(api, f"scope-{scope}", scope=[scope]) for scope in ("query", "deploy")}
    implied = {"query": {"query"}, "deploy": {"query", "deploy"}}
    for method, path, operation in every_operation(document):
        for scope, holder in holders.items():
            if operation.get("x-scope", scope) in implied[scope]:
                continue
            answer = holder.ask(method, concrete(path), {})
            assert (answer.status, answer.code) == (403, "scope_missing"), (method, path)


# -- ids, errors, methods -----------------------------------------------------------------------


def test_every_answer_carries_the_request_s_id(api: Api) -> None:
    for path in (f"{V1}/models", f"{V1}/models/none", f"{V1}/docs", f"{V1}/openapi.json", "/no"):
        given = api.ask("GET", path, headers={"X-Request-Id": "mine-1"})
        assert given.headers["x-request-id"] == "mine-1", path
        assert re.fullmatch(r"[0-9a-f]{32}", api.ask("GET", path).headers["x-request-id"])
        odd = api.ask("GET", path, headers={"X-Request-Id": "a b"})
        assert odd.headers["x-request-id"] != "a b"
    stream = api.ask("GET", f"{V1}/events", stream=True)
    assert stream.headers["x-request-id"]
    stream.close()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/models", {"GET", "HEAD", "POST"}),
        ("PUT", "/models/x", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("POST", "/models/x/versions/1/service", {"GET", "HEAD", "PUT"}),
        ("DELETE", "/models/x/versions/1/files/a", {"GET", "HEAD", "PUT"}),
        ("GET", "/query", {"POST"}),
    ],
)
def test_a_wrong_method_is_told_all_that_are_allowed(
    api: Api, method: str, path: str, allowed: set[str]
) -> None:
    answer = api.ask(method, V1 + path)
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/models/none", None, 404, "model_not_found"),
        ("GET", "/models/none/versions/1", None, 404, "version_not_found"),
        ("GET", "/models/none/versions/99999999999999999999999", None, 404, "version_not_found"),
        ("GET", "/models/none/versions/" + "9" * 5000, None, 404, "version_not_found"),
        ("GET", "/models/none/versions/champion", None, 404, "version_not_found"),
        ("GET", "/nothing", None, 404, "not_found"),
        ("GET", "/models/", None, 404, "not_found"),
        ("POST", "/models", b"{", 422, "body_not_json"),
        ("POST", "/models/x/versions", DEEP, 422, "body_not_json"),
        ("POST", "/models", b"{}", 422, "body_invalid"),
        ("POST", "/models", b'{"name": 5}', 422, "body_invalid"),
        ("POST", "/models", b'{"name": "x", "extra": 1}', 422, "body_invalid"),
        ("POST", "/models", b'{"name": "No Good"}', 422, "model_name_invalid"),
        ("POST", "/models", b'{"name": "\\ud800"}', 422, None),
        ("POST", "/models/x/versions", b'{"manifest": {}}', 422, "manifest_invalid"),
        ("PUT", "/models/api-double/aliases/live", b'{"version": 1e30}', 422, "body_invalid"),
        ("PUT", "/models/api-double/aliases/1a", b'{"version": 1}', 422, "alias_name_invalid"),
        ("PUT", "/models/api-double/aliases/best", b'{"version": 9}', 404, "version_not_found"),
        ("DELETE", "/models/api-double/aliases/live", None, 422, "alias_fixed"),
        ("DELETE", "/models/api-double/aliases/best", None, 404, "alias_not_found"),
        ("DELETE", "/models/api-double/versions/1", None, 409, "version_in_use"),
        ("GET", "/models?limit=nan", None, 422, "parameter_invalid"),
        ("GET", "/models?limit=many", None, 422, "parameter_invalid"),
        ("GET", "/events?history=x", None, 422, "parameter_invalid"),
        ("GET", "/events?times=churn@live", None, 422, "times_invalid"),
        ("POST", "/query", b"{", 422, "body_not_json"),
        ("POST", "/query", b"[" * 100_000, 422, "body_not_json"),
        ("POST", "/query", b"{}", 422, "model_id_missing"),
        ("POST", "/query", b'{"metaData": {"modelId": "none"}}', 404, "model_not_found"),
        ("POST", "/tokens", b'{"name": "a/b"}', 422, "token_name_invalid"),
        ("POST", "/tokens", b'{"name": "t", "scope": ["all"]}', 422, "token_scope_invalid"),
        ("POST", "/tokens", b'{"name": "t", "ttl": -1}', 422, "token_ttl_invalid"),
        ("DELETE", "/tokens/none", None, 404, "token_not_found"),
    ],
)
@pytest.mark.usefixtures("doubled")
def test_errors_have_one_form(
    api: Api, method: str, path: str, body: bytes | None, status: int, code: str | None
) -> None:
    answer = api.ask(method, V1 + path, body=body)
    assert answer.status == status, answer.data
    assert code is None or answer.code == code


@pytest.mark.parametrize(
    "query",
    ["since=nan", "resolution=x", "since=2026-13-01T00:00:00Z", "limit=-inf"],
)
def test_odd_parameters_of_response_times_are_refused(api: Api, doubled: Any, query: str) -> None:
    answer = api.ask("GET", f"{V1}/models/api-double/response-times?{query}")
    assert (answer.status, answer.code) == (422, "parameter_invalid")


def test_odd_service_wishes_are_refused_and_change_nothing(api: Api, doubled: Any) -> None:
    path = f"{V1}/models/api-double/versions/1/service"
    before = api.ask("GET", path).json
    for wish, code in (
        ({"cpu": 0}, "size_invalid"),
        ({"replicas": 1000}, "size_invalid"),
        ({"memory": "2 apples"}, "memory_invalid"),
        ({"deadline": -1}, "patience_invalid"),
        ({"start_timeout": 0}, "patience_invalid"),
        ({"desired": "flying"}, "body_invalid"),
    ):
        answer = api.ask("PUT", path, wish)
        assert (answer.status, answer.code) == (422, code)
    assert api.ask("GET", path).json == before


# -- models -------------------------------------------------------------------------------------


def test_a_model_s_row_fills_the_panel(api: Api, doubled: Any) -> None:
    row = api.ask("GET", f"{V1}/models/api-double").json
    assert row["name"] == "api-double"
    assert row["description"] == "Doubles"
    assert row["tags"] == {"team": "blue"}
    assert (row["state"], row["reason"]) == ("running", "")
    assert (row["versions"], row["live_version"]) == ([1], 1)
    assert row["endpoint"]["ip"] == "127.0.0.1"
    assert row["endpoint"]["port"] > 0
    assert (row["cpu"], row["memory"], row["replicas"]) == (1.0, "2GB", 1)
    assert row["owner"]
    assert row["created_at"].endswith("Z")
    listed = api.ask("GET", f"{V1}/models?q=api-double").json["models"]
    assert [one["name"] for one in listed] == ["api-double"]
    assert set(listed[0]) == set(row)


def test_models_are_paged_filtered_changed_and_deleted(api: Api) -> None:
    names = [f"paged-{letter}" for letter in "abcde"]
    for name in names:
        body = {"name": name, "description": "Pagina ż", "tags": {'odd".key': name}}
        assert api.ask("POST", f"{V1}/models", body).status == 201
    assert api.ask("POST", f"{V1}/models", {"name": names[0]}).code == "model_exists"
    found, cursor = [], ""
    while True:
        page = api.ask("GET", f"{V1}/models?q=PAGINA%20%C5%BB&limit=2&cursor={cursor}").json
        found += [row["name"] for row in page["models"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert found == names
    tagged = api.ask("GET", f"{V1}/models?tag=odd%22.key%3Dpaged-c").json["models"]
    assert [row["name"] for row in tagged] == ["paged-c"]
    assert api.ask("GET", f"{V1}/models?q=paged&state=running").json["models"] == []
    changed = api.ask("PATCH", f"{V1}/models/paged-a", {"tags": {"k": "v"}}).json
    assert (changed["tags"], changed["description"]) == ({"k": "v"}, "Pagina ż")
    for name in names:
        assert api.ask("DELETE", f"{V1}/models/{name}").status == 202
    for name in names:
        wait_for(
            lambda name=name: api.ask("GET", f"{V1}/models/{name}").status == 404, f"{name} stays"
        )


def test_an_alias_moves_only_from_the_revision_that_was_read(api: Api, doubled: Any) -> None:
    path, body = f"{V1}/models/api-double/aliases/champion", {"version": 1}
    etag = api.ask("GET", f"{V1}/models/api-double").headers["etag"]
    moved = api.ask("PUT", path, body, headers={"If-Match": etag})
    assert moved.status == 200
    assert moved.json["aliases"]["champion"] == 1
    stale = api.ask("DELETE", path, headers={"If-Match": etag})
    assert (stale.status, stale.code) == (412, "revision_conflict")
    assert api.ask("PUT", path, {"version": 1}).headers["etag"] == moved.headers["etag"]
    odd = api.ask("DELETE", path, headers={"If-Match": '"new"'})
    assert (odd.status, odd.code) == (422, "revision_invalid")
    fresh = api.ask("GET", f"{V1}/models/api-double").headers["etag"]
    assert api.ask("DELETE", path, headers={"If-Match": f"W/{fresh}"}).status == 200
    stale = api.ask(
        "PUT",
        f"{V1}/models/api-double/aliases/live",
        {"version": "previous"},
        headers={"If-Match": etag},
    )
    assert stale.status in (409, 412)


# -- idempotency --------------------------------------------------------------------------------


def test_a_write_sent_twice_with_one_key_happens_once(api: Api) -> None:
    def make(key: str, **body: Any) -> Answer:
        return api.ask("POST", f"{V1}/models", body, headers={"Idempotency-Key": key})

    first = make("key-1", name="once-only")
    again = make("key-1", name="once-only")
    assert (first.status, again.status) == (201, 201)
    assert first.data == again.data
    assert again.headers["idempotency-replayed"] == "true"
    other = make("key-1", name="once-more")
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert make("key-2", name="once-only").code == "model_exists"
    assert make("key-3", name="No").code == "model_name_invalid"
    assert make("key-3", name="No").code == "model_name_invalid"
    api.ask("DELETE", f"{V1}/models/once-only")


def test_of_many_at_once_with_one_key_one_is_done(api: Api) -> None:
    answers: list[Answer] = []

    def make() -> None:
        answers.append(
            api.ask(
                "POST", f"{V1}/models", {"name": "at-once"}, headers={"Idempotency-Key": "at once"}
            )
        )

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.data for answer in answers if answer.status == 201}) == 1
    for answer in answers:
        if answer.status == 409:
            assert answer.code == "idempotency_under_way"
    api.ask("DELETE", f"{V1}/models/at-once")


# -- tokens -------------------------------------------------------------------------------------


def test_a_revoked_token_is_refused_by_backend_and_running_services(api: Api, doubled: Any) -> None:
    holder = token(api, "short", scope=["query"])
    direct = Api(doubled.endpoints[0]["url"], holder.token)
    minted_for = holder.ask("GET", f"{V1}/models/api-double/versions/1/service/endpoints").json
    minted = Api(direct.url, minted_for["token"])
    body = {"modelData": [1.0]}
    assert direct.ask("POST", "/", body).json["result"] == [2.0]
    assert minted.ask("POST", "/", body).status == 200
    assert api.ask("DELETE", f"{V1}/tokens/short").status == 200
    assert holder.ask("GET", f"{V1}/models").code == "token_revoked"
    for caller in (direct, minted):
        refused = wait_for(
            lambda caller=caller: (
                (answer := caller.ask("POST", "/", body)).status == 401 and answer
            ),
            "the service still answers a revoked token",
            5.0,
        )
        assert refused.json["error"]["code"] == "token_revoked"


def test_a_revoked_token_does_not_come_back_with_its_name(api: Api) -> None:
    first = token(api, "again", scope=["query"])
    assert api.ask("POST", f"{V1}/tokens", {"name": "again"}).code == "token_exists"
    api.ask("DELETE", f"{V1}/tokens/again")
    second = token(api, "again", scope=["query"])
    api.ask("DELETE", f"{V1}/tokens/again")
    third = token(api, "again", scope=["query"])
    assert third.ask("GET", f"{V1}/models").status == 200
    assert first.ask("GET", f"{V1}/models").code == "token_revoked"
    assert second.ask("GET", f"{V1}/models").code == "token_revoked"


def test_a_limited_token_reaches_its_model_only(api: Api, doubled: Any) -> None:
    api.ask("POST", f"{V1}/models", {"name": "other-model"})
    holder = token(api, "limited", scope=["admin"], model="api-double")
    assert holder.ask("GET", f"{V1}/models/api-double").status == 200
    assert holder.ask("GET", f"{V1}/models/other-model").code == "other_model"
    listed = holder.ask("GET", f"{V1}/models").json["models"]
    assert [row["name"] for row in listed] == ["api-double"]
    assert holder.ask("POST", f"{V1}/models", {"name": "mine"}).code == "other_model"
    body = {"modelData": [3.0], "metaData": {"modelId": "api-double"}}
    assert holder.ask("POST", f"{V1}/query", body).json["result"] == [6.0]
    assert holder.ask("POST", "/m/api-double", body).json["result"] == [6.0]
    other = {**body, "metaData": {"modelId": "other-model"}}
    assert holder.ask("POST", f"{V1}/query", other).code == "other_model"
    assert holder.ask("POST", "/m/other-model", other).code == "other_model"
    assert holder.ask("GET", f"{V1}/events?times=other-model").code == "other_model"
    for wish in ({"name": "wider"}, {"name": "wider", "model": "other-model"}):
        assert holder.ask("POST", f"{V1}/tokens", wish).code == "other_model"
    assert holder.ask("DELETE", f"{V1}/tokens/scope-query").status in (403, 404)
    assert {row["name"] for row in holder.ask("GET", f"{V1}/tokens").json["tokens"]} == {"limited"}
    assert holder.ask("GET", f"{V1}/openapi.json").status == 200


def test_an_expired_token_is_refused_and_gives_nothing_that_outlives_it(
    api: Api, doubled: Any
) -> None:
    holder = token(api, "brief", scope=["query"], ttl=2)
    path = f"{V1}/models/api-double/versions/1/service/endpoints"
    minted = holder.ask("GET", path).json
    made = next(
        row for row in api.ask("GET", f"{V1}/tokens").json["tokens"] if row["name"] == "brief"
    )
    assert minted["token_expires_at"][:19] <= made["expires_at"][:19]
    wait_for(lambda: holder.ask("GET", path).status == 401, "it lives on", 6.0)
    assert holder.ask("GET", path).code == "token_expired"


# -- uploads ------------------------------------------------------------------------------------


def triple(xs: list) -> list:
    return [3 * x for x in xs]


def test_a_missing_or_wrong_file_is_named_and_nothing_becomes_visible(
    api: Api, tmp_path: Path
) -> None:
    bundle = bundle_of(triple, tmp_path / "bundle")
    path = f"{V1}/models/uploaded/versions"
    begun = api.ask("POST", path, {"manifest": bundle.manifest}).json
    slots = begun["slots"][::-1]
    for slot in slots[1:]:
        assert api.ask("PUT", slot["url"], body=(bundle.folder / slot["path"]).read_bytes())
    missing = api.commit("uploaded", begun["upload"])
    assert (missing.status, missing.code) == (422, "file_missing")
    assert slots[0]["path"] in missing.json["error"]["message"]
    right = (bundle.folder / slots[0]["path"]).read_bytes()
    assert api.ask("PUT", slots[0]["url"], body=b"\0" * len(right)).status == 204
    assert api.commit("uploaded", begun["upload"]).code == "file_differs"
    assert api.ask("PUT", slots[0]["url"], body=right + b"more").code == "file_too_long"
    assert api.ask("PUT", slots[0]["url"] + "x", body=b"").code == "file_unexpected"
    assert api.ask("GET", f"{V1}/models/uploaded").status == 404
    assert api.ask("PUT", slots[0]["url"], body=right).status == 204
    done = api.commit("uploaded", begun["upload"])
    assert (done.status, done.json["version"]["version"], done.json["exists"]) == (201, 1, False)
    repeated = api.commit("uploaded", begun["upload"])
    assert repeated.json["version"]["version"] == 1
    assert api.settled("uploaded")["live_version"] == 1
    again = api.ask("POST", path, {"manifest": bundle.manifest})
    assert (again.status, again.json["exists"], again.json["slots"]) == (200, True, [])
    assert api.ask("GET", f"{path}/1/files/kraken.json").json["digest"] == begun["digest"]
    assert api.ask("GET", f"{path}/1/files/..%2f..%2f..%2ftoken").status == 404
    assert api.ask("GET", f"{path}/1/files/{slots[0]['path']}").data == right
    api.ask("DELETE", f"{V1}/models/uploaded")


def test_an_abandoned_upload_is_gone(api: Api, tmp_path: Path) -> None:
    upload = api.upload("abandoned", bundle_of(triple, tmp_path / "bundle"))
    assert api.commit("other", upload).code == "upload_not_found"
    assert api.ask("DELETE", f"{V1}/models/abandoned/versions/{upload}").status == 202
    assert api.ask("DELETE", f"{V1}/models/abandoned/versions/{upload}").status == 202
    assert api.commit("abandoned", upload).code == "upload_not_found"


def test_odd_wishes_at_the_commit_leave_the_upload_as_it_is(api: Api, tmp_path: Path) -> None:
    upload = api.upload("odd-commit", bundle_of(triple, tmp_path / "bundle"))
    assert api.commit("odd-commit", upload, cpu=-1).code == "size_invalid"
    assert api.commit("odd-commit", upload, start_timeout=-5).code == "patience_invalid"
    assert api.commit("odd-commit", upload, memory="1KB").code == "memory_invalid"
    assert api.commit("odd-commit", upload, start=False).status == 201
    wait_for(
        lambda: api.ask("GET", f"{V1}/models/odd-commit").json["state"] == "stopped", "it runs"
    )
    api.ask("DELETE", f"{V1}/models/odd-commit")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format": 99}, "bundle_too_new"),
        ({"runtime": "cobol"}, "runtime_unknown"),
        ({"files": [{"path": "../x", "sha256": "0" * 64, "size": 1}]}, "manifest_invalid"),
        ({"files": [{"path": "/x", "sha256": "0" * 64, "size": 1}]}, "manifest_invalid"),
        ({"files": [{"path": "kraken.json", "sha256": "0" * 64, "size": 1}]}, "manifest_invalid"),
        ({"files": [{"path": "x", "sha256": "y", "size": 1}]}, "manifest_invalid"),
        ({"files": [{"path": "x", "sha256": "0" * 64, "size": -1}]}, "manifest_invalid"),
        ({"files": [{"path": "x", "sha256": "0" * 64, "size": 10**30}]}, None),
        (
            {"files": [{"path": path, "sha256": "0" * 64, "size": 1} for path in ("a", "a/b")]},
            "manifest_invalid",
        ),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(
    api: Api, tmp_path: Path, change: dict[str, Any], code: str | None
) -> None:
    manifest = {**bundle_of(triple, tmp_path / "bundle").manifest, **change}
    answer = api.ask("POST", f"{V1}/models/odd/versions", {"manifest": manifest})
    assert answer.status == 422
    assert code is None or answer.code == code


# -- services -----------------------------------------------------------------------------------


def test_times_logs_and_events_of_a_service(api: Api, doubled: Any) -> None:
    began = time.time()
    for number in range(5):
        doubled.query([float(number)])
    path = f"{V1}/models/api-double/versions/1/service"
    points = wait_for(
        lambda: (
            (found := api.ask("GET", f"{path}/response-times?since={began}").json["points"])
            and len(found) == 5
            and found
        ),
        "five points",
    )
    assert all(point[4] == 1 and point[5] == 200 for point in points)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(began - 1))
    assert len(api.ask("GET", f"{path}/response-times?since={stamp}").json["points"]) >= 5
    told = api.ask("GET", f"{path}/response-times?since={began}&resolution=3600").json
    assert sum(bucket["count"] for bucket in told["buckets"]) == 5
    for odd in ("1e-300", "1e300"):
        assert api.ask("GET", f"{path}/response-times?resolution={odd}").status == 200
    log = api.ask("GET", f"{path}/logs?cursor=tail&limit=3").json
    assert 1 <= len(log["lines"]) <= 3
    assert api.ask("GET", f"{path}/logs?cursor=%7B%22a%22%3A-1%7D").code == "cursor_invalid"
    types = [event["type"] for event in api.ask("GET", f"{path}/events").json["events"]]
    assert types[0] == "version.created"
    assert "version.ready" in types


def test_a_service_stops_starts_and_grows(api: Api, shared_kraken: Kraken) -> None:
    deploy(shared_kraken, "api-moves")
    path = f"{V1}/models/api-moves/versions/live/service"
    port = api.ask("GET", path).json["endpoints"][0]["port"]
    for _ in range(2):  # saying it twice changes nothing
        assert api.ask("PUT", path, {"desired": "stopped"}).json["desired"] == "stopped"
    assert api.settled("api-moves")["state"] == "stopped"
    refused = api.ask("POST", "/m/api-moves", {"modelData": [1.0]})
    assert (refused.status, refused.code) == (503, "service_stopped")
    assert "stopped" in refused.json["error"]["message"]
    api.ask("PUT", path, {"desired": "running"})
    assert api.settled("api-moves")["state"] == "running"
    assert api.ask("GET", path).json["endpoints"][0]["port"] == port
    api.ask("PUT", path, {"replicas": 2})
    two = wait_for(
        lambda: len(found := api.ask("GET", path).json["endpoints"]) == 2 and found, "two replicas"
    )
    assert len({one["port"] for one in two}) == 2
    assert api.ask("POST", "/m/api-moves", {"modelData": [1.0]}).json["result"] == [2.0]
    assert api.ask("DELETE", f"{V1}/models/api-moves").status == 202
    wait_for(lambda: api.ask("GET", f"{V1}/models/api-moves").status == 404, "it stays")
