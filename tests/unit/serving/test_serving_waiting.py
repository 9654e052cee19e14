"""Natural batching as a pure decision: who is taken together, and how answers are cut apart."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkraken_serving._batching import Queued, Waiting, cut
from mlkraken_serving._manifest import Field, Signature
from mlkraken_serving._values import Items, ModelInput, Single, Table, Tensor, join
from tests.unit.serving._strategies import same

BOUNDED = settings(max_examples=150, deadline=None)
SIGNATURES = [
    Signature("dataframe", [Field("a", "int64"), Field("j", "json")]),
    Signature("dataframe", [Field("a", "int64"), Field("j", "json")]),
]


def _table(rows: int, which: int) -> Table:
    cells = list(range(rows))
    return Table({"a": cells, "j": [[cell] for cell in cells]}, rows, SIGNATURES[which])


ROWS = st.integers(0, 5)
INPUTS: st.SearchStrategy[ModelInput] = st.one_of(
    st.builds(_table, ROWS, st.sampled_from([0, 1])),
    st.builds(
        lambda rows, width, dtype: Tensor(np.ones((rows, width), dtype=dtype)),
        ROWS,
        st.sampled_from([1, 2]),
        st.sampled_from(["f4", "f8"]),
    ),
    st.builds(lambda rows, each: Items([{"n": [1]}] * rows, each), ROWS, st.booleans()),
    st.builds(Single, st.integers()),
)


def _queue(inputs: list[ModelInput], joinable: bool, most: int) -> Waiting[int]:
    waiting: Waiting[int] = Waiting(joinable, most_rows=most)
    for number, data in enumerate(inputs):
        waiting.add(Queued(data, number))
    return waiting


def _drain(waiting: Waiting[int]) -> list[list[Queued[int]]]:
    batches = []
    while batch := waiting.take():
        batches.append(batch)
    return batches


@given(st.lists(INPUTS, max_size=12), st.booleans(), st.integers(1, 10))
@BOUNDED
def test_everyone_is_taken_once_and_in_order(
    inputs: list[ModelInput], joinable: bool, most: int
) -> None:
    waiting = _queue(inputs, joinable, most)
    assert len(waiting) == len(inputs)
    batches = _drain(waiting)
    assert [query.owner for batch in batches for query in batch] == list(range(len(inputs)))
    assert len(waiting) == 0


@given(st.lists(INPUTS, max_size=12), st.integers(1, 10))
@BOUNDED
def test_only_rows_that_can_stand_below_each_other_are_joined_up_to_the_cap(
    inputs: list[ModelInput], most: int
) -> None:
    for batch in _drain(_queue(inputs, True, most)):
        data = [query.data for query in batch]
        if len(data) == 1:
            continue
        assert sum(part.rows for part in data) <= most
        assert len({type(part) for part in data}) == 1
        assert not isinstance(data[0], Single)
        joined = join(data)
        assert joined.rows == sum(part.rows for part in data)


@given(st.lists(INPUTS, max_size=12))
@BOUNDED
def test_a_model_that_is_not_joinable_gets_every_query_alone(inputs: list[ModelInput]) -> None:
    assert all(len(batch) == 1 for batch in _drain(_queue(inputs, False, 4096)))


def test_neighbours_of_one_kind_are_joined_and_no_one_is_overtaken() -> None:
    table, other = _table(2, 0), Single(1)
    batches = _drain(_queue([table, table, other, table], True, 4096))
    assert [[query.owner for query in batch] for batch in batches] == [[0, 1], [2], [3]]


def test_a_query_larger_than_the_cap_is_taken_alone() -> None:
    batches = _drain(_queue([_table(5, 0), _table(1, 0)], True, 3))
    assert [len(batch) for batch in batches] == [1, 1]


def test_who_gave_up_is_forgotten_also_when_taken_already() -> None:
    waiting: Waiting[int] = Waiting(True)
    queries = [Queued(_table(1, 0), number) for number in range(3)]
    for query in queries:
        waiting.add(query)
    waiting.remove(queries[1])
    waiting.remove(queries[1])
    assert [query.owner for query in waiting.take()] == [0, 2]
    waiting.remove(queries[0])


@given(st.lists(INPUTS, min_size=1, max_size=6))
@BOUNDED
def test_what_a_model_does_to_joined_rows_leaves_each_querys_own_alone(
    inputs: list[ModelInput],
) -> None:
    before = copy.deepcopy(inputs)
    for batch in _drain(_queue(inputs, True, 4096)):
        if len(batch) > 1:
            _spoil(join([query.data for query in batch]))
    assert [_plain(data) for data in inputs] == [_plain(data) for data in before]


def _spoil(data: ModelInput) -> None:
    if isinstance(data, Table):
        for cells in data.columns.values():
            for cell in cells:
                if isinstance(cell, list):
                    cell.append("spoilt")
            cells.clear()
    elif isinstance(data, Items):
        for value in data.values:
            value["n"].append("spoilt")
    elif isinstance(data, Tensor):
        data.array[...] = -1


def _plain(data: ModelInput) -> Any:
    if isinstance(data, Table):
        return data.columns
    if isinstance(data, Tensor):
        return data.array.tolist()
    return data.values if isinstance(data, Items) else data.value


SHARES = st.lists(st.integers(0, 4), min_size=1, max_size=5)
ANSWERS: dict[str, Any] = {
    "list": lambda count: list(range(count)),
    "array": np.arange,
    "matrix": lambda count: np.arange(count * 2).reshape(count, 2),
    "series": lambda count: pd.Series(range(count), name="y", dtype="Int64"),
    "numbered": lambda count: pd.Series([1.5] * count, index=list(range(count)), dtype=float),
    "categories": lambda count: pd.Series(["a"] * count, dtype="category"),
    "frame": lambda count: pd.DataFrame({"p": range(count), "q": ["x"] * count}),
    "pair": lambda count: (np.arange(count), list("abcdefghijklmnopqrstuvwxyz"[:count])),
}


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_the_parts_of_an_answer_are_what_each_would_have_got(kind: str) -> None:
    @given(SHARES)
    @BOUNDED
    def check(rows: list[int]) -> None:
        whole = ANSWERS[kind](sum(rows))
        parts = cut(whole, rows)
        assert parts is not None
        start = 0
        for part, count in zip(parts, rows, strict=True):
            assert _length(part) == count
            assert same(_values(part), _values(_cut(whole, start, count)))
            if isinstance(part, (pd.Series, pd.DataFrame)):
                assert list(part.index) == list(range(count))
            start += count

    check()


def _length(part: Any) -> int:
    return len(part[0]) if isinstance(part, tuple) else len(part)


def _cut(whole: Any, start: int, count: int) -> Any:
    if isinstance(whole, tuple):
        return tuple(_cut(item, start, count) for item in whole)
    return getattr(whole, "iloc", whole)[start : start + count]


def _values(part: Any) -> Any:
    if isinstance(part, tuple):
        return tuple(_values(item) for item in part)
    if isinstance(part, pd.DataFrame):
        return [part[name].tolist() for name in part]
    return part.tolist() if hasattr(part, "tolist") else part


@pytest.mark.parametrize("outputs", [2, 3, 4])
@pytest.mark.parametrize("rows", [[1, 1], [1, 2], [0, 3]])
def test_probabilities_of_several_outputs_are_cut_by_rows(outputs: int, rows: list[int]) -> None:
    whole = [np.arange(sum(rows) * 2.0).reshape(-1, 2) + 100 * place for place in range(outputs)]
    parts = cut(whole, rows)
    assert parts is not None
    start = 0
    for part, count in zip(parts, rows, strict=True):
        assert isinstance(part, list)
        wanted = [matrix[start : start + count].tolist() for matrix in whole]
        assert [matrix.tolist() for matrix in part] == wanted
        start += count


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "ab",
        {"a": 1, "b": 2},
        5,
        [1],
        np.float64(1),
        np.array(5),
        np.ones((3, 2)),
        (),
        (np.ones(2), 5),
        pd.Series([1, 2, 3]),
        {1, 2},
    ],
    ids=repr,
)
def test_an_answer_without_one_entry_a_row_is_not_cut(answer: Any) -> None:
    assert cut(answer, [1, 1]) is None
