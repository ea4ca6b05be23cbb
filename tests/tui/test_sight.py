"""What is in sight: laid out before it is painted, and found again after rows above it have grown."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sessions.events import Event, Undecodable, decode
from sessions.records import Record
from sessions.reducer import Sessions
from tests import make
from tui.laid import Place
from tui.layout import Layout
from tui.sight import anchor_at, lay_out_below, lay_out_end, row_at


def conversation(turns: int) -> Layout:
    wire = make.Wire()
    records: Sequence[Record] = [
        wire.open(),
        *(one for number in range(turns) for one in wire.turn(f"resp_{number}", "word " * 80)),
    ]
    sessions = Sessions()
    for record in records:
        sessions.apply(record)

    def read(number: int) -> Event | Undecodable:
        return decode(records[number].payload)

    layout = Layout(sessions, read)
    layout.set_width(40)
    layout.sync()
    return layout


def exact(layout: Layout) -> list[int]:
    return [number for number in layout.numbers if layout.is_exact(number)]


def test_only_the_turns_in_sight_of_the_end_are_laid_out() -> None:
    layout = conversation(50)
    lay_out_end(layout, 20)
    assert exact(layout) == [49, 50]
    assert layout.row_count() - layout.row_of(Place(49, 0)) >= 20
    lay_out_end(layout, 10_000)
    assert len(exact(layout)) == 50


def test_what_stands_below_an_anchor_is_laid_out_as_far_as_it_is_in_sight() -> None:
    layout = conversation(50)
    anchor = layout.anchor(Place(20, 0))
    first = lay_out_below(layout, anchor, 20)
    assert layout.place(first) == Place(20, 0)
    assert exact(layout) == [20, 21]
    last = layout.anchor(Place(50, 0))
    assert layout.place(lay_out_below(layout, last, 10_000)) == Place(50, 0)
    assert exact(layout) == [20, 21, 50]


def test_an_anchor_finds_its_row_when_turns_above_it_turn_out_larger() -> None:
    layout = conversation(30)
    layout.laid(25)
    anchor = anchor_at(layout, layout.row_of(Place(25, 3)))
    assert anchor is not None
    before = row_at(layout, anchor)
    lay_out_below(layout, layout.anchor(Place(1, 0)), 200)
    assert row_at(layout, anchor) != before
    assert layout.place(row_at(layout, anchor)) == Place(25, 3)


@pytest.mark.parametrize("row", [-1, 10_000])
def test_there_is_no_anchor_where_there_is_no_row(row: int) -> None:
    assert anchor_at(conversation(2), row) is None
    assert anchor_at(conversation(0), 0) is None
