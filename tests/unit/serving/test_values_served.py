"""What is served is what `model.predict` says in this process, bit for bit, by every encoding."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlkraken_serving._errors import InputError
from mlkraken_serving._manifest import Signature
from tests.unit.serving._encodings import (
    arrow_body,
    arrow_table,
    csv_body,
    parquet_body,
    signature_of,
)
from tests.unit.serving._services import ARROW, Served
from tests.unit.serving._strategies import frames, same

BOUNDED = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WIDTH = 5
TRAINED = np.random.default_rng(7).normal(size=(80, WIDTH))
NUMBERS = st.floats(-1e6, 1e6) | st.floats(allow_nan=False, width=32, min_value=-1e3, max_value=1e3)
MATRICES = arrays("f8", st.tuples(st.integers(1, 6), st.just(WIDTH)), elements=NUMBERS)


def same_value(value: Any) -> Any:
    return value


def _models() -> dict[str, tuple[Any, str]]:
    from sklearn.ensemble import (
        GradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.linear_model import LinearRegression, LogisticRegression

    one, two = TRAINED @ np.arange(WIDTH), TRAINED[:, :2] * 3
    labels = np.where(one > 0, "ja 🦀", "nie")
    return {
        "sums": (LinearRegression().fit(TRAINED, one), "predict"),
        "two outputs": (RandomForestRegressor(5).fit(TRAINED, two), "predict"),
        "text labels": (LogisticRegression().fit(TRAINED, labels), "predict"),
        "probabilities": (LogisticRegression().fit(TRAINED, labels), "predict_proba"),
        "probabilities of two outputs": (
            RandomForestClassifier(5).fit(TRAINED, (two > 0).astype(int)),
            "predict_proba",
        ),
        "trees": (GradientBoostingRegressor(n_estimators=5).fit(TRAINED, one), "predict"),
    }


MODELS = _models()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Served]:
    return {
        name: Served(model, tmp_path_factory.mktemp("model")) for name, (model, _) in MODELS.items()
    }


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return Served(same_value, tmp_path_factory.mktemp("mirror"), call="call")


def _json(served: Served, signature: Signature, data: Any, method: str) -> Any:
    meta = {"method": method, "exact": True}
    body = json.dumps({"modelData": data, "metaData": meta}).encode()
    return json.loads(served.ask(signature, body))["result"]


def _columns(served: Served, signature: Signature, kind: bytes, body: bytes, method: str) -> Any:
    headers = {b"content-type": kind, b"accept": ARROW}
    arguments = f"method={method}".encode()
    answer = served.ask(signature, body, columnar=True, headers=headers, arguments=arguments)
    table = pa.ipc.open_stream(answer).read_all()
    columns = [table.column(name).to_pylist() for name in table.column_names]
    return columns if len(columns) > 1 else columns[0]


def _by_json(served: Served, X: Any, method: str) -> Any:
    return _json(served, signature_of(X), X.tolist(), method)


def _table(X: Any) -> pa.Table:
    return pa.table({f"c{place}": X[:, place] for place in range(WIDTH)})


def _by_arrow(served: Served, X: Any, method: str) -> Any:
    return _columns(served, signature_of(X), ARROW, arrow_body(_table(X)), method)


def _by_lists(served: Served, X: Any, method: str) -> Any:
    lists = pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), WIDTH)
    return _columns(served, signature_of(X), ARROW, arrow_body(pa.table({"x": lists})), method)


def _by_parquet(served: Served, X: Any, method: str) -> Any:
    kind = b"application/vnd.apache.parquet"
    return _columns(served, signature_of(X), kind, parquet_body(_table(X)), method)


def _by_csv(served: Served, X: Any, method: str) -> Any:
    body = csv_body(pd.DataFrame(X, columns=[f"c{place}" for place in range(WIDTH)]))
    return _columns(served, signature_of(X), b"text/csv", body, method)


@pytest.mark.parametrize("way", [_by_json, _by_arrow, _by_lists, _by_parquet, _by_csv])
@pytest.mark.parametrize("name", sorted(MODELS))
def test_an_estimators_answers_keep_every_bit(
    served: dict[str, Served], name: str, way: Callable[[Served, Any, str], Any]
) -> None:
    model, method = MODELS[name]

    @given(MATRICES)
    @BOUNDED
    def check(X: Any) -> None:
        answer = getattr(model, method)(X)
        wanted = [item.tolist() for item in answer] if isinstance(answer, list) else answer.tolist()
        assert same(way(served[name], X, method), wanted)

    check()


@given(frames())
@BOUNDED
def test_the_clients_own_way_there_and_back_keeps_a_table(
    mirror: Served, frame: pd.DataFrame
) -> None:
    assert same(mirror.predict(frame), frame)


@pytest.mark.parametrize("name", ["", "\x00", "\x1f", '"', "\\", "class", "🦀", "__slots__"])
def test_a_column_may_have_any_name(mirror: Served, name: str) -> None:
    signature = signature_of(pd.DataFrame({name: [1.5], "other": [1]}))
    rows = [{name: 2.5, "other": 2}]
    assert _json(mirror, signature, rows, "call") == rows


@given(st.binary(min_size=64, max_size=64))
@BOUNDED
def test_any_bits_of_a_float_come_back_by_every_encoding(mirror: Served, bits: bytes) -> None:
    cells = np.frombuffer(bits, "f8").copy()
    frame = pd.DataFrame({"x": cells, "y": cells[::-1]})
    assert same(mirror.predict(frame), frame)
    signature = signature_of(frame)
    arrow = _columns(mirror, signature, ARROW, arrow_body(pa.table(dict(frame.items()))), "call")
    assert same(arrow, [cells.tolist(), cells[::-1].tolist()])
    text = _columns(mirror, signature, b"text/csv", csv_body(frame), "call")
    assert same(text, [cells.tolist(), cells[::-1].tolist()])
    wide = parquet_body(arrow_table(frame))
    parquet = _columns(mirror, signature, b"application/vnd.apache.parquet", wide, "call")
    assert same(parquet, [cells.tolist(), cells[::-1].tolist()])


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4))
@BOUNDED
def test_all_digits_of_whole_numbers_come_back_in_every_form_of_json(
    mirror: Served, cells: list[int]
) -> None:
    signature = signature_of(pd.DataFrame({"n": [1], "u": np.array([1], "u8")}))
    rows = [{"n": cell, "u": cell + 2**63} for cell in cells]
    columns = {name: [row[name] for row in rows] for name in ("n", "u")}
    for data in (rows, columns, [list(row.values()) for row in rows]):
        assert _json(mirror, signature, data, "call") == rows


@pytest.mark.parametrize("text", ["", "🦀 żółw", "\ud83e", "\x00", '"\\\n', "NaN", "null"])
def test_any_text_comes_back_in_json(mirror: Served, text: str) -> None:
    signature = signature_of(pd.DataFrame({"s": pd.Series(["x"], dtype=object)}))
    assert _json(mirror, signature, [{"s": text}], "call") == [{"s": text}]


def test_strict_json_has_null_for_what_it_has_no_word_for(mirror: Served) -> None:
    signature = signature_of(pd.DataFrame({"x": [1.5]}))
    body = b'{"modelData": {"x": [NaN, Infinity, -Infinity, null, "Infinity", 1.5]}}'
    answer = mirror.ask(signature, body)
    cells = [row["x"] for row in json.loads(answer, parse_constant=pytest.fail)["result"]]
    assert cells == [None, None, None, None, None, 1.5]
    exact = json.loads(mirror.ask(signature, body[:-1] + b', "metaData": {"exact": true}}'))
    told = [row["x"] for row in exact["result"]]
    assert same(told, [math.nan, math.inf, -math.inf, math.nan, math.inf, 1.5])


@pytest.mark.parametrize("other", [0.5, math.nan])
@pytest.mark.parametrize("rows", [2, 2_000])
@pytest.mark.parametrize("number", ["1e400", "-1E+999", "1" + "0" * 400, "1" + "0" * 400 + ".5"])
def test_a_number_beyond_all_floats_is_refused_and_not_made_an_infinity(
    mirror: Served, number: str, rows: int, other: float
) -> None:
    data = [[0.5, other]] * (rows - 1) + [["here", 0.5]]
    body = json.dumps({"modelData": data}).replace('"here"', number).encode()
    with pytest.raises(InputError, match="too large for a float"):
        mirror.ask(signature_of(np.zeros((1, 2))), body)


@given(st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_a_big_matrix_keeps_every_bit_and_digit(mirror: Served, seed: int) -> None:
    bits = np.random.default_rng(seed).integers(0, 2**64, (500, 20), dtype="u8")
    floats = np.where(np.isfinite(bits.view("f8")), bits.view("f8"), -0.0)
    for array in (floats, bits.view("i8"), bits):
        assert _json(mirror, signature_of(array), array.tolist(), "call") == array.tolist()


def test_an_unseen_level_is_refused_or_the_models_own_to_handle(mirror: Served) -> None:
    category = signature_of(pd.DataFrame({"size": pd.Categorical(["s", "m"])}))
    with pytest.raises(InputError, match="known are 'm', 's'"):
        _json(mirror, category, [{"size": "xl"}], "call")
    text = signature_of(pd.DataFrame({"size": ["s", "m"]}))
    assert _json(mirror, text, [{"size": "xl"}], "call") == [{"size": "xl"}]
