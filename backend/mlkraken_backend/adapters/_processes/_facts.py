"""What is written down of replicas, so that a later backend can adopt them.

``<replica>.json`` holds a replica's facts; a start that its model server refused leaves the
reason in ``<replica>.failed.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from mlkraken_backend.adapters._files import mapped
from mlkraken_backend.values import Failure

__all__ = ["Facts", "RunFolder"]


class Facts(msgspec.Struct, frozen=True):
    """What is written down of a replica."""

    replica: str
    model: str
    version: int
    host: str
    port: int
    memory: int
    log: str
    pid: int = 0


class RunFolder:
    """The folder of these files.

    Parameters
    ----------
    root
        The folder; made when missing.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        with mapped(root):
            root.mkdir(parents=True, exist_ok=True)

    def working_directory(self) -> Path:
        """Return a folder for processes to be in, which is there afterwards."""
        folder = self._root / "cwd"
        with mapped(folder):
            folder.mkdir(exist_ok=True)
        return folder

    def write(self, facts: Facts) -> None:
        """Write a replica's facts, whole or not at all."""
        path = self._facts(facts.replica)
        draft = path.with_suffix(".draft")
        with mapped(path):
            draft.write_bytes(msgspec.json.encode(facts))
            draft.replace(path)

    def forget(self, replica: str) -> None:
        """Remove a replica's files; harmless when there are none."""
        with mapped(self._root):
            for path in (self._facts(replica), self.refusal_file(replica)):
                path.unlink(missing_ok=True)

    def known(self) -> list[Facts]:
        """Return the facts of all replicas; remove files that were cut short."""
        found = []
        for path in self._root.glob("r-*.json"):
            if path.name.endswith(".failed.json"):
                continue
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Facts))
            except msgspec.MsgspecError:
                path.unlink(missing_ok=True)  # cut short as the whole machine went down
        for draft in self._root.glob("r-*.draft"):
            draft.unlink(missing_ok=True)
        return found

    def refusal_file(self, replica: str) -> Path:
        """Return where a model server that refuses to start says why."""
        return self._root / f"{replica}.failed.json"

    def refusal(self, replica: str) -> Failure | None:
        """Return why a replica refused to start, None when it did not."""
        try:
            told = json.loads(self.refusal_file(replica).read_bytes())
            return Failure(told["code"], told["message"], told["hint"], final=True)
        except (OSError, ValueError, KeyError):
            return None

    def _facts(self, replica: str) -> Path:
        return self._root / f"{replica}.json"
