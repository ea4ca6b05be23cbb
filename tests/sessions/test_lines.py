"""A row as plain text: columns stand under their headings, and nothing in it acts on a terminal."""

from __future__ import annotations

import pytest

from sessions.lines import heading, line, seconds, size, time_of_day
from sessions.records import Direction
from sessions.summary import Row, Tone
from tests import make

ROW = Row(
    number=312, session=1, direction=Direction.SERVER, type="response.output_item.done", lane="main", turn=4,
    size=1_912, elapsed=9.12, since_turn=0.3, wall=make.WALL, gap=0.012, note="message", tone=Tone.PLAIN,
)  # fmt: skip


def test_a_line_stands_under_its_heading() -> None:
    shown, names = line(ROW), heading()
    assert shown.split() == [
        "312", "9.120", "12ms", "s>c", "response.output_item.done", "main", "T4", "1.9k", "message",
    ]  # fmt: skip
    for word, name in (
        ("s>c", "dir"),
        ("response", "type"),
        ("main", "lane"),
        ("T4", "turn"),
        ("message", "note"),
    ):
        assert shown.index(word) == names.index(name)


def test_hostile_words_are_shown_and_do_nothing() -> None:
    row = ROW._replace(
        type="\x1b]52;c;aGk=\x07", lane="\x1b[2J", note="a\nb\x9b31m\u202e sk-abcdefghijklmnop"
    )
    shown = line(row)
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or char == "\u202e" for char in shown)
    assert "abcdefghijklmnop" not in shown
    assert "\n" not in shown


def test_a_row_without_turn_lane_or_note() -> None:
    shown = line(ROW._replace(turn=0, lane=None, note="", gap=0.0, direction=Direction.LOCAL, type="open"))
    assert shown.split() == ["312", "9.120", "-", "open", "-", "-", "1.9k"]


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0"), (999, "999"), (1_000, "1.0k"), (999_949, "999.9k"), (999_950, "1.0M"), (16_777_216, "16.8M")],
)
def test_sizes(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, ""),
        (0.003, "3ms"),
        (0.321, "321ms"),
        (2.4, "2.4s"),
        (99.9, "99.9s"),
        (119.7, "2m00s"),
        (125, "2m05s"),
        (3720, "1h02m"),
    ],
)
def test_lengths_of_time(value: float, words: str) -> None:
    assert seconds(value) == words


def test_time_of_day_is_utc() -> None:
    assert time_of_day(1_795_000_000_123_456) == "11:06:40.123"
