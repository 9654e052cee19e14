"""The parity receipt: the notebook's own answers, met again or named where they are not."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlkraken_client._pack import pack
from mlkraken_serving._errors import BundleError, ModelError
from mlkraken_serving._manifest import read_bundle
from mlkraken_serving._parity import Receipt, check_parity
from mlkraken_serving.engines._python import PythonEngine

FRAME = pd.DataFrame(
    {
        "x": [1.0, np.nan, 3.0],
        "n": pd.array([1, None, 3], dtype="Int64"),
        "s": ["a", None, "żółw 🐢"],
        "c": pd.Categorical(["u", "v", None], categories=["v", "u"], ordered=True),
        "t": pd.to_datetime(["2026-01-31T12:00:00.123456", None, "1999-12-31T00:00:00.0"]),
        "z": pd.to_datetime(["2026-03-29T01:00", "2026-03-29T03:00", None]).tz_localize(
            "Europe/Warsaw"
        ),
        "d": pd.Series([dt.date(2026, 1, 31), None, dt.date(1, 1, 1)], dtype=object),
        "b": pd.Series([b"\x00\xff", b"", None], dtype=object),
        "j": pd.Series([{"k": [1, None]}, [], [1.5]], dtype=object),
        "e": pd.to_timedelta(["1D", None, "-1.5s"]),
    }
)


def _rows(value: Any) -> list[int]:
    return list(range(len(value)))


MODELS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "frame to itself": (lambda frame: frame, FRAME),
    "frame to numbers": (lambda frame: frame["x"].to_numpy() * 3, FRAME),
    "frame to text": (lambda frame: frame["s"], FRAME),
    "frame to categories": (lambda frame: frame["c"], FRAME),
    "frame to text objects": (lambda frame: frame["s"].to_numpy(dtype=object), FRAME),
    "frame to dates": (lambda frame: frame["d"].tolist(), FRAME),
    "frame to numbers and text": (lambda frame: frame[["x", "s", "n", "c"]], FRAME),
    "frame to a dictionary": (lambda frame: {"rows": len(frame), "nan": float("nan")}, FRAME),
    "frame to a tuple": (lambda frame: (frame["x"].to_numpy(), ["a"] * len(frame)), FRAME),
    "series": (lambda series: series * 2, pd.Series([1.5, np.nan], name="y")),
    "array": (lambda array: array.sum(axis=1), np.arange(6.0).reshape(3, 2)),
    "whole numbers": (lambda array: array * 2, np.arange(6, dtype="int64").reshape(3, 2)),
    "text array": (lambda array: array, np.array(["a", "ż"])),
    "list": (lambda values: [value * 2 for value in values], [1, 2]),
    "records": (lambda rows: [row["a"] for row in rows], [{"a": 1}, {"a": 2}]),
    "dictionary": (lambda row: {"got": row["a"]}, {"a": 1.5, "b": None}),
    "scalar": (lambda value: value + 1, 5),
    "none": (lambda value: None, 5),
}


def receipt_of(folder: Path) -> Receipt:
    bundle = read_bundle(folder)
    engine = PythonEngine(bundle)
    engine.load()
    return check_parity(bundle, engine)


def packed(folder: Path, name: str) -> Path:
    model, example = MODELS[name]
    return pack(model, "model", folder, example=example).folder


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_same_model_answers_the_same_here(tmp_path: Path, name: str) -> None:
    folder = packed(tmp_path, name)
    receipt = receipt_of(folder)
    stored = read_bundle(folder).manifest.example
    assert stored is not None
    assert receipt.verdict == ("equal" if stored.output else "none"), receipt.detail
    _, example = MODELS[name]
    rows = len(example) if isinstance(example, (list, pd.DataFrame, pd.Series, np.ndarray)) else 1
    assert receipt.rows == rows


def change_manifest(folder: Path, **example: Any) -> None:
    path = folder / "kraken.json"
    manifest = json.loads(path.read_text())
    manifest["example"] |= example
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("tolerance", "verdict"), [(1e-9, "close"), (0.0, "differs"), (1e-15, "differs")]
)
def test_close_is_not_equal_and_says_by_how_much(
    tmp_path: Path, tolerance: float, verdict: str
) -> None:
    folder = packed(tmp_path, "array")
    answers = np.load(folder / "example/output.npy")
    np.save(folder / "example/output.npy", answers * (1 + 1e-12))
    change_manifest(folder, tolerance=tolerance)
    receipt = receipt_of(folder)
    assert (receipt.verdict, receipt.rows) == (verdict, 3)
    assert "answer 0 is 1.0 here" in receipt.detail


def _other_answers(folder: Path, name: str, model: Callable[[Any], Any]) -> None:
    """Put the answers of another model into a bundle, as if the notebook had given those."""
    _, example = MODELS[name]
    other = pack(model, "model", folder.parent / "other", example=example)
    (source,) = (other.folder / "example").glob("output.*")
    for old in (folder / "example").glob("output.*"):
        old.unlink()
    source.rename(folder / "example" / source.name)
    change_manifest(folder, output=f"example/{source.name}")


@pytest.mark.parametrize(
    ("name", "other", "says"),
    [
        ("array", lambda array: array.sum(axis=1)[:2], "shape (3,) instead of (2,)"),
        ("array", lambda array: array.sum(axis=1) * np.nan, "answer 0 is 1.0 here and was nan"),
        ("frame to text", lambda frame: ["a", "b", "c"], "answer"),
        ("frame to text", lambda frame: frame["s"].fillna("?"), "'?'"),
        ("frame to categories", lambda frame: frame["c"].fillna("v"), "'v'"),
        ("frame to dates", lambda frame: ["2026-01-31", None, "0001-01-02"], "0001-01-02"),
        ("frame to numbers and text", lambda frame: frame[["x", "s", "n"]], "answer 0"),
        ("frame to a dictionary", lambda frame: {"rows": 3}, "answer 0"),
        ("frame to a dictionary", lambda frame: frame["x"], "one answer"),
        ("list", lambda values: [2, 5], "answer 1 is 4 here and was 5 there"),
        ("list", lambda values: [2], "2 answers instead of 1"),
        ("scalar", lambda value: "6", "answer 0 is 6 here and was '6' there"),
        ("scalar", lambda value: True, "answer 0"),
    ],
)
def test_what_differs_is_named(
    tmp_path: Path, name: str, other: Callable[[Any], Any], says: str
) -> None:
    folder = packed(tmp_path / "bundle", name)
    _other_answers(folder, name, other)
    receipt = receipt_of(folder)
    assert receipt.verdict == "differs"
    assert says in receipt.detail


def test_without_an_example_there_is_nothing_to_compare(tmp_path: Path) -> None:
    folder = pack(_rows, "model", tmp_path).folder
    assert receipt_of(folder) == Receipt("none")


@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("frame to numbers", "input.arrow", b""),
        ("frame to numbers", "input.arrow", b"ARROW1 but not really"),
        ("frame to numbers", "output.npy", b""),
        ("frame to numbers", "output.npy", b"\x93NUMPY\x01\x00"),
        ("frame to text", "output.arrow", b"nonsense"),
        ("array", "input.npy", b""),
        ("list", "input.json", b"{"),
        ("list", "output.json", b"\xff"),
    ],
)
def test_a_broken_example_file_is_named(
    tmp_path: Path, name: str, file: str, content: bytes
) -> None:
    folder = packed(tmp_path, name)
    path = folder / "example" / file
    assert path.exists()
    path.write_bytes(content)
    with pytest.raises(BundleError) as caught:
        receipt_of(folder)
    assert file in caught.value.message
    assert caught.value.hint


def test_a_model_that_refuses_its_own_example_here_is_told(tmp_path: Path) -> None:
    flag = str(tmp_path / "flag")
    (tmp_path / "flag").touch()

    def model(values: Any) -> Any:
        with open(flag):
            return values

    folder = pack(model, "model", tmp_path / "bundle", example=[1, 2]).folder
    (tmp_path / "flag").unlink()
    with pytest.raises(ModelError, match="FileNotFoundError"):
        receipt_of(folder)
