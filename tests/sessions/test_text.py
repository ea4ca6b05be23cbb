"""Text that grows: constant time to append, slices without the whole, and the record of every character."""

from __future__ import annotations

from sessions.text import Text


def grown(*pieces: str) -> Text:
    """A text of these deltas, one record each, from 10."""
    text = Text()
    for number, piece in enumerate(pieces, 10):
        text.append(piece, number)
    return text


def test_deltas_are_joined_and_traced() -> None:
    text = grown("Hello", ", ", "", "world")
    assert (str(text), len(text), text.deltas) == ("Hello, world", 12, 4)
    assert [text.record_at(offset) for offset in (0, 4, 5, 7, 11)] == [10, 10, 11, 13, 13]
    assert (text.record_at(-1), text.record_at(12)) == (-1, -1)
    assert (text.span(10), text.span(12), text.span(13)) == ((0, 5), (7, 7), (7, 12))
    assert text.span(99) == (0, 0)


def test_slices_and_tails() -> None:
    text = grown("Hello", ", ", "world")
    assert (text.slice(3, 9), text.slice(-5, 2), text.slice(9, 3), text.tail(3)) == (
        "lo, wo",
        "He",
        "",
        "rld",
    )
    assert text.tail(100) == "Hello, world"


def test_slices_over_blocks() -> None:
    piece = "0123456789" * 1_000
    text = grown(*[piece] * 30)
    assert text.slice(65_530, 65_545) == (piece * 30)[65_530:65_545]
    assert text.slice(0, 300_000) == piece * 30
    text.append("end", 99)
    assert text.tail(5) == "89end"


def test_the_done_value_confirms_or_replaces() -> None:
    text = grown("a", "b")
    assert text.settle("ab", 20) is False
    assert (text.is_final, text.deltas, text.record_at(1)) == (True, 2, 11)
    assert text.settle("xyz", 21) is True
    assert (str(text), text.deltas, text.record_at(0)) == ("xyz", 1, 21)
    assert text.settle("xyw", 22) is True
    assert str(text) == "xyw"


def test_a_million_deltas_are_kept_in_few_pieces() -> None:
    text = Text()
    for number in range(1_000_000):
        text.append("x", number)
    assert len(text) == 1_000_000
    assert text.record_at(777_777) == 777_777
    assert len(text.slice(0, 1_000_000)) == 1_000_000
