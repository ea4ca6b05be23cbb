"""Rows of the conversation as styled text: headings at any width, titles, folds, the marked record."""

from __future__ import annotations

import pytest
from rich.text import Text

from sessions.records import Record
from tests import make
from tests.tui.test_layout import Book
from tui.laid import Place
from tui.talk_rows import CURSOR, STYLES, copied, draw, heading, is_in_row, row_key


def styles(text: Text) -> dict[str, str]:
    """Which words have which style."""
    return {str(span.style): text.plain[span.start : span.end] for span in text.spans}


def live(*deltas: str) -> tuple[Book, make.Wire]:
    wire = make.Wire()
    book = Book([wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1"))])
    book.feed(
        wire.got_all([make.item_added(make.message("m1", status="in_progress")), make.part_added("m1")])
    )
    book.feed([wire.got(make.text_delta("m1", delta)) for delta in deltas])
    return book, wire


@pytest.mark.parametrize("width", [10, 20, 30, 60, 80, 120])
def test_a_heading_fills_its_width_and_no_more(width: int) -> None:
    wire = make.Wire()
    book = Book([wire.open(), *wire.turn("resp_" + "x" * 60, stream_id="plan")], width)
    turn = book.sessions.turns[0]
    assert heading(book.sessions, turn, width, 1.0).cell_len <= width


def test_a_heading_names_turn_response_parent_lane_and_standing() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        *wire.turn("resp_1"),
        *wire.turn("resp_2", previous_response_id="resp_1", stream_id="plan"),
    ]
    book = Book(records, 80)
    text = heading(book.sessions, book.sessions.turns[1], 80, 1.0).plain
    assert text.startswith("─── T2 resp_2 <- T1 ─── lane plan ──")
    assert text.endswith(" completed 100ms ───")


def test_an_unseen_parent_is_named() -> None:
    wire = make.Wire()
    book = Book([wire.open(), *wire.turn("resp_2", previous_response_id="resp_gone")], 100)
    assert (
        "<- resp_gone (not in this recording)"
        in heading(book.sessions, book.sessions.turns[0], 100, 1.0).plain
    )


def test_a_live_turn_counts_on() -> None:
    book, _ = live("Hel")
    assert heading(book.sessions, book.sessions.turns[0], 60, 3.12).plain.endswith(" live 3.1s ───")


def test_only_the_label_has_the_style_of_who_speaks() -> None:
    wire = make.Wire()
    book = Book([wire.open(), *wire.turn("resp_1", "plain words")])
    row = draw(book.layout, Place(1, 2), 1.0)
    assert row.style == ""
    assert [(row.plain[span.start : span.end], span.style) for span in row.spans] == [
        ("model   ", "talk--model")
    ]


def test_a_live_text_ends_in_a_cursor_and_a_finished_one_does_not() -> None:
    book, wire = live("Hello")
    assert draw(book.layout, Place(1, 2), 1.0).plain == f"model   Hello{CURSOR}"
    done = [
        make.text_done("m1", "Hello"),
        make.item_done(make.message("m1", "Hello")),
        make.completed("resp_1"),
    ]
    book.feed(wire.got_all(done))
    book.layout.touch(1)
    assert draw(book.layout, Place(1, 2), 1.0).plain == "model   Hello"


def test_the_words_of_a_record_are_marked() -> None:
    book, _ = live("Hello ", "all ", "of you")
    record = len(book.records) - 2
    assert styles(draw(book.layout, Place(1, 2), 1.0, record))["talk--linked"] == "all "
    assert "talk--linked" not in styles(draw(book.layout, Place(1, 2), 1.0))


def test_pending_calls_stand_out() -> None:
    wire = make.Wire()
    book = Book(
        [wire.open(), wire.sent(make.create()), *wire.got_all(make.call_answer("resp_1", {"call_1": "{}"}))]
    )
    row = draw(book.layout, Place(1, 2), 1.0)
    assert row.plain.startswith("tool    get_weather({})")
    assert styles(row)["talk--pending"].strip() == "call_1  PENDING"


def test_a_long_call_id_makes_room_for_the_arguments() -> None:
    wire = make.Wire()
    long_id = "call_" + "0123456789" * 3
    calls = make.call_answer("resp_1", {long_id: '{"city": "Lisbon"}'})
    book = Book([wire.open(), wire.sent(make.create()), *wire.got_all(calls)], 60)
    row = draw(book.layout, Place(1, 2), 1.0).plain
    assert row == 'tool    get_weather({"city": "Lisbon"})              PENDING'
    book.layout.set_width(76)
    assert draw(book.layout, Place(1, 2), 1.0).plain.endswith("  call_012345…  PENDING")


def test_markdown_is_styled_and_kept() -> None:
    wire = make.Wire()
    book = Book([wire.open(), *wire.turn("resp_1", "# Plan\n**bold** and `code`")])
    assert styles(draw(book.layout, Place(1, 2), 1.0))["talk--markdown-heading"] == "# Plan"
    row = draw(book.layout, Place(1, 3), 1.0)
    assert row.plain.strip() == "**bold** and `code`"
    assert styles(row)["talk--markdown-strong"] == "**bold**"
    assert styles(row)["talk--markdown-code"] == "`code`"
    book.layout.is_markdown = False
    assert "talk--markdown-strong" not in styles(draw(book.layout, Place(1, 3), 1.0))


HOSTILE = "\x1b[2J [red]x[/red] \u202eevil \x1b]52;c;aGk=\x07 sk-abcdefghijklmnopqrst"


def hostile() -> list[Record]:
    wire = make.Wire()
    call = make.function_call("fc_1", HOSTILE, HOSTILE, '{"a": 1}')
    return [
        wire.open(),
        wire.sent(make.create(HOSTILE, stream_id=HOSTILE, instructions=HOSTILE)),
        *wire.got_all(make.answer(HOSTILE, HOSTILE, lane=HOSTILE)),
        wire.sent(make.create(HOSTILE, previous_response_id=HOSTILE)),
        wire.got(make.created("resp_2")),
        wire.got(make.item_done(call)),
        wire.got(make.item_done({"id": HOSTILE, "type": HOSTILE, "x": HOSTILE}, 1)),
        wire.got(make.error(HOSTILE, HOSTILE)),
    ]


@pytest.mark.parametrize("width", [20, 80])
def test_nothing_hostile_reaches_a_row(width: int) -> None:
    for text in Book(hostile(), width).rows():
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "\u202e" not in text
        assert "abcdefghijklm" not in text


def test_a_key_differs_only_where_the_row_reads_differently() -> None:
    book, wire = live("one two ", "three ")
    before = [row_key(book.layout, Place(1, row)) for row in range(1, book.layout.laid(1).rows)]
    book.feed([wire.got(make.text_delta("m1", "word " * 40))])
    book.layout.touch(1)
    after = [row_key(book.layout, Place(1, row)) for row in range(1, book.layout.laid(1).rows)]
    assert after[0] == before[0]  # what the person wrote
    assert after[1] != before[1]  # the row at which the text went on
    assert row_key(book.layout, Place(1, 2), 4) != row_key(book.layout, Place(1, 2))


def test_a_match_begins_in_a_row_a_fold_counts_whole_and_a_heading_has_no_text() -> None:
    wire = make.Wire()
    book = Book([wire.open(), *wire.turn("resp_1", "word " * 40 + "needle")])
    rows = range(1, book.layout.laid(1).rows - 1)
    assert [row for row in rows if is_in_row(book.layout, Place(1, row), "NEEDLE")] == [rows[-1]]
    assert is_in_row(book.layout, Place(1, 0), "resp_1") is None
    book.layout.toggle(Place(1, 2))
    assert is_in_row(book.layout, Place(1, 2), "needle")


def test_a_copy_is_the_whole_block_or_the_id_of_a_response() -> None:
    wire = make.Wire()
    book = Book([wire.open(), *wire.turn("resp_1", "word " * 40)])
    assert copied(book.layout, Place(1, 0)) == "resp_1"
    assert copied(book.layout, Place(1, 3)) == "word " * 40


def test_every_style_of_a_row_is_listed_here_or_is_every_panes() -> None:
    book, _ = live("one ")
    for row in range(book.layout.laid(1).rows - 1):
        used = {str(span.style) for span in draw(book.layout, Place(1, row), 1.0).spans}
        assert {style for style in used if not style.startswith("pane--")} <= STYLES
