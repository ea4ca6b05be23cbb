"""Text that grows: constant time to append, slices without the whole, and the record of every character."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

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


def state_of(text: Text) -> tuple[object, ...]:
    starts = range(0, len(text), max(1, len(text) // 7))
    return (str(text), len(text), text.deltas, text.is_final, [text.record_at(start) for start in starts])


@given(
    before=st.lists(st.text(max_size=30_000) | st.sampled_from(["a" * 40_000, "b" * 70_000, ""]), max_size=6),
    after=st.lists(st.text(max_size=30_000) | st.just("c" * 66_000), max_size=4),
    settled=st.none() | st.text(max_size=9),
)
@settings(max_examples=60, deadline=None)
def test_a_mark_makes_the_text_again_whatever_became_of_it(
    before: list[str], after: list[str], settled: str | None
) -> None:
    text, twin = Text(), Text()
    for number, fragment in enumerate(before):
        text.append(fragment, number)
        twin.append(fragment, number)
    mark = text.mark()
    for number, fragment in enumerate(after, start=len(before)):
        text.append(fragment, number)
    if settled is not None:
        text.settle(settled, 99)
    restored = mark.restore()
    assert state_of(restored) == state_of(twin)
    for number, fragment in enumerate(after, start=len(before)):
        restored.append(fragment, number)
        twin.append(fragment, number)
    if settled is not None:
        assert restored.settle(settled, 99) == twin.settle(settled, 99)
    assert state_of(restored) == state_of(twin) == state_of(text)
    assert mark.restore().deltas == len(before)


def test_a_text_that_did_not_change_has_one_mark() -> None:
    text = Text()
    text.append("x", 1)
    assert text.mark() is text.mark()
    first = text.mark()
    text.is_final = True
    assert text.mark() is not first


def test_a_finished_text_and_those_restored_from_it_share_until_one_of_them_grows() -> None:
    text = grown("one ", "two")
    text.settle("one two", 12)
    mark = text.mark()
    first, second = mark.restore(), mark.restore()
    assert first.mark() is second.mark() is mark
    first.append(" three", 20)
    text.append(" four", 21)
    second.settle("other", 22)
    assert [str(one) for one in (first, text, second)] == ["one two three", "one two four", "other"]
    assert [one.deltas for one in (first, text, second)] == [3, 3, 1]
    assert str(mark.restore()) == "one two"
    assert mark.restore().record_at(5) == 11
    assert first.record_at(8) == 20
