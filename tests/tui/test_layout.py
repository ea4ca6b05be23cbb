"""The rows of a conversation: heights, places, folds; only what is looked at is laid out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.events import Event, Undecodable, decode
from sessions.records import Record
from sessions.reducer import Sessions
from tests import make
from tests.transcripts import TRANSCRIPTS
from tui.laid import Place
from tui.layout import Layout
from tui.talk_rows import draw


class Book:
    """A layout over records that may become more."""

    def __init__(self, records: Sequence[Record], width: int = 60) -> None:
        self.records: list[Record] = []
        self.sessions = Sessions()
        self.reads = 0
        self.layout = Layout(self.sessions, self.read)
        self.layout.set_width(width)
        self.feed(records)

    def read(self, number: int) -> Event | Undecodable:
        self.reads += 1
        return decode(self.records[number].payload)

    def feed(self, records: Sequence[Record]) -> None:
        for record in records:
            self.records.append(record)
            self.sessions.apply(record)
        self.layout.sync()

    def rows(self) -> list[str]:
        self.layout.settle(10_000)
        count = self.layout.row_count()
        return [draw(self.layout, self.layout.place(row), 1.0).plain for row in range(count)]


def long_book(turns: int) -> Book:
    wire = make.Wire()
    records = [wire.open()]
    for number in range(turns):
        records += wire.turn(f"resp_{number}", "word " * 40)
    return Book(records)


def test_a_guess_becomes_exact_when_somebody_looks() -> None:
    book = long_book(50)
    guessed = book.layout.row_count()
    assert book.reads == 0
    assert not book.layout.is_exact(1)
    book.layout.laid(1)
    assert book.layout.is_exact(1)
    assert not book.layout.is_exact(2)
    assert book.layout.row_count() != guessed


def test_settling_goes_in_steps_and_ends() -> None:
    book = long_book(30)
    assert not book.layout.settle(10)
    assert book.layout.settle(100)
    assert book.layout.settle(1)
    assert all(book.layout.is_exact(number) for number in book.layout.numbers)


def test_rows_and_places_are_inverse() -> None:
    book = long_book(5)
    book.layout.settle(100)
    for row in range(book.layout.row_count()):
        assert book.layout.row_of(book.layout.place(row)) == row


def test_a_turn_has_heading_blocks_and_an_empty_row() -> None:
    book = long_book(1)
    rows = book.rows()
    assert rows[0].startswith("─── T1 resp_0")
    assert rows[1] == "you     Hi"
    assert rows[2].startswith("model   word word")
    assert rows[-1] == ""


def test_a_newline_at_the_end_of_a_finished_text_makes_no_row() -> None:
    wire = make.Wire()
    book = Book([wire.open(), *wire.turn("resp_1", "one\ntwo\n")])
    assert book.rows()[2:] == ["model   one", "        two", ""]


def test_growing_touches_only_the_end() -> None:
    wire = make.Wire()
    book = Book([wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1"))])
    book.feed(
        wire.got_all([make.item_added(make.message("m1", status="in_progress")), make.part_added("m1")])
    )
    book.feed([wire.got(make.text_delta("m1", "a " * 100))])
    book.rows()
    before = book.layout.row_count()
    book.feed([wire.got(make.text_delta("m1", "b " * 100))])
    changed = book.layout.touch(1)
    assert book.layout.row_count() > before
    assert changed >= before - 3


def test_folding_makes_one_row_and_unfolding_brings_all_back() -> None:
    book = long_book(1)
    before = book.rows()
    assert book.layout.toggle(Place(1, 3))
    folded = book.rows()
    assert len(folded) == 4
    assert folded[2].endswith("+ 200 characters")
    assert book.layout.toggle(Place(1, 2))
    assert book.rows() == before
    assert not book.layout.toggle(Place(1, 0))


def test_a_record_leads_to_its_row_and_back() -> None:
    book = long_book(2)
    book.layout.settle(10)
    record = next(
        number
        for number, one in enumerate(book.records)
        if b"output_text.delta" in one.payload and book.sessions.turn_column[number] == 2
    )
    place = book.layout.place_of(record + 30)
    assert place is not None
    assert place.turn == 2
    assert place.row > 2
    assert abs(book.layout.record_of(place) - (record + 30)) < 15
    assert book.layout.record_of(Place(2, 0)) == book.sessions.turns[1].create
    below = Place(2, book.layout.laid(2).rows - 1)
    last = book.sessions.turns[1].responses[0]
    assert last.first < book.layout.record_of(below) <= last.last
    assert book.layout.place_of(10_000) is None


def test_only_some_turns_may_be_shown() -> None:
    book = long_book(4)
    book.layout.show_only([1, 3])
    assert list(book.layout.numbers) == [1, 3]
    assert book.layout.row_of(Place(2, 0)) == -1
    rows = book.rows()
    assert [row.split()[1] for row in rows if row.startswith("───")] == ["T1", "T3"]
    book.layout.show_only(None)
    assert list(book.layout.numbers) == [1, 2, 3, 4]


def test_blocks_of_few_turns_are_kept() -> None:
    book = long_book(200)
    book.layout.settle(1_000)
    assert len(book.layout._laid) <= 128
    assert all(book.layout.is_exact(number) for number in book.layout.numbers)


def test_a_running_turn_does_not_read_its_create_again_and_again() -> None:
    wire = make.Wire()
    book = Book([wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1"))])
    book.layout.settle(10)
    reads = book.reads
    for _ in range(20):
        book.layout.touch(1)
    assert book.reads == reads


def test_very_many_items_grow_without_making_blocks_anew() -> None:
    wire = make.Wire()
    book = Book([wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1"))])
    for index in range(120):
        book.feed([wire.got(make.item_done(make.message(f"m{index}", "done"), index))])
    book.feed(
        [
            wire.got(make.item_added(make.message("last", status="in_progress"), 120)),
            wire.got(make.part_added("last", 120)),
        ]
    )
    book.feed([wire.got(make.text_delta("last", "first ", 120))])
    book.layout.settle(10)
    before = book.layout.row_count()
    book.feed([wire.got(make.text_delta("last", "more " * 100, 120))])
    changed = book.layout.grow(1)
    assert book.layout.row_count() > before
    assert 100 < changed < before
    assert any("more more" in row for row in book.rows()[changed:])


@pytest.mark.parametrize("name", sorted(TRANSCRIPTS))
@pytest.mark.parametrize("width", [16, 40, 80, 200])
def test_every_conversation_fits_its_width_and_cannot_act(name: str, width: int) -> None:
    book = Book(TRANSCRIPTS[name](), width)
    for text in book.rows():
        assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in text)
    for row in range(book.layout.row_count()):
        assert draw(book.layout, book.layout.place(row), 1.0).cell_len <= width


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(20, 90))
def test_rows_are_the_same_however_the_text_arrives(sizes: list[int], width: int) -> None:
    wire = make.Wire()
    start = [wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1"))]
    start += wire.got_all([make.item_added(make.message("m1", status="in_progress")), make.part_added("m1")])
    deltas = [wire.got(make.text_delta("m1", "x" * size + " ")) for size in sizes]
    stepwise = Book(start, width)
    stepwise.layout.settle(10)
    for delta in deltas:
        stepwise.feed([delta])
        stepwise.layout.touch(1)
    assert stepwise.rows() == Book([*start, *deltas], width).rows()
