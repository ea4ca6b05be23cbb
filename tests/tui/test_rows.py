"""Rows of the event list: columns keep their places, colours are names, hostile words do nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from rich.text import Text

from sessions.records import Direction
from sessions.summary import Row, Tone
from tests import make
from tui.cells import width
from tui.rows import Clock, columns, heading, row_text, short_type, silence_text

ROW = Row(
    number=312, session=1, direction=Direction.SERVER, type="response.output_item.done", lane="main", turn=4,
    size=1_912, elapsed=9.12, since_turn=0.3, wall=make.WALL, gap=0.012, note="message", tone=Tone.PLAIN,
)  # fmt: skip


def style_of(text: Text, word: str) -> str:
    """The component class in which a word is shown."""
    at = text.plain.index(word)
    return next((str(style) for start, end, style in reversed(text.spans) if start <= at < end), "")


@pytest.mark.parametrize("clock", list(Clock))
@pytest.mark.parametrize("cells", [20, 30, 42, 48, 60, 76, 79, 100, 117, 198])
def test_headings_stand_above_their_columns(cells: int, clock: Clock) -> None:
    at = columns(cells, 5, clock)
    names, text = heading(at, clock), row_text(ROW, at, clock)
    assert width(names.plain) <= cells
    assert width(text.plain) <= cells
    assert names.plain.index("dir") == text.plain.index("s>c")
    if at.lane:
        assert names.plain.index("lane") == text.plain.index("main")
    if at.note:
        assert names.plain.index("note") == text.plain.index("message")


def test_what_is_shown_at_80_and_at_120() -> None:
    narrow, wide = columns(77), columns(117)
    assert row_text(ROW, narrow, Clock.TURN).plain.split() == [
        "312", "0.300", "12ms", "s>c", "..output_item.done", "main", "T4", "1.9k", "message",
    ]  # fmt: skip
    assert "response.output_item.done" in row_text(ROW, wide, Clock.TURN).plain
    assert columns(77, has_lanes=False).lane == 0
    assert columns(77, has_lanes=False).note > narrow.note


def test_three_clocks_go_round() -> None:
    at = columns(117, clock=Clock.WALL)
    assert "0.300" in row_text(ROW, at, Clock.TURN).plain
    assert "9.120" in row_text(ROW, at, Clock.START).plain
    assert "11:06:40.000" in row_text(ROW, at, Clock.WALL).plain
    assert [clock.following for clock in Clock] == [Clock.START, Clock.WALL, Clock.TURN]


@pytest.mark.parametrize(
    ("direction", "word", "style"),
    [
        (Direction.CLIENT, "c>s", "pane--client"),
        (Direction.SERVER, "s>c", "pane--server"),
        (Direction.LOCAL, " - ", "pane--local"),
    ],
)
def test_directions_have_words_and_colours(direction: Direction, word: str, style: str) -> None:
    text = row_text(ROW._replace(direction=direction), columns(117), Clock.TURN)
    assert style_of(text, word.strip() if word != " - " else "response") == style


@pytest.mark.parametrize(
    ("tone", "style"),
    [
        (Tone.ERROR, "pane--error"),
        (Tone.ODD, "pane--warning"),
        (Tone.DIALECT, "pane--warning"),
        (Tone.ENDING, "pane--good"),
        (Tone.DELTA, "pane--dim"),
    ],
)
def test_notes_are_coloured_by_their_tone(tone: Tone, style: str) -> None:
    assert style_of(row_text(ROW._replace(tone=tone), columns(117), Clock.TURN), "message") == style


def test_a_run_of_deltas_says_how_many() -> None:
    assert "22 folded" in row_text(ROW._replace(tone=Tone.DELTA), columns(117), Clock.TURN, 22).plain


def test_a_silence_is_said_in_words() -> None:
    assert silence_text(2.4, columns(77)).plain.strip() == "\u2026 2.4s of silence \u2026"


def test_short_types_keep_their_end() -> None:
    assert short_type("response.output_text.delta", 26) == "response.output_text.delta"
    assert short_type("response.output_text.delta", 20) == "..output_text.delta"
    assert short_type("response.output_text.delta", 8) == "\u2026t.delta"


_WORDS = some.text(max_size=60)


@given(kind=_WORDS, lane=_WORDS, note=_WORDS, cells=some.integers(12, 150))
def test_hostile_words_keep_their_column(kind: str, lane: str, note: str, cells: int) -> None:
    at = columns(cells)
    row = ROW._replace(type=kind, lane=lane, note=note)
    text = row_text(row, at, Clock.TURN)
    assert width(text.plain) <= cells
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in text.plain)
    plain = row_text(ROW, at, Clock.TURN).plain
    fixed = at.number + 1 + (at.time + 1 if at.time else 0) + (at.gap + 1 if at.gap else 0) + 3
    assert text.plain[:fixed] == plain[:fixed]


def test_ids_and_keys_are_hidden() -> None:
    row = ROW._replace(note="sk-abcdefghijklmnop", lane="org-A1b2C3d4E5")
    text = row_text(row, columns(150), Clock.TURN).plain
    assert "abcdef" not in text
    assert "A1b2" not in text


def test_a_megabyte_of_note_is_quick_and_cut() -> None:
    text = row_text(ROW._replace(note="x" * 1_000_000), columns(117), Clock.TURN)
    assert width(text.plain) <= 117
    assert text.plain.endswith("\u2026")
