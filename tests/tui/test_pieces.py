"""Long text as rows: nothing is lost, nothing is wider than it may be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from tui.cells import width
from tui.pieces import MAX_PIECES, Pieces


@given(text=some.text(alphabet="ab \n\u65e5\u00e9", max_size=60), cells=some.integers(2, 12))
def test_rows_hold_the_whole_text_and_fit(text: str, cells: int) -> None:
    pieces = Pieces(text, cells)
    spans = [pieces.span(row) for row in range(len(pieces))]
    assert "".join(text[start:end] for start, end in spans) == text.replace("\n", "")
    assert all(width(text[start:end]) <= cells for start, end in spans)
    assert all("\n" not in text[start:end] for start, end in spans)


@given(text=some.text(alphabet="ab\n", max_size=60))
def test_without_a_width_rows_are_lines(text: str) -> None:
    pieces = Pieces(text)
    lines = [text[slice(*pieces.span(row))] for row in range(len(pieces))]
    assert lines == text.splitlines()


def test_no_text_has_no_rows() -> None:
    assert len(Pieces("", 10)) == 0


def test_there_is_an_end_to_rows() -> None:
    pieces = Pieces("\n" * (MAX_PIECES + 1), 10)
    assert len(pieces) == MAX_PIECES
    assert not pieces.is_complete
