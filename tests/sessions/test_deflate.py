"""What a 101 agrees on about compression, and compressed messages made plain, also odd and hostile ones."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.wire.deflate import Agreement, Broken, Inflation, agreement

LIMIT = 1 << 20


def compressed(encoder: zlib._Compress, plain: bytes) -> bytes:
    """A message as RFC 7692 sends it: flushed, without the four bytes that end every flush."""
    return (encoder.compress(plain) + encoder.flush(zlib.Z_SYNC_FLUSH))[:-4]


def encoder_of(bits: int = 15) -> zlib._Compress:
    """A raw deflate encoder with this window."""
    return zlib.compressobj(wbits=-bits)


@pytest.mark.parametrize(
    ("header", "agreed"),
    [
        ("", Agreement()),
        ("permessage-deflate", Agreement(is_deflate=True)),
        ("Permessage-Deflate; server_max_window_bits=9", Agreement(is_deflate=True)),
        (
            'permessage-deflate; server_no_context_takeover; client_max_window_bits="10"',
            Agreement(is_deflate=True, server_keeps_context=False),
        ),
        ("permessage-deflate;client_no_context_takeover", Agreement(True, client_keeps_context=False)),
        ("x-odd; a=1, permessage-deflate", Agreement(is_deflate=True, unknown="x-odd")),
        ("x-odd", Agreement(unknown="x-odd")),
        ("permessage-deflate; =", Agreement(unknown="permessage-deflate; =")),
    ],
)
def test_what_the_101_agrees_on(header: str, agreed: Agreement) -> None:
    assert agreement(header) == agreed


@given(st.text())
def test_any_header_is_read_without_an_exception(header: str) -> None:
    assert isinstance(agreement(header), Agreement)


@pytest.mark.parametrize("bits", [9, 12, 15])
def test_messages_reach_back_to_those_before_them(bits: int) -> None:
    encoder = encoder_of(bits)
    inflation = Inflation(keeps_context=True, limit_bytes=LIMIT)
    messages = [b'{"type":"response.output_text.delta","delta":"%d"}' % number for number in range(50)]
    sent = [compressed(encoder, message) for message in messages]
    assert len(sent[-1]) < 20 < len(sent[0])
    assert [inflation.inflate(one) for one in sent] == messages


def test_without_context_every_message_stands_alone_and_a_broken_one_harms_no_other() -> None:
    inflation = Inflation(keeps_context=False, limit_bytes=LIMIT)
    assert inflation.inflate(compressed(encoder_of(), b"one")) == b"one"
    broken = inflation.inflate(b"\xff\xff\xff")
    assert isinstance(broken, Broken)
    assert "invalid block type" in broken.said
    assert not inflation.is_broken
    assert inflation.inflate(compressed(encoder_of(), b"two")) == b"two"


def test_with_context_a_broken_message_ends_it_and_the_later_ones_say_so() -> None:
    encoder = encoder_of()
    inflation = Inflation(keeps_context=True, limit_bytes=LIMIT)
    assert inflation.inflate(compressed(encoder, b"one")) == b"one"
    assert isinstance(inflation.inflate(b"\xff\xff\xff"), Broken)
    assert inflation.is_broken
    later = inflation.inflate(compressed(encoder, b"two"))
    assert later == Broken("compressed still: its context was lost before")


def test_a_message_that_was_not_kept_takes_the_context_with_it() -> None:
    for keeps_context in (True, False):
        inflation = Inflation(keeps_context=keeps_context, limit_bytes=LIMIT)
        inflation.lose()
        assert inflation.is_broken is keeps_context


def test_a_bomb_is_told_and_not_obeyed() -> None:
    bomb = compressed(encoder_of(), bytes(LIMIT + 1))
    assert len(bomb) < 2_000
    told = Inflation(keeps_context=True, limit_bytes=LIMIT).inflate(bomb)
    assert isinstance(told, Broken)
    assert f"more than {LIMIT} bytes" in told.said
    exact = compressed(encoder_of(), bytes(LIMIT))
    assert Inflation(keeps_context=True, limit_bytes=LIMIT).inflate(exact) == bytes(LIMIT)


@pytest.mark.parametrize("ending", [b"\x00", b""], ids=["as the RFC says", "bare"])
def test_a_final_block_ends_a_stream_but_not_what_later_messages_reach_back_to(ending: bytes) -> None:
    text = b"the quick brown fox jumps over the lazy dog"
    first = encoder_of()
    final = first.compress(text) + first.flush(zlib.Z_FINISH) + ending
    reaching = zlib.compressobj(wbits=-15, zdict=text)
    second = compressed(reaching, text + b"!")
    assert len(second) < 12
    inflation = Inflation(keeps_context=True, limit_bytes=LIMIT)
    assert inflation.inflate(final) == text
    assert inflation.inflate(second) == text + b"!"


def test_a_message_of_several_streams_is_one_message_up_to_a_bound() -> None:
    def finished(plain: bytes) -> bytes:
        encoder = encoder_of()
        return encoder.compress(plain) + encoder.flush(zlib.Z_FINISH)

    inflation = Inflation(keeps_context=False, limit_bytes=LIMIT)
    assert inflation.inflate(finished(b"one") + finished(b"two") + b"\x00") == b"onetwo"
    many = inflation.inflate(finished(b"x") * 10_000)
    assert isinstance(many, Broken)
    assert "deflate streams" in many.said


@given(st.lists(st.binary(max_size=300)), st.integers(9, 15), st.booleans())
def test_whatever_was_compressed_comes_back(messages: list[bytes], bits: int, keeps_context: bool) -> None:
    encoder = encoder_of(bits)
    inflation = Inflation(keeps_context=keeps_context, limit_bytes=LIMIT)
    for message in messages:
        if not keeps_context:
            encoder = encoder_of(bits)
        assert inflation.inflate(compressed(encoder, message)) == message


@given(st.lists(st.binary(max_size=100), max_size=8), st.booleans())
def test_any_bytes_are_taken_without_an_exception(garbage: list[bytes], keeps_context: bool) -> None:
    inflation = Inflation(keeps_context=keeps_context, limit_bytes=1_000)
    for piece in garbage:
        assert isinstance(inflation.inflate(piece), bytes | Broken)
