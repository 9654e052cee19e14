"""What a deployment says of compiling when nobody asked for it."""

from __future__ import annotations

import queue
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.svm import SVR

from mlkraken_client._pack import pack
from mlkraken_client._progress import Progress
from mlkraken_client._suggestion import suggest

_BOUND_S = 120.0


class _Shown:
    """A line that keeps what it showed."""

    def __init__(self) -> None:
        self.texts: queue.SimpleQueue[str] = queue.SimpleQueue()

    def show(self, text: str, *, done: bool) -> None:
        if done:
            self.texts.put(text)


def test_a_pipeline_that_would_gain_is_told_of_after_the_end(
    tmp_path: Path, penguins: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model, X = penguins
    example = X.dropna().head(20)
    bundle = pack(model, "penguins", tmp_path / "b", example=example)
    line = _Shown()
    progress = Progress("deploying", line)
    suggest(bundle, model, example, progress.remark)
    progress.finish("penguins is live")
    assert line.texts.get().startswith("penguins is live (")
    said = line.texts.get(timeout=_BOUND_S)
    assert said.startswith("penguins is live (")
    assert "times faster: compile=True" in said
    assert not list(tmp_path.glob("mlkraken-compile-*"))


def test_what_has_no_compiled_form_is_not_talked_about(tmp_path: Path) -> None:
    X = np.arange(40.0).reshape(20, 2)
    said: list[str] = []
    model = SVR().fit(X, X[:, 0])
    bundle = pack(model, "svr", tmp_path / "svr", example=X)
    finding = suggest(bundle, model, X, said.append)
    assert finding is not None
    finding.join(_BOUND_S)
    assert not finding.is_alive()
    assert said == []
    assert suggest(pack(len, "len", tmp_path / "len", example=[1, 2]), len, X, said.append) is None
    assert suggest(bundle, model, None, said.append) is None


def test_a_remark_that_comes_before_the_end_is_said_with_it() -> None:
    line = _Shown()
    progress = Progress("deploying", line)
    progress.remark("it would pay")
    progress.finish("it is live")
    said = line.texts.get()
    assert said.startswith("it is live (")
    assert said.endswith("; it would pay")
