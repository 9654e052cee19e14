"""What every place for bundles promises: invisible until whole, and never silently damaged."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from mlkraken_backend._errors import Invalid, NotFound, StorageCorrupt
from mlkraken_backend.ports import Artifacts
from mlkraken_backend.values import Upload

FILES = {"model/model.pkl": b"\x80weights" * 1000, "example/dane ż.arrow": b"", "code/a/b.py": b"x"}
DIGEST = "sha256:" + "0" * 64


def an_upload(files: dict[str, bytes] = FILES, upload_id: str = "u-1") -> Upload:
    entries = [
        {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for path, content in files.items()
    ]
    return Upload(upload_id, "churn", {"format": 1, "files": entries}, "ann", 1.0)


async def chunks(content: bytes, size: int = 700) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def send(artifacts: Artifacts, upload: Upload, path: str, content: bytes) -> None:
    asyncio.run(artifacts.receive(upload, path, chunks(content)))


def send_all(artifacts: Artifacts, upload: Upload) -> None:
    for path, content in reversed(FILES.items()):
        send(artifacts, upload, path, content)


def committed(artifacts: Artifacts) -> Upload:
    upload = an_upload()
    send_all(artifacts, upload)
    artifacts.commit(upload, DIGEST)
    return upload


def test_every_file_has_a_slot(artifacts: Artifacts) -> None:
    slots = artifacts.slots(an_upload())
    assert [slot.path for slot in slots] == list(FILES)
    assert all(slot.method == "PUT" and " " not in slot.url for slot in slots)


def test_an_upload_is_invisible_until_it_is_committed(artifacts: Artifacts) -> None:
    upload = an_upload()
    send_all(artifacts, upload)
    assert not artifacts.has(DIGEST)
    assert artifacts.digests() == []
    with pytest.raises(NotFound):
        artifacts.source(DIGEST, "model/model.pkl")
    artifacts.commit(upload, DIGEST)
    assert artifacts.has(DIGEST)
    assert artifacts.digests() == [DIGEST]


def test_a_reopened_place_has_what_was_committed(
    artifacts: Artifacts, open_artifacts: Callable[[], Artifacts]
) -> None:
    committed(artifacts)
    place = Path(open_artifacts().locate(DIGEST))
    assert {path: (place / path).read_bytes() for path in FILES} == FILES


def test_a_commit_may_be_repeated(artifacts: Artifacts) -> None:
    upload = committed(artifacts)
    artifacts.commit(upload, DIGEST)
    artifacts.commit(an_upload(upload_id="u-2"), DIGEST)
    assert artifacts.digests() == [DIGEST]


@pytest.mark.parametrize("path", FILES)
def test_a_missing_file_is_named_and_nothing_is_available(artifacts: Artifacts, path: str) -> None:
    upload = an_upload()
    for other in FILES.keys() - {path}:
        send(artifacts, upload, other, FILES[other])
    with pytest.raises(Invalid) as caught:
        artifacts.commit(upload, DIGEST)
    assert caught.value.code == "file_missing"
    assert path in caught.value.message
    assert not artifacts.has(DIGEST)
    send(artifacts, upload, path, FILES[path])
    artifacts.commit(upload, DIGEST)
    assert artifacts.has(DIGEST)


@pytest.mark.parametrize("content", [b"y", b""], ids=["other bytes", "too few"])
def test_a_file_that_differs_is_named_and_may_be_sent_again(
    artifacts: Artifacts, content: bytes
) -> None:
    upload = an_upload()
    send_all(artifacts, upload)
    send(artifacts, upload, "code/a/b.py", content)
    with pytest.raises(Invalid) as caught:
        artifacts.commit(upload, DIGEST)
    assert caught.value.code == "file_differs"
    assert "code/a/b.py" in caught.value.message
    assert not artifacts.has(DIGEST)
    send(artifacts, upload, "code/a/b.py", b"x")
    artifacts.commit(upload, DIGEST)


def test_a_file_longer_than_announced_is_refused_at_once(artifacts: Artifacts) -> None:
    with pytest.raises(Invalid) as caught:
        send(artifacts, an_upload(), "code/a/b.py", b"x" * 5000)
    assert caught.value.code == "file_too_long"


@pytest.mark.parametrize("path", ["../../x", "/etc/passwd", "model/../../x", "other", ""])
def test_a_file_outside_the_manifest_is_refused(
    artifacts: Artifacts, tmp_path: Path, path: str
) -> None:
    before = set(tmp_path.rglob("*"))
    with pytest.raises(Invalid) as caught:
        send(artifacts, an_upload(), path, b"x")
    assert caught.value.code == "file_unexpected"
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("path", ["../../secret", "/etc/passwd", "nothing", "model", ""])
def test_only_files_of_the_bundle_can_be_read(
    artifacts: Artifacts, tmp_path: Path, path: str
) -> None:
    committed(artifacts)
    (tmp_path / "secret").write_text("x")
    with pytest.raises(NotFound):
        artifacts.source(DIGEST, path)
    assert Path(artifacts.source(DIGEST, "code/a/b.py")).read_bytes() == b"x"


def test_a_discarded_upload_is_gone_and_may_be_discarded_again(artifacts: Artifacts) -> None:
    upload = an_upload()
    send_all(artifacts, upload)
    artifacts.discard(upload.id)
    artifacts.discard(upload.id)
    with pytest.raises(Invalid):
        artifacts.commit(upload, DIGEST)


@pytest.mark.parametrize("harm", ["flipped", "cut", "gone", "manifest gone", "manifest broken"])
def test_a_damaged_bundle_is_named_moved_aside_and_can_be_sent_again(
    artifacts: Artifacts, harm: str
) -> None:
    committed(artifacts)
    place = Path(artifacts.locate(DIGEST))
    weights, manifest = place / "model/model.pkl", place / "kraken.json"
    {
        "flipped": lambda: weights.write_bytes(b"?" + weights.read_bytes()[1:]),
        "cut": lambda: weights.write_bytes(weights.read_bytes()[:-1]),
        "gone": weights.unlink,
        "manifest gone": manifest.unlink,
        "manifest broken": lambda: manifest.write_text('{"digest": 5'),
    }[harm]()
    with pytest.raises(StorageCorrupt) as caught:
        artifacts.locate(DIGEST)
    assert caught.value.code == "bundle_corrupt"
    assert ("kraken.json" if "manifest" in harm else "model.pkl") in caught.value.message
    assert not artifacts.has(DIGEST)
    aside = Path(caught.value.message.rpartition("moved to ")[2].rstrip("."))
    assert (aside / "code/a/b.py").read_bytes() == b"x"
    committed(artifacts)
    assert (Path(artifacts.locate(DIGEST)) / "model/model.pkl").exists()


def test_a_removed_bundle_is_gone_and_may_be_removed_again(artifacts: Artifacts) -> None:
    committed(artifacts)
    artifacts.remove(DIGEST)
    artifacts.remove(DIGEST)
    assert not artifacts.has(DIGEST)
    assert artifacts.digests() == []
