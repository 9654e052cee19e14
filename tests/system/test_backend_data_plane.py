"""The gateway and the event stream: what flows through the backend while models answer."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from mlkraken_client import Kraken
from tests.system._backend import (
    V1,
    Api,
    api_of,
    deploy,
    end,
    gone,
    messages,
    start_backend,
    token,
    wait_for,
)


@pytest.fixture(scope="module")
def api(shared_kraken: Kraken) -> Api:
    return api_of(shared_kraken.connection.target.home)


@pytest.fixture(scope="module")
def echoed(shared_kraken: Kraken) -> Any:
    """The service of a model that gives back what it gets."""

    def echo(xs: list) -> list:
        return xs

    return shared_kraken.deploy(echo, "flow-echo", example=[1.0, None])


# -- gateway ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/m/flow-echo", "/m/flow-echo@live/predict", "/m/flow-echo@1"])
@pytest.mark.usefixtures("echoed")
def test_the_gateway_answers_for_every_reference(api: Api, path: str) -> None:
    answer = api.ask("POST", path, {"modelData": [1.0, 2.0]}, headers={"X-Request-Id": "q-1"})
    assert answer.json["result"] == [1.0, 2.0]
    assert answer.json["metaData"]["version"] == 1
    assert answer.json["metaData"]["requestId"] == "q-1"
    assert answer.headers["x-request-id"] == "q-1"


@pytest.mark.usefixtures("echoed")
def test_bodies_with_nan_pass_both_doors(api: Api) -> None:
    body = b'{"modelData": [NaN, 1.5], "metaData": {"modelId": "flow-echo@1"}}'
    for path in (f"{V1}/query", "/m/flow-echo"):
        assert api.ask("POST", path, body=body).json["result"] == [None, 1.5]


@pytest.mark.usefixtures("echoed")
def test_large_and_chunked_bodies_pass_both_ways(api: Api) -> None:
    numbers = [float(number) for number in range(400_000)]
    body = json.dumps({"modelData": numbers}).encode()

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    assert api.ask("POST", "/m/flow-echo", body=body).json["result"] == numbers
    assert api.ask("POST", "/m/flow-echo", body=chunks()).json["result"] == numbers
    waiting = api.ask("POST", "/m/flow-echo", body=body, headers={"Expect": "100-continue"})
    assert waiting.json["result"] == numbers


@pytest.mark.usefixtures("echoed")
def test_a_body_beyond_the_limit_is_refused_with_a_reason(api: Api) -> None:
    answer = api.ask("POST", f"{V1}/models", body=b" " * (33 << 20))
    assert (answer.status, answer.code) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/m/none", 404, "model_not_found"),
        ("/m/flow-echo@7", 404, "version_not_found"),
        ("/m/flow-echo@99999999999999999999", 404, "version_not_found"),
        ("/m/flow-echo@champion", 404, "alias_not_found"),
    ],
)
@pytest.mark.usefixtures("echoed")
def test_a_reference_to_nothing_says_so(api: Api, path: str, status: int, code: str) -> None:
    answer = api.ask("POST", path, {"modelData": [1.0]})
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.usefixtures("echoed")
def test_the_service_s_own_routes_and_errors_come_through(api: Api) -> None:
    assert api.ask("GET", "/m/flow-echo/health").json["model"] == "flow-echo"
    refused = api.ask("POST", "/m/flow-echo", body=b"{")
    assert refused.status in (400, 422)
    assert refused.code
    nothing = api.ask("GET", "/m/flow-echo/no%3Fsuch%20place")
    assert nothing.status == 404
    assert "such" in nothing.json["error"]["message"]


def test_replicas_answer_in_turn(api: Api, shared_kraken: Kraken) -> None:
    def who(xs: list) -> list:
        import os

        return [os.getpid()] * len(xs)

    who.__annotations__.clear()
    shared_kraken.deploy(who, "flow-turns", replicas=2)
    body = {"modelData": [1]}
    answered = {api.ask("POST", "/m/flow-turns", body).json["result"][0] for _ in range(6)}
    assert len(answered) == 2
    shared_kraken.delete("flow-turns")


# -- streams ------------------------------------------------------------------------------------


def test_a_change_is_told_and_a_resumed_stream_misses_none(api: Api) -> None:
    stream = api.ask("GET", f"{V1}/events", stream=True)
    told = messages(stream)
    assert next(told)[0] == "hello"
    assert next(told)[0] == "ready"
    api.ask("POST", f"{V1}/models", {"name": "stream-a"})
    kind, last_id, change = next(
        item for item in told if item[0] == "change" and item[2]["model"] == "stream-a"
    )
    assert (kind, change["type"]) == ("change", "model.created")
    stream.close()
    for number in range(5):  # nobody listens
        api.ask("PATCH", f"{V1}/models/stream-a", {"description": str(number)})
    resumed = api.ask("GET", f"{V1}/events", headers={"Last-Event-ID": last_id}, stream=True)
    missed = []
    for kind, _, data in messages(resumed):
        if kind == "change" and data["model"] == "stream-a":
            missed.append(data["id"])
            if len(missed) == 5:
                break
    resumed.close()
    assert missed == sorted(set(missed))
    assert missed[0] > change["id"]
    api.ask("DELETE", f"{V1}/models/stream-a")


def test_an_id_from_another_database_does_not_silence_the_stream(api: Api) -> None:
    stream = api.ask(
        "GET", f"{V1}/events", headers={"Last-Event-ID": "999999999999;x"}, stream=True
    )
    told = messages(stream)
    next(item for item in told if item[0] == "ready")
    api.ask("POST", f"{V1}/models", {"name": "stream-b"})
    assert next(item for item in told if item[0] == "change")[2]
    stream.close()
    api.ask("DELETE", f"{V1}/models/stream-b")


def test_every_query_is_one_point_also_over_a_broken_stream(
    api: Api, shared_kraken: Kraken
) -> None:
    service = deploy(shared_kraken, "flow-points")
    for _ in range(3):
        service.query([1.0])
    path, of = f"{V1}/events?times=flow-points@1&history=100000", "flow-points@1"
    wait_for(
        lambda: len(api.ask("GET", f"{V1}/models/flow-points/response-times").json["points"]) >= 3,
        "the points are not there",
    )
    found: list[str] = []
    last_id, sent = "", 0
    for _ in range(4):
        stream = api.ask(
            "GET", path, headers={"Last-Event-ID": last_id} if last_id else {}, stream=True
        )
        wanted = None
        for kind, event_id, data in messages(stream):
            last_id = event_id
            if kind == "ready":
                sender = threading.Thread(target=lambda: [service.query([2.0]) for _ in range(10)])
                sender.start()
                wanted, sent = sent + 10, sent + 10
            if kind == "times":
                assert data["of"] == of
                found += [point[6] for point in data["points"]]
            if wanted is not None and len(found) >= wanted + 3:
                break
        sender.join(10)
        stream.close()
        service.query([3.0])  # while nobody listens
        sent += 1
    everything = wait_for(
        lambda: (
            (points := api.ask("GET", f"{V1}/models/flow-points/response-times").json["points"])
            and points[-1][6] not in found
            and points
        ),
        "the last point is not there",
    )
    assert len(set(found)) == len(found)
    assert set(found) == {point[6] for point in everything[:-1]}
    shared_kraken.delete("flow-points")


def test_many_streams_hear_the_same_and_do_not_hold_up_the_rest(api: Api) -> None:
    streams = [api.with_token(api.token).ask("GET", f"{V1}/events", stream=True) for _ in range(30)]
    heard = []

    def listen(stream: Any) -> None:
        for kind, _, data in messages(stream):
            if kind == "change" and data["model"] == "stream-many":
                heard.append(data["id"])
                return

    listeners = [threading.Thread(target=listen, args=[stream]) for stream in streams]
    for listener in listeners:
        listener.start()
    api.ask("POST", f"{V1}/models", {"name": "stream-many"})
    for listener in listeners:
        listener.join(15)
    assert len(heard) == 30
    assert len(set(heard)) == 1
    for stream in streams:
        stream.close()
    api.ask("DELETE", f"{V1}/models/stream-many")


def test_open_streams_do_not_keep_a_backend_from_ending(tmp_path: Any) -> None:
    process, told = start_backend(tmp_path / "home")
    token = (tmp_path / "home" / "token").read_text()
    api = Api(told["url"], token)
    streams = [api.with_token(token).ask("GET", f"{V1}/events", stream=True) for _ in range(5)]
    for stream in streams:
        assert next(messages(stream))[0] == "hello"
    end(process)  # waits, but not for ever
    assert not psutil.pid_exists(told["pid"])


def test_a_limited_stream_hears_of_its_model_only(api: Api, shared_kraken: Kraken) -> None:
    made = api.ask("POST", f"{V1}/tokens", {"name": "stream-limited", "model": "stream-mine"}).json
    stream = api.with_token(made["token"]).ask("GET", f"{V1}/events", stream=True)
    told = messages(stream)
    next(item for item in told if item[0] == "ready")
    for name in ("stream-theirs", "stream-mine"):
        api.ask("POST", f"{V1}/models", {"name": name})
    assert next(item for item in told if item[0] == "change")[2]["model"] == "stream-mine"
    stream.close()
    for name in ("stream-theirs", "stream-mine"):
        api.ask("DELETE", f"{V1}/models/{name}")


def test_the_stream_of_a_revoked_token_ends(api: Api) -> None:
    holder = token(api, "stream-revoked")
    stream = holder.ask("GET", f"{V1}/events?times=any", stream=True)
    told = messages(stream)
    next(item for item in told if item[0] == "ready")
    api.ask("DELETE", f"{V1}/tokens/stream-revoked")
    assert [kind for kind, _, _ in told if kind == "times"] == []  # and comes to its end
    assert holder.ask("GET", f"{V1}/events").code == "token_revoked"


def test_while_one_replica_is_gone_the_others_answer(api: Api, shared_kraken: Kraken) -> None:
    deploy(shared_kraken, "flow-loses-one", replicas=2)
    for _ in range(3):
        process = psutil.Process(api.ask("GET", "/m/flow-loses-one/health").json["pid"])
        process.kill()
        gone(process.pid)
        for _ in range(5):
            assert api.ask("POST", "/m/flow-loses-one", {"modelData": [1.0]}).status == 200
        wait_for(lambda: len(replicas()) == 2, "it does not come back")
        wait_for(
            lambda: api.ask("GET", f"{V1}/models/flow-loses-one").json["ready_replicas"] == 2,
            "it does not get ready",
        )
    shared_kraken.delete("flow-loses-one")


def replicas() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "--model=flow-loses-one" in process.cmdline():
                found.append(process)
    return found


def test_a_stopped_model_says_why_it_does_not_answer(api: Api, shared_kraken: Kraken) -> None:
    service = deploy(shared_kraken, "flow-stopped")
    service.stop()
    for path in ("/m/flow-stopped", f"{V1}/query"):
        body = {"modelData": [1.0], "metaData": {"modelId": "flow-stopped"}}
        answer = api.ask("POST", path, body)
        assert (answer.status, answer.code) == (503, "service_stopped")
        assert "start" in answer.json["error"]["hint"].lower()
    shared_kraken.delete("flow-stopped")
