"""What every store promises: conditional writes, all or nothing, and nothing acknowledged lost."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlkraken_backend._errors import RevisionConflict
from mlkraken_backend.lifecycle import brief, want_running, want_stopped
from mlkraken_backend.ports import Answer, ModelQuery, Remove, Save, Store
from mlkraken_backend.values import (
    Alias,
    Event,
    Model,
    Replica,
    Service,
    Size,
    Token,
    Upload,
    Version,
)
from tests.contract.conftest import Kept


def a_model(name: str = "churn", **fields: object) -> Model:
    return Model(name, "ann", 1.0, 2.0, explicit=True, **fields)  # type: ignore[arg-type]


def a_version(number: int = 1, model: str = "churn", **fields: object) -> Version:
    known = {"status": "ready", "digest": "sha256:1", **fields}
    return Version(
        model, number, size=7, manifest={"a": [1, None]}, created_by="ann", created_at=1.0, **known
    )


EVERY_KIND = [
    a_model(tags={"team": "x"}, aliases={"live": Alias(1, history=[2])}),
    a_version(),
    want_running(Service("churn", 1, 1.0), Size(replicas=2), 1.0),
    Upload("u-1", "churn", {"files": []}, "ann", 1.0),
    Token("ci", "t-1", "ann", ["query"], 1.0, 2.0),
    Answer("key", "print", 201, b"\x00body", 1.0),
]


def stored(store: Store, entity: object) -> object:
    find = {
        Model: lambda: store.model("churn"),
        Version: lambda: store.version("churn", 1),
        Service: lambda: store.service("churn", 1),
        Upload: lambda: store.upload("u-1"),
        Token: lambda: store.token("ci"),
        Answer: lambda: store.answer("key"),
    }
    return find[type(entity)]()


def names(store: Store, **query: object) -> list[str]:
    return [model.name for model in store.models(ModelQuery(**query)).models]  # type: ignore[arg-type]


@pytest.mark.parametrize("entity", EVERY_KIND, ids=lambda entity: type(entity).__name__)
class TestEveryKind:
    def test_a_save_is_read_back_with_the_next_revision(self, store: Store, entity) -> None:
        assert stored(store, entity) is None
        store.commit([Save(entity)])
        assert stored(store, entity) == msgspec.structs.replace(entity, revision=1)
        store.commit([Save(msgspec.structs.replace(entity, revision=1))])
        assert stored(store, entity) == msgspec.structs.replace(entity, revision=2)

    def test_a_save_with_an_old_revision_is_refused(self, store: Store, entity) -> None:
        store.commit([Save(entity)])
        for stale in (0, 2, 7):
            with pytest.raises(RevisionConflict):
                store.commit([Save(msgspec.structs.replace(entity, revision=stale))])
        assert stored(store, entity) == msgspec.structs.replace(entity, revision=1)

    def test_a_remove_needs_the_revision_too(self, store: Store, entity) -> None:
        with pytest.raises(RevisionConflict):
            store.commit([Remove(msgspec.structs.replace(entity, revision=1))])
        store.commit([Save(entity)])
        with pytest.raises(RevisionConflict):
            store.commit([Remove(entity)])
        store.commit([Remove(msgspec.structs.replace(entity, revision=1))])
        assert stored(store, entity) is None

    def test_a_reopened_store_shows_it(self, kept: Kept, entity) -> None:
        first = kept.open()
        first.commit([Save(entity)])
        first.close()
        second = kept.open()
        assert stored(second, entity) == msgspec.structs.replace(entity, revision=1)
        second.close()


def test_a_commit_is_all_or_nothing(store: Store) -> None:
    store.commit([Save(a_model())])
    with pytest.raises(RevisionConflict):
        store.commit(
            [Save(a_version()), Save(a_model("other")), Save(a_model())],
            [Event("never", "churn", 1.0)],
        )
    assert store.version("churn", 1) is None
    assert store.model("other") is None
    assert store.events(0, 10) == []
    store.commit([Save(a_version())])


def test_of_many_threads_that_save_one_revision_exactly_one_wins(kept: Kept) -> None:
    store = kept.open()
    store.commit([Save(a_model())])
    base = store.model("churn")
    begin, won = threading.Barrier(8), []

    def save(mine: Store, who: int) -> None:
        begin.wait(10)
        try:
            mine.commit([Save(msgspec.structs.replace(base, owner=f"thread {who}"))])
            won.append(who)
        except RevisionConflict:
            pass

    others = [kept.open() for _ in range(4)]
    stores = [*others, store, store, store, store]
    threads = [threading.Thread(target=save, args=pair[::-1]) for pair in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(won) == 1
    assert store.model("churn") == msgspec.structs.replace(
        base, owner=f"thread {won[0]}", revision=2
    )
    for opened in (*others, store):
        opened.close()


def test_of_many_processes_that_count_none_loses_a_step(kept: Kept, store: Store) -> None:
    store.commit([Save(a_model())])
    code = kept.code + (
        "import msgspec\n"
        "from mlkraken_backend._errors import RevisionConflict\n"
        "from mlkraken_backend.ports import Save\n"
        "done = 0\n"
        "while done < 15:\n"
        "    model = store.model('churn')\n"
        "    try:\n"
        "        store.commit([Save(msgspec.structs.replace(model, highest=model.highest + 1))])\n"
        "        done += 1\n"
        "    except RevisionConflict:\n"
        "        pass\n"
    )
    counters = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [counter.wait(60) for counter in counters] == [0] * 4
    model = store.model("churn")
    assert model is not None
    assert (model.highest, model.revision) == (60, 61)


def test_what_was_acknowledged_survives_the_death_of_its_process(kept: Kept, store: Store) -> None:
    code = kept.code + (
        "import os, signal\n"
        "from mlkraken_backend.ports import Save\n"
        "from mlkraken_backend.values import Event, Model\n"
        "for number in range(50):\n"
        "    model = Model(f'm{number}', 'ann', 1.0, 1.0, explicit=True)\n"
        "    store.commit([Save(model)], [Event('made', model.name, 1.0)])\n"
        "    print(number, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=False
    )
    told = ended.stdout.split()
    assert len(told) == 50
    assert len(names(store)) == 50
    assert store.last_event() == store.events(0, 100)[-1].id
    assert len(store.events(0, 100)) == 50


def test_pages_show_every_model_once_in_order(store: Store) -> None:
    made = [f"m-{number:02d}" for number in range(23)]
    store.commit([Save(a_model(name)) for name in reversed(made)])
    found: list[str] = []
    while True:
        page = store.models(ModelQuery(limit=10, after=found[-1] if found else ""))
        found += [model.name for model in page.models]
        assert page.more == (len(found) < 23)
        if not page.more:
            break
    assert found == made


def test_a_model_without_anything_to_show_is_not_listed(store: Store) -> None:
    store.commit([Save(Model("ghost", "ann", 1.0, 1.0))])
    assert names(store) == []
    assert store.model("ghost") is not None


def test_filters_combine(store: Store) -> None:
    running = want_running(Service("a", 1, 1.0), Size(), 1.0)
    store.commit(
        [
            Save(a_model("a", versions=[1], services={1: brief(running)}, tags={"t": "x"})),
            Save(a_model("b", description="Detects ŻÓŁW in Photos", tags={"t": "y"})),
            Save(msgspec.structs.replace(a_model("c", deleting=True), owner="bob")),
        ]
    )
    assert names(store, state="pending") == ["a"]
    assert names(store, state="stopping") == ["c"]
    assert names(store, state="stopped") == ["b"]
    assert names(store, owner="bob") == ["c"]
    assert names(store, text="żółw") == ["b"]
    assert names(store, text="PHOTOS") == ["b"]
    assert names(store, text="%") == names(store, text="_") == []
    assert names(store, tag="t") == ["a", "b"]
    assert names(store, tag="t=y") == ["b"]
    assert names(store, tag="t=y", owner="bob") == []
    assert names(store, text="b'; DROP TABLE models; --") == []


ODD = st.text(
    st.characters(
        exclude_categories=["Cs"], exclude_characters="\0", include_characters="\"'$.[]%_\\\n"
    ),
    max_size=12,
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(key=ODD.filter(lambda text: "=" not in text and text), value=ODD)
def test_tags_with_any_characters_are_found_again(kept: Kept, key: str, value: str) -> None:
    store = kept.open()
    before = store.model("odd")
    model = a_model("odd", tags={key: value}, revision=before.revision if before else 0)
    store.commit([Save(model)])
    assert names(store, tag=f"{key}={value}") == ["odd"]
    assert names(store, tag=key) == ["odd"]
    assert names(store, tag=f"{key}={value}x") == []
    store.close()


def test_versions_are_ordered_and_found_by_digest(store: Store) -> None:
    store.commit(
        [
            Save(a_version(10)),
            Save(a_version(9, digest="sha256:2")),
            Save(a_version(2, status="refused")),
            Save(a_version(1, model="other")),
        ]
    )
    assert [version.number for version in store.versions("churn")] == [2, 9, 10]
    same = {(version.model, version.number) for version in store.versions_with("sha256:1")}
    assert same == {("churn", 10), ("other", 1)}
    assert [version.number for version in store.refused_before(1.5)] == [2]
    assert store.refused_before(0.5) == []
    assert store.version("churn", 2**40) is None


def test_active_services_are_those_that_run_or_should(store: Store) -> None:
    stopped = Service("churn", 1, 1.0)
    wanted = want_running(Service("churn", 2, 1.0), Size(), 1.0)
    hopeless = msgspec.structs.replace(wanted, version=3, gave_up=True, state="failed")
    replica = Replica("r-1", 0, "stopping", 2.0)
    ending = msgspec.structs.replace(stopped, version=4, replicas=[replica], state="stopping")
    store.commit([Save(service) for service in (stopped, wanted, hopeless, ending)])
    assert {service.version for service in store.active_services()} == {2, 4}
    now_wanted = store.service("churn", 2)
    assert now_wanted is not None
    ended = msgspec.structs.replace(want_stopped(now_wanted, 2.0), state="stopped")
    store.commit([Save(ended)])
    assert {service.version for service in store.active_services()} == {4}


def test_unsettled_models_are_those_being_deleted(store: Store) -> None:
    store.commit(
        [
            Save(a_model("a")),
            Save(a_model("b", deleting=True)),
            Save(a_model("c", leaving=[1])),
        ]
    )
    assert {model.name for model in store.unsettled_models()} == {"b", "c"}


def events(*models: str) -> Sequence[Event]:
    return [Event("change", model, 1.0, data={"n": [1, "ż"]}) for model in models]


def test_events_have_rising_ids_that_are_never_used_again(store: Store) -> None:
    assert store.last_event() == 0
    store.commit([], events("a", "b"))
    store.commit([], events("a"))
    ids = [event.id for event in store.events(0, 10)]
    assert ids == sorted(set(ids))
    assert [event.model for event in store.events(0, 10)] == ["a", "b", "a"]
    assert [event.id for event in store.events(ids[0], 1)] == [ids[1]]
    assert [event.id for event in store.events(0, 10, "a")] == [ids[0], ids[2]]
    store.trim(events_kept=0, answers_before=0.0)
    assert store.events(0, 10) == []
    store.commit([], events("a"))
    assert store.last_event() > ids[-1]


def test_trim_keeps_the_newest_events_and_the_younger_answers(store: Store) -> None:
    store.commit([], events(*"abcdef"))
    old = Answer("old", "p", 200, b"", 10.0)
    store.commit([Save(old), Save(msgspec.structs.replace(old, key="young", at=20.0))])
    store.trim(events_kept=2, answers_before=15.0)
    assert [event.model for event in store.events(0, 10)] == ["e", "f"]
    assert store.answer("old") is None
    assert store.answer("young") is not None


def test_uploads_and_tokens_are_listed(store: Store) -> None:
    upload = Upload("u-1", "churn", {}, "ann", 1.0)
    token = Token("b", "t-1", "ann", ["query"], 1.0, 2.0)
    store.commit([Save(upload), Save(msgspec.structs.replace(upload, id="u-2"))])
    store.commit([Save(token), Save(msgspec.structs.replace(token, name="a", jti="t-2"))])
    assert {item.id for item in store.uploads()} == {"u-1", "u-2"}
    assert [item.name for item in store.tokens()] == ["a", "b"]
