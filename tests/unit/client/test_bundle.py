"""Bundles: what goes in, what they are known by, and what is refused before anything is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
import nanoarrow as na
import numpy as np
import pandas as pd
import pytest
from nanoarrow import ipc

from mlkraken_client._errors import PackError
from mlkraken_client._pack import pack, read_bundle


def test_a_bundle_holds_model_example_answers_and_lock(tmp_path: Path, penguins: Any) -> None:
    model, X = penguins
    bundle = pack(model, "penguins", tmp_path / "b", example=X.head())
    names = {file["path"] for file in bundle.manifest["files"]}
    assert names == {
        "model/model.pkl",
        "example/input.arrow",
        "example/output.arrow",
        "requirements.lock",
    }
    assert bundle.manifest["flavor"] == "sklearn"
    assert bundle.manifest["entry"]["batch"] is True
    assert read_bundle(tmp_path / "b").digest == bundle.digest


def test_the_example_is_an_arrow_stream_others_can_read(tmp_path: Path, penguins: Any) -> None:
    model, X = penguins
    pack(model, "penguins", tmp_path / "b", example=X.head())
    with ipc.InputStream.from_path(str(tmp_path / "b" / "example" / "input.arrow")) as stream:
        table = na.Array(stream)
    assert [field.name for field in table.schema.fields] == list(X.columns)
    assert len(table) == 5


def test_name_and_provenance_do_not_change_the_digest(tmp_path: Path, penguins: Any) -> None:
    model, X = penguins
    one = pack(model, "one", tmp_path / "1", example=X.head())
    two = pack(model, "two", tmp_path / "2", example=X.head())
    assert one.digest == two.digest
    assert one.manifest["provenance"] != {}


def test_another_example_changes_the_digest(tmp_path: Path, penguins: Any) -> None:
    model, X = penguins
    one = pack(model, "m", tmp_path / "1", example=X.head(5))
    two = pack(model, "m", tmp_path / "2", example=X.head(6))
    assert one.digest != two.digest


def test_long_examples_are_cut(tmp_path: Path, penguins: Any) -> None:
    model, X = penguins
    bundle = pack(model, "m", tmp_path / "b", example=X)
    assert bundle.size < 100_000


def test_the_first_row_is_kept_as_a_sample_in_strict_json(tmp_path: Path, penguins: Any) -> None:
    model, X = penguins
    bundle = pack(model, "m", tmp_path / "b", example=X.iloc[3:8])  # its first row misses all
    sample = bundle.manifest["example"]["sample"]
    assert sample["bill_length_mm"] is None
    assert sample["island"] == "Torgersen"
    json.dumps(sample, allow_nan=False)


def test_a_model_must_not_change_the_users_example(tmp_path: Path) -> None:
    def greedy(frame: pd.DataFrame) -> Any:
        frame["x"] = 0
        return frame["x"]

    example = pd.DataFrame({"x": [1.0, 2.0]})
    pack(greedy, "m", tmp_path / "b", example=example)
    assert example["x"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("function", "joined"),
    [
        (lambda frame: frame["x"] * 2, True),
        (lambda frame: frame["x"] / frame["x"].mean(), False),
        (lambda frame: frame["x"].sum(), False),
    ],
)
def test_rows_are_joined_only_where_they_do_not_see_each_other(
    tmp_path: Path, function: Any, joined: bool
) -> None:
    bundle = pack(function, "m", tmp_path / "b", example=pd.DataFrame({"x": [1.0, 2.0, 6.0]}))
    assert bundle.manifest["entry"]["batch"] is joined


def test_one_row_proves_nothing_about_joining(tmp_path: Path) -> None:
    bundle = pack(lambda xs: xs, "m", tmp_path / "b", example=[1.0])
    assert bundle.manifest["entry"]["batch"] is False


def test_the_user_decides_about_joining(tmp_path: Path, penguins: Any) -> None:
    model, X = penguins
    bundle = pack(model, "m", tmp_path / "b", example=X.head(), batch=False)
    assert bundle.manifest["entry"]["batch"] is False


@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
def test_saved_files_are_taken_as_they_are(tmp_path: Path, penguins: Any, suffix: str) -> None:
    model, X = penguins
    file = tmp_path / f"model{suffix}"
    joblib.dump(model, file) if suffix == ".joblib" else pd.to_pickle(model, file)
    bundle = pack(file, "m", tmp_path / "b", example=X.head())
    assert (bundle.folder / "model" / file.name).read_bytes() == file.read_bytes()


def test_a_bundle_can_be_packed_again_under_another_name(tmp_path: Path, penguins: Any) -> None:
    model, X = penguins
    one = pack(model, "one", tmp_path / "1", example=X.head())
    two = pack(tmp_path / "1", "two", tmp_path / "2")
    assert (two.manifest["name"], two.digest) == ("two", one.digest)


def test_a_changed_bundle_is_named(tmp_path: Path, penguins: Any) -> None:
    model, X = penguins
    pack(model, "m", tmp_path / "b", example=X.head())
    (tmp_path / "b" / "model" / "model.pkl").write_bytes(b"changed")
    with pytest.raises(PackError) as caught:
        read_bundle(tmp_path / "b")
    assert caught.value.code == "bundle_corrupt"
    assert "model/model.pkl" in caught.value.message


@pytest.mark.parametrize(
    ("model", "code", "named"),
    [
        (42, "model_unsupported", "builtins.int"),
        (dict, "model_is_class", "dict"),
        ("nowhere.joblib", "path_missing", "nowhere.joblib"),
        (__file__, "model_unsupported", "test_bundle.py"),
        (str(Path(__file__).parent), "model_unsupported", "MLmodel"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, model: Any, code: str, named: str) -> None:
    with pytest.raises(PackError) as caught:
        pack(model, "m", tmp_path / "b")
    assert caught.value.code == code
    assert named in caught.value.message


def test_an_r_file_is_told_to_be_unknown_to_this_version(tmp_path: Path) -> None:
    (tmp_path / "model.rds").write_bytes(b"")
    with pytest.raises(PackError) as caught:
        pack(tmp_path / "model.rds", "m", tmp_path / "b")
    assert "R models" in caught.value.message


def test_an_example_the_model_refuses_is_told_with_the_models_own_words(tmp_path: Path) -> None:
    def choosy(xs: list) -> list:
        raise ValueError("not those")

    with pytest.raises(PackError) as caught:
        pack(choosy, "m", tmp_path / "b", example=[1.0])
    assert caught.value.code == "example_refused"
    assert "ValueError: not those" in caught.value.message


def test_a_model_that_exits_on_its_example_is_refused(tmp_path: Path) -> None:
    def leaving(xs: list) -> list:
        raise SystemExit(3)

    with pytest.raises(PackError) as caught:
        pack(leaving, "m", tmp_path / "b", example=[1.0])
    assert caught.value.code == "example_refused"


def test_a_file_that_is_no_pickle_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.pkl").write_bytes(b"not a pickle")
    with pytest.raises(PackError) as caught:
        pack(tmp_path / "broken.pkl", "m", tmp_path / "b")
    assert caught.value.code == "file_unreadable"


def test_arrays_and_lists_keep_their_form(tmp_path: Path) -> None:
    bundle = pack(lambda x: x.sum(axis=1), "m", tmp_path / "1", example=np.ones((3, 4)))
    names = {file["path"] for file in bundle.manifest["files"]}
    assert {"example/input.npy", "example/output.npy"} <= names
    bundle = pack(lambda row: row["a"] * 2, "m", tmp_path / "2", example={"a": 2, "b": "x"})
    assert json.loads((tmp_path / "2" / "example" / "input.json").read_text()) == {
        "a": 2,
        "b": "x",
    }
    assert bundle.manifest["signature"]["kind"] == "dict"
