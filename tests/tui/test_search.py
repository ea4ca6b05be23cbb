"""A search finds every match once, the nearest first, and returns when its time is up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from tui.search import Search


def done(matches: set[int], anchor: int, count: int) -> Search:
    """A search that has looked at everything."""
    search = Search("x", anchor, matches.__contains__)
    while not search.is_complete(count):
        search.advance(count, 1.0)
    return search


@given(
    matches=some.sets(some.integers(0, 40)),
    anchor=some.integers(0, 45),
    row=some.integers(-1, 45),
    data=some.data(),
)
def test_neighbours_are_those_of_a_sorted_list(
    matches: set[int], anchor: int, row: int, data: some.DataObject
) -> None:
    count = 41
    search = done(matches, anchor, count)
    ordered = sorted(matches)
    after = [one for one in ordered if one > row]
    before = [one for one in ordered if one < row]
    assert len(search) == len(matches)
    assert search.following(row, count) == (after[0] if after else ordered[0] if ordered else None)
    assert search.preceding(row, count) == (before[-1] if before else ordered[-1] if ordered else None)
    for place, one in enumerate(ordered, start=1):
        assert search.rank(one) == place
    missing = (
        data.draw(some.integers(0, 40).filter(lambda one: one not in matches)) if len(matches) < 41 else 99
    )
    assert search.rank(missing) == 0


def test_it_looks_at_one_row_when_there_is_no_time() -> None:
    looked: list[int] = []

    def look(row: int) -> bool:
        looked.append(row)
        return False

    search = Search("x", 5, look)
    search.advance(10, 0.0)
    assert looked == [5]
    assert not search.is_complete(10)
    assert search.progress(10) == 0.1


def test_the_nearest_match_is_known_before_the_rest() -> None:
    search = Search("x", 5, {7, 2}.__contains__)
    for _ in range(3):
        search.advance(10, 0.0)
    assert search.following(4, 10) == 7
    assert search.following(7, 10) is None
    assert search.preceding(5, 10) is None
    while not search.is_complete(10):
        search.advance(10, 0.0)
    assert search.following(7, 10) == 2
    assert search.preceding(5, 10) == 2


def test_rows_that_arrive_later_are_looked_at_too() -> None:
    search = done({3, 12}, 0, 10)
    assert len(search) == 1
    assert not search.is_complete(20)
    search.advance(20, 1.0)
    assert [search.rank(3), search.rank(12)] == [1, 2]


def test_nothing_to_look_at() -> None:
    search = done(set(), 0, 0)
    assert search.progress(0) == 1.0
    assert search.following(0, 0) is None
    assert search.preceding(0, 0) is None
