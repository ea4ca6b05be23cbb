"""Server-sent events: the standard's grammar, the same however the stream is cut, every byte kept."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sessions import sse
from sessions.sse import Block, Piece, Splitter, data_of, read


def pieces_of(*chunks: bytes) -> list[Piece]:
    """All pieces of a stream, the cut last one included."""
    splitter = Splitter()
    found = [piece for chunk in chunks for piece in splitter.feed(chunk)]
    rest = splitter.end()
    return [*found, rest] if rest is not None else found


def each_byte(stream: bytes) -> list[bytes]:
    return [stream[at : at + 1] for at in range(len(stream))]


@pytest.mark.parametrize(
    ("stream", "raws"),
    [
        (b"data: a\n\ndata: b\n\n", [b"data: a", b"data: b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"data: a", b"data: b"]),
        (b"data: a\r\rdata: b\r\r", [b"data: a", b"data: b"]),
        (b"data: a\r\n\ndata: b\n\r\n", [b"data: a", b"data: b"]),
        (b"data: a\ndata: b\n\n", [b"data: a\ndata: b"]),
        (b"data: a\r\ndata: b\r\n\r\n", [b"data: a\r\ndata: b"]),
        (b"\n\n\r\ndata: a\n\n\n\n\ndata: b\n\n", [b"data: a", b"data: b"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"data: a"]),
        (b"\xef\xbbdata: a\n\n", [b"\xef\xbbdata: a"]),
        (b": keep-alive\n\ndata: a\n\n", [b": keep-alive", b"data: a"]),
        (b"", []),
        (b"\n\n", []),
    ],
)
def test_a_blank_line_ends_a_block_however_lines_end(stream: bytes, raws: list[bytes]) -> None:
    whole = pieces_of(stream)
    assert whole == [Piece(raw) for raw in raws]
    assert pieces_of(*each_byte(stream)) == whole


@pytest.mark.parametrize(
    ("stream", "last"),
    [
        (b"data: a\n\ndata: b", b"data: b"),
        (b"data: a\n\ndata: b\n", b"data: b"),
        (b"data: a\n\ndata: b\r\n", b"data: b"),
        (b"\xef\xbb", b"\xef\xbb"),
    ],
)
def test_what_the_end_cuts_is_said_to_be_cut(stream: bytes, last: bytes) -> None:
    for found in (pieces_of(stream), pieces_of(*each_byte(stream))):
        assert found[-1] == Piece(last, is_cut=True)


def test_a_block_without_an_end_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_BLOCK_BYTES", 20)
    splitter = Splitter()
    assert splitter.feed(b"data: " + b"x" * 14) == []
    assert splitter.feed(b"x") == [Piece(b"data: " + b"x" * 15, is_cut=True)]
    assert splitter.feed(b"\n\ndata: b\n\n") == [Piece(b"data: b")]
    assert splitter.end() is None


_LINES = some.lists(
    some.sampled_from(
        [b"data: x", b"data:y", b"data", b"event: e", b"id: 1", b"id", b": c", b"retry: 3", b"other: z"]
    )
    | some.binary(max_size=6).map(lambda one: one.replace(b"\r", b"").replace(b"\n", b"")),
    max_size=6,
)


@given(some.lists(some.tuples(_LINES, some.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=5), some.data())
def test_the_same_blocks_wherever_the_stream_is_cut(
    blocks: list[tuple[list[bytes], bytes]], data: some.DataObject
) -> None:
    stream = b"".join(end.join([*lines, b"", b""]) for lines, end in blocks)
    whole = pieces_of(stream)
    cuts = sorted(data.draw(some.lists(some.integers(0, len(stream)), max_size=8)))
    edges = [0, *cuts, len(stream)]
    assert pieces_of(*(stream[a:b] for a, b in pairwise(edges))) == whole
    assert pieces_of(*each_byte(stream)) == whole
    for piece in whole:
        assert piece.raw in stream


@given(some.binary(max_size=200))
def test_any_bytes_can_be_read(stream: bytes) -> None:
    whole = pieces_of(stream)
    assert pieces_of(*each_byte(stream)) == whole
    for piece in whole:
        assert data_of(piece.raw) == (read(piece.raw).data or b"")


@pytest.mark.parametrize(
    ("raw", "block"),
    [
        (b'event: response.created\ndata: {"a":1}', Block(b'{"a":1}', "response.created")),
        (b"data: a\ndata:  b\ndata\ndata:", Block(b"a\n b\n\n")),
        (b"data:a\r\ndata:b\rdata:c", Block(b"a\nb\nc")),
        (b"id: 7\nretry: 1500\ndata: x", Block(b"x", id="7", retry=1500)),
        (b"id: a\0b\nretry: 1.5", Block(None)),
        (b"id", Block(None, id="")),
        (b": one\n:two\n:", Block(None, comments=("one", "two", ""))),
        (b"foo: bar\nbaz", Block(None, unknown=(("foo", "bar"), ("baz", "")))),
        (b"Data: x", Block(None, unknown=(("Data", "x"),))),
        (b"event: \xff", Block(None, "\ufffd")),
        (b"", Block(None)),
    ],
)
def test_the_fields_of_a_block(raw: bytes, block: Block) -> None:
    assert read(raw) == block
    assert data_of(raw) == (block.data or b"")
