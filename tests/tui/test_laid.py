"""A turn laid out: its pieces, and anchors that find their words again."""

from __future__ import annotations

from tests import make
from tests.tui.test_layout import Book, long_book
from tui.laid import Anchor, Place
from tui.talk_rows import draw


def test_a_change_above_moves_rows_and_anchors_follow() -> None:
    book = long_book(3)
    book.layout.settle(100)
    anchor = book.layout.anchor(Place(3, 3))
    row = book.layout.row_of(Place(3, 3))
    book.layout.toggle(Place(1, 2))
    assert book.layout.place_at(anchor) == Place(3, 3)
    assert book.layout.row_of(Place(3, 3)) < row


def test_an_anchor_finds_its_words_at_another_width() -> None:
    wire = make.Wire()
    words = " ".join(f"word{number}" for number in range(200))
    book = Book([wire.open(), *wire.turn("resp_1", words)], 60)
    anchor = book.layout.anchor(Place(1, 10))
    shown = draw(book.layout, Place(1, 10), 1.0).plain.split()[0]
    book.layout.set_width(33)
    assert shown in draw(book.layout, book.layout.place_at(anchor), 1.0).plain


def test_every_row_but_heading_and_end_stands_in_a_piece() -> None:
    laid = long_book(1).layout.laid(1)
    assert laid.piece_at(0) is None
    assert laid.piece_at(laid.rows - 1) is None
    for row in range(1, laid.rows - 1):
        found = laid.piece_at(row)
        assert found is not None
        piece, inside = found
        assert piece.first + inside == row


def test_every_place_of_a_turn_is_found_again_by_its_anchor() -> None:
    laid = long_book(1).layout.laid(1)
    for row in range(laid.rows - 1):
        assert laid.place_at(laid.anchor(Place(1, row))) == Place(1, row)


def test_an_anchor_whose_block_is_gone_is_at_the_heading() -> None:
    laid = long_book(1).layout.laid(1)
    assert laid.place_at(Anchor(1, "gone", 5, 3)) == Place(1, 0)
