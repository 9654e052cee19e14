"""The parts of the graph that need no notebook: the stream, the points, the picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlkraken_client._graph._feed import events
from mlkraken_client._graph._picture import draw
from mlkraken_client._graph._points import DTYPES, MOST, Points

ROW = [1.5, 2.25, 1.125, 3, 7, 500, "id"]


@given(st.lists(st.integers(1, 20)))
def test_messages_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    stream = (
        b": comment\n\nevent: times\nid: 1;x\ndata: {}\n\n"
        b"event: a\r\ndata: 1\r\ndata: 2\r\n\r\nid: 9\n\n"
    )

    def chunks() -> Iterator[bytes]:
        rest = stream
        for cut in cuts:
            yield rest[:cut]
            rest = rest[cut:]
        yield rest

    assert list(events(chunks())) == [("times", "1;x", "{}"), ("a", "", "1\n2")]


def test_points_are_kept_as_columns_of_fixed_width() -> None:
    points = Points()
    fresh = points.append([ROW, ROW])
    assert [column.dtype.str for column in fresh] == list(DTYPES)
    assert [column[0] for column in points.columns()] == [1.5, 2.25, 1.125, 500, 7]
    assert len(points) == 2


def test_the_oldest_points_go_first() -> None:
    points = Points()
    points.append([[float(n), 1.0, 1.0, 1, 1, 200, ""] for n in range(MOST)])
    points.append([[float(MOST), 1.0, 1.0, 1, 1, 200, ""]])
    assert len(points) == MOST
    assert points.columns()[0][[0, -1]].tolist() == [1.0, float(MOST)]


@pytest.mark.parametrize("media", ["png", "svg", "pdf"])
@pytest.mark.parametrize("count", [0, 1, 1000, 100_000])
def test_a_picture_can_be_drawn_of_any_number_of_points(media: str, count: int) -> None:
    generator = np.random.default_rng(0)
    columns = (
        np.linspace(1.7e9, 1.7e9 + 60, count),
        generator.lognormal(size=count).astype("<f4"),
        np.zeros(count, "<f4"),
        generator.choice([200, 500], count).astype("<u2"),
        np.ones(count, "<u4"),
    )
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    picture = draw(columns, "penguins@1", media=media)
    assert picture.startswith(begins[media])
    assert len(picture) < 4_000_000
