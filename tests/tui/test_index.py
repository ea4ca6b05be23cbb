"""Rows and records: silences, filters and folds agree with a plain list, and nothing is looked at twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sessions.inspector import Inspector
from sessions.reading import Reading
from sessions.recording import Recording
from sessions.reducer import Sessions
from tests import make
from tui.index import Index, Place


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    recording = Recording.create(None)
    yield Inspector(recording)
    recording.close()


def fill(inspector: Inspector, shape: str) -> None:
    """Records from letters: d a delta, k another event, and before it - a silence."""
    wire = make.Wire()
    have = len(inspector.recording)
    if have:
        wire.now = inspector.recording.elapsed_at(have - 1)
    for letter in shape:
        if letter == "-":
            wire.wait(1.5)
        elif letter == "d":
            inspector.feed(wire.got(make.text_delta("msg_1", "x")))
        else:
            inspector.feed(wire.got({"type": "keepalive"}))


def places(index: Index) -> list[Place]:
    """All rows."""
    return [index.place(row) for row in range(len(index))]


def index_of(
    inspector: Inspector, test: Callable[[int], bool] | None = None, *, is_folded: bool = False
) -> Index:
    """An index that has taken up everything."""
    index = Index(inspector.recording, inspector.sessions, test, is_folded)
    while index.behind:
        index.advance(1.0)
    return index


def test_a_silence_is_a_row_of_its_own(inspector: Inspector) -> None:
    fill(inspector, "kk-k-k")
    index = index_of(inspector)
    assert places(index) == [
        Place(0, 0), Place(1, 1), Place(2, 2, True), Place(2, 2), Place(3, 3, True), Place(3, 3),
    ]  # fmt: skip
    assert [index.row_of(record) for record in range(4)] == [0, 1, 3, 5]
    assert not index.is_listed


def test_runs_of_deltas_fold_and_end_at_silences(inspector: Inspector) -> None:
    fill(inspector, "kddd-ddkd")
    index = index_of(inspector, is_folded=True)
    assert places(index) == [
        Place(0, 0), Place(1, 3), Place(4, 4, True), Place(4, 5), Place(6, 6), Place(7, 7),
    ]  # fmt: skip
    assert [index.row_of(record) for record in range(8)] == [0, 1, 1, 1, 3, 3, 4, 5]
    assert index.place(1).folded == 3


def test_a_filter_shows_some_and_says_where_the_others_would_be(inspector: Inspector) -> None:
    fill(inspector, "kdkdk")
    index = index_of(inspector, lambda number: number % 2 == 0)
    assert [place.first for place in places(index)] == [0, 2, 4]
    assert index.row_of(1) is None
    assert [index.nearest_row(record) for record in range(5)] == [0, 1, 1, 2, 2]
    assert (index.matching, index.looked_at) == (3, 5)


def test_growing_tells_from_where_rows_differ(inspector: Inspector) -> None:
    fill(inspector, "kdd")
    index = index_of(inspector, is_folded=True)
    fill(inspector, "d")
    assert index.advance(1.0) == 1
    fill(inspector, "k")
    assert index.advance(1.0) == 2
    assert places(index) == [Place(0, 0), Place(1, 3), Place(4, 4)]


def test_no_rows(inspector: Inspector) -> None:
    index = index_of(inspector)
    assert (len(index), index.row_of(0), index.nearest_row(0)) == (0, None, None)
    with pytest.raises(IndexError):
        index.place(0)


@given(shape=some.text(alphabet="dk-", max_size=40), cut=some.integers(0, 40), is_folded=some.booleans())
def test_growing_in_two_steps_is_growing_in_one(shape: str, cut: int, is_folded: bool) -> None:
    recording = Recording.create(None)
    try:
        inspector = Inspector(recording)
        first, second = shape[:cut], shape[cut:]
        fill(inspector, first)
        index = Index(recording, inspector.sessions, None, is_folded)
        index.advance(1.0)
        fill(inspector, second)
        index.advance(1.0)
        whole = index_of(inspector, is_folded=is_folded)
        assert places(index) == places(whole)
        shown = [
            n for place in places(whole) if not place.is_silence for n in range(place.first, place.last + 1)
        ]
        assert shown == list(range(len(recording)))
        for row, place in enumerate(places(whole)):
            if not place.is_silence:
                assert whole.row_of(place.first) == whole.row_of(place.last) == row
    finally:
        recording.close()


@pytest.mark.parametrize("count", range(8))
def test_turned_back_it_is_as_if_it_had_never_been_further(tmp_path: Path, count: int) -> None:
    written = Inspector(Recording.create(tmp_path / "a.jsonl"))
    fill(written, "kk-d-dd-kk")
    written.recording.close()
    reading = Reading.whole(tmp_path / "a.jsonl")
    index = index_of(Inspector(reading))
    reading.show(count)
    assert index.turn_back(Sessions())
    assert places(index) == places(index_of(Inspector(reading)))
    reading.show(reading.known)
    index.advance(1.0)
    assert places(index) == places(index_of(Inspector(reading)))
    assert not Index(reading, Sessions(), is_folded=True).turn_back(Sessions())
    reading.close()


def test_a_folded_row_weighs_as_much_as_all_its_records(inspector: Inspector) -> None:
    fill(inspector, "kddd-dk")
    index = index_of(inspector, is_folded=True)
    one = inspector.recording.size_at(1)
    kept = inspector.recording.size_at(0)
    assert [index.size(row) for row in range(len(index))] == [kept, 3 * one, 0, one, kept]
    assert index_of(inspector).size(1) == one
