"""Rows of growing text: the same rows however it arrives, and quick whatever it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sessions.safe import safe
from sessions.text import Text
from tui.veil import veiled
from tui.wrap import Fixed, Joined, Wrapped, shown, wrap


def rows(wrapped: Wrapped) -> list[str]:
    return [wrapped.text(index) for index in range(len(wrapped))]


def test_words_move_to_the_next_row_whole() -> None:
    assert wrap("Hello all, we go with plan B.", 12) == ["Hello all,", "we go with", "plan B."]


def test_newlines_end_rows_and_empty_lines_stay() -> None:
    assert wrap("a\n\nb", 10) == ["a", "", "b"]


def test_a_word_longer_than_a_row_is_cut() -> None:
    assert wrap("abcdefghij", 4) == ["abcd", "efgh", "ij"]


def test_wide_characters_never_stick_out() -> None:
    text = "計画" * 10
    assert all(cell_len(row) <= 7 for row in wrap(text, 7))
    assert "".join(wrap(text, 7)) == text


def test_a_tab_takes_four_cells() -> None:
    assert wrap("\tx", 10) == ["    x"]
    assert all(cell_len(row) <= 10 for row in wrap("a\tb\tc\td\te", 10))


def test_marks_without_width_do_not_make_an_endless_row() -> None:
    assert len(wrap("\u0301" * 10_000, 20)) >= 100


@given(st.lists(st.text(alphabet="ab \n\t計e\u0301", max_size=12), max_size=30), st.integers(1, 20))
def test_deltas_give_the_rows_of_the_whole(pieces: list[str], width: int) -> None:
    text = Text()
    growing = Wrapped(text, width)
    for number, piece in enumerate(pieces):
        text.append(piece, number)
        assert growing.update()
    assert rows(growing) == wrap("".join(pieces), width)


@given(st.text(max_size=200), st.integers(4, 30))
def test_rows_keep_every_character_and_their_width(text: str, width: int) -> None:
    wrapped = Wrapped(Fixed(text), width)
    wrapped.update()
    spans = [wrapped.span(index) for index in range(len(wrapped))]
    assert "".join(text[start:end] for start, end in spans) == text
    for row in rows(wrapped):
        assert cell_len(row) <= width
        assert safe(row) == row or "\u200d" in row


def test_a_done_value_that_differs_replaces_the_rows() -> None:
    text = Text()
    text.append("one two three", 4)
    wrapped = Wrapped(text, 8)
    wrapped.update()
    text.settle("four five six", 9)
    wrapped.update()
    assert rows(wrapped) == ["four", "five six"]


def test_a_budget_ends_a_step_and_the_next_goes_on() -> None:
    wrapped = Wrapped(Fixed("x" * 100_000), 50)
    assert not wrapped.update(10_000)
    assert len(wrapped) == 200
    while not wrapped.update(10_000):
        pass
    assert len(wrapped) == 2_000


def test_offsets_lead_to_rows_and_back() -> None:
    wrapped = Wrapped(Fixed("alpha beta gamma"), 6)
    wrapped.update()
    assert [wrapped.row_of(offset) for offset in (0, 6, 11, 15)] == [0, 1, 2, 2]


class Counted(Text):
    """A text that counts the characters that were asked of it."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def slice(self, start: int, end: int) -> str:
        piece = super().slice(start, end)
        self.asked += len(piece)
        return piece


def test_appending_to_a_megabyte_reads_only_the_last_row() -> None:
    text = Counted()
    text.append("x" * 1_000_000, 0)
    wrapped = Wrapped(text, 100)
    wrapped.update()
    text.asked = 0
    for number in range(1, 1_001):
        text.append("y", number)
        wrapped.update()
    assert text.asked <= 1_000 * 101
    assert len(wrapped) == 10_010


def test_joined_texts_stand_on_lines_of_their_own() -> None:
    grown = Text()
    grown.append("second", 7)
    joined = Joined((Fixed("first", 3), grown))
    assert joined.slice(0, len(joined)) == "first\nsecond"
    assert joined.slice(4, 8) == "t\nse"
    assert joined.record_at(0) == 3
    assert joined.record_at(6) == 7
    assert joined.span(7) == (6, 12)
    assert joined.span(99) == (0, 0)


def test_a_key_is_hidden_even_when_two_rows_share_it() -> None:
    key = "sk-" + "a1" * 20
    wrapped = Wrapped(Fixed(f"my key {key} ok"), 16)
    wrapped.update()
    shown_rows = "".join(rows(wrapped))
    assert "a1a1" not in shown_rows
    assert shown_rows.startswith("my key")
    assert shown_rows.endswith("ok")


def test_veiling_keeps_the_length() -> None:
    text = 'x "org-abcdef123456" and {"k":"sk-abcdefghijklmnop"},'
    assert len(veiled(text)) == len(text)
    assert "abcdef" not in veiled(text)
    assert veiled("plain words") == "plain words"


def test_escape_sequences_are_stand_ins() -> None:
    assert "\x1b" not in shown(Fixed("a\x1b[2Jb"), 0, 6)
