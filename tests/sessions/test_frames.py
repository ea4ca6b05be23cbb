"""The passive frame reader: the same messages as websockets' own reader, and every broken rule told."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import BINARY, CLOSE, CONT, PING, PONG, TEXT, Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol, State
from websockets.uri import WebSocketURI

from sessions.records import NO_META, Kind
from sessions.wire.frames import MAX_MESSAGE_BYTES, Frames, Seen, close_words
from tests.faults import frame

DEFLATE = "permessage-deflate"


def server(*, extensions: str = "", limit_bytes: int = MAX_MESSAGE_BYTES) -> Frames:
    """A reader of what a server sends."""
    return Frames(is_client=False, extensions=extensions, limit_bytes=limit_bytes)


def pieces(data: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    """The data, cut at these places."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, stop in pairwise(edges):
        yield data[start:stop]


def read(reader: Frames, parts: Sequence[bytes] | Iterator[bytes]) -> list[Seen]:
    """Everything that a reader makes of these pieces."""
    return [seen for part in parts for seen in feed(reader, part)]


def feed(reader: Frames, data: bytes) -> list[Seen]:
    """What a reader makes of a piece, plain texts like everything else."""
    return [Seen(Kind.TEXT, one, len(one)) if isinstance(one, bytes) else one for one in reader.feed(data)]


# What is right ---------------------------------------------------------------------------------------------


def test_messages_and_control_frames_in_their_order() -> None:
    data = (
        frame(1, b"one")
        + frame(9, b"hey")
        + frame(2, b"\x00\xff")
        + frame(10, b"hey")
        + frame(1)
        + frame(8, b"\x0f\xa1why")
    )
    seen = feed(server(), data)
    assert [(one.kind, one.payload) for one in seen] == [
        (Kind.TEXT, b"one"),
        (Kind.PING, b"hey"),
        (Kind.BINARY, b"\x00\xff"),
        (Kind.PONG, b"hey"),
        (Kind.TEXT, b""),
        (Kind.CLOSE, b"\x0f\xa1why"),
    ]
    assert all(not one.problem and one.frames == 1 for one in seen)
    assert [one.meta() for one in seen[:-1]] == [NO_META] * 5
    assert seen[-1].meta() == {"code": 4001, "reason": "why"}


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
@pytest.mark.parametrize("is_client", [False, True])
def test_every_way_to_write_a_length(size: int, is_client: bool) -> None:
    payload = bytes(ord("a") + number % 26 for number in range(size))
    reader = Frames(is_client=is_client)
    (seen,) = feed(reader, frame(1, payload, masked=is_client))
    assert seen == Seen(Kind.TEXT, payload, size)
    assert reader.end() is None


def test_a_ping_between_fragments_is_told_before_the_message() -> None:
    data = frame(1, b"a", fin=False) + frame(9, b"p") + frame(0, b"", fin=False) + frame(0, b"b")
    ping, text = feed(server(), data)
    assert ping == Seen(Kind.PING, b"p", 1)
    assert text == Seen(Kind.TEXT, b"ab", 2, 3)
    assert text.meta() == {"wire": 2, "frames": 3}


def test_what_is_split_at_every_byte_gives_the_same() -> None:
    data = (
        frame(1, b"a" * 130, masked=True)
        + frame(2, b"b", fin=False, masked=True)
        + frame(9, b"p", masked=True)
        + frame(0, b"c" * 70_000, masked=True)
        + frame(3, b"odd", masked=True)
        + frame(8, b"\x03\xe8", masked=True)
    )
    whole = feed(Frames(is_client=True), data)
    assert len(whole) == 5
    for cut in [*range(160), *range(70_100, len(data))]:
        assert read(Frames(is_client=True), [data[:cut], data[cut:]]) == whole
    reader = Frames(is_client=True)
    assert read(reader, [data[at : at + 1] for at in range(len(data))]) == whole
    assert reader.bytes_seen == len(data)


def test_a_compressed_message_between_plain_ones_and_in_fragments() -> None:
    encoder = zlib.compressobj(wbits=-15)
    text = b'{"type":"response.output_text.delta"}'
    first, second = ((encoder.compress(text) + encoder.flush(zlib.Z_SYNC_FLUSH))[:-4] for _ in range(2))
    data = (
        frame(1, first, rsv=0x40)
        + frame(1, b"plain")
        + frame(2, second[:3], rsv=0x40, fin=False)
        + frame(9, b"p")
        + frame(0, second[3:])
    )
    seen = feed(server(extensions=f"{DEFLATE}; server_max_window_bits=15"), data)
    assert [(one.kind, one.payload, one.wire_bytes, one.frames, one.problem) for one in seen] == [
        (Kind.TEXT, text, len(first), 1, ""),
        (Kind.TEXT, b"plain", 5, 1, ""),
        (Kind.PING, b"p", 1, 1, ""),
        (Kind.BINARY, text, len(second), 2, ""),
    ]
    assert seen[0].meta() == {"wire": len(first)}
    assert seen[3].meta() == {"wire": len(second), "frames": 2}


@pytest.mark.parametrize("is_client", [False, True])
def test_each_direction_follows_its_own_parameter(is_client: bool) -> None:
    encoder = zlib.compressobj(wbits=-15)
    text = b"again and again and again"
    sent = [(encoder.compress(text) + encoder.flush(zlib.Z_SYNC_FLUSH))[:-4] for _ in range(2)]
    for other, is_read in (("server", is_client), ("client", not is_client)):
        reader = Frames(is_client=is_client, extensions=f"{DEFLATE}; {other}_no_context_takeover")
        seen = read(reader, [frame(1, one, rsv=0x40, masked=is_client) for one in sent])
        assert seen[0].payload == text
        # the second message reaches back to the first, so it can be read only where context is kept
        assert (seen[1].payload == text) is is_read


# What is wrong, or odd -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "payload", "said"),
    [
        (frame(1, b"x", masked=True), Kind.TEXT, b"x", "a masked frame from the server"),
        (frame(1, b"x", rsv=0x40), Kind.TEXT, b"x", "RSV1 set: not agreed on"),
        (frame(1, b"x", rsv=0x30), Kind.TEXT, b"x", "RSV2 and RSV3 set"),
        (frame(9, b"x", rsv=0x40), Kind.PING, b"x", "RSV1 set"),
        (frame(3, b"x"), Kind.NOTE, b"x", "the reserved opcode 0x3"),
        (frame(0xF, b"x"), Kind.NOTE, b"x", "the reserved opcode 0xF"),
        (frame(0, b"x"), Kind.NOTE, b"x", "no message was begun"),
        (frame(9, b"x" * 126), Kind.PING, b"x" * 126, "a control frame of 126 bytes"),
        (frame(9, b"x", fin=False), Kind.PING, b"x", "a fragmented control frame"),
        (frame(1, b"x", coded=126), Kind.TEXT, b"x", "more bytes than it needs"),
        (frame(1, b"x", coded=127), Kind.TEXT, b"x", "more bytes than it needs"),
        (frame(8, b"\x03"), Kind.CLOSE, b"\x03", "with one byte"),
        (frame(8, b"\x03\xed"), Kind.CLOSE, b"\x03\xed", "1005 may not be sent"),
        (frame(8, b"\x03\xe8\xff"), Kind.CLOSE, b"\x03\xe8\xff", "not UTF-8: invalid start byte at byte 2"),
        (frame(1, b"ab\xff"), Kind.TEXT, b"ab\xff", "not UTF-8: invalid start byte at byte 2"),
    ],
)
def test_a_broken_rule_is_told_beside_the_bytes(data: bytes, kind: Kind, payload: bytes, said: str) -> None:
    reader = server()
    first, odd, *after = feed(reader, frame(1, b"before") + data + frame(10, b"after"))
    assert first == Seen(Kind.TEXT, b"before", 6)
    assert (odd.kind, odd.payload) == (kind, payload)
    assert said in odd.problem
    assert odd.at_byte == 8
    assert odd.meta()["problem"] == odd.problem
    assert [one.payload for one in after] == [b"after"]  # framing is sound: reading goes on
    assert reader.is_readable


def test_an_unmasked_frame_from_the_client_is_read_all_the_same() -> None:
    (seen,) = feed(Frames(is_client=True), frame(1, b"x"))
    assert (seen.payload, seen.problem) == (b"x", "an unmasked frame from the client")


def test_bits_of_an_extension_that_is_not_known_are_told_with_its_name() -> None:
    (seen,) = feed(server(extensions="x-odd"), frame(1, b"x", rsv=0x40))
    assert (seen.payload, seen.problem) == (b"x", "RSV1 set: set by x-odd?")


def test_rsv1_on_a_later_fragment_is_told_and_the_message_inflated() -> None:
    encoder = zlib.compressobj(wbits=-15)
    sent = (encoder.compress(b"hello") + encoder.flush(zlib.Z_SYNC_FLUSH))[:-4]
    data = frame(1, sent[:2], rsv=0x40, fin=False) + frame(0, sent[2:], rsv=0x40)
    (seen,) = feed(server(extensions=DEFLATE), data)
    assert seen.payload == b"hello"
    assert "RSV1 set" in seen.problem


def test_a_message_that_was_never_finished_is_kept_when_the_next_begins() -> None:
    note, text = feed(server(), frame(1, b"half", fin=False) + frame(1, b"whole"))
    assert (note.kind, note.payload, note.frames) == (Kind.NOTE, b"half", 1)
    assert "never finished" in note.problem
    assert text == Seen(Kind.TEXT, b"whole", 5)


def test_what_follows_the_close_frame_is_read_and_told() -> None:
    close, text, again = feed(server(), frame(8, b"\x03\xe8") + frame(1, b"late") + frame(8, b"\x03\xe9"))
    assert close.problem == ""
    assert (text.payload, text.problem) == (b"late", "sent after the close frame")
    assert "sent after the close frame" in again.problem


def test_an_impossible_length_is_told_once_and_then_bytes_are_counted() -> None:
    reader = server()
    data = frame(1, b"ok") + frame(1, length=1 << 63) + b"garbage"
    ok, told = feed(reader, data)
    assert ok.payload == b"ok"
    assert (told.kind, told.at_byte) == (Kind.NOTE, 4)
    assert "nothing is read from here on" in told.problem
    assert not reader.is_readable
    assert feed(reader, frame(1, b"more")) == []
    assert reader.bytes_seen == len(data) + 6
    assert reader.end() is None


@pytest.mark.parametrize("step", [1, 7, 1_000])
@pytest.mark.parametrize("masked", [False, True])
def test_a_frame_above_the_limit_is_counted_and_the_next_one_read(step: int, masked: bool) -> None:
    data = (
        frame(1, b"a" * 60, fin=False, masked=masked)
        + frame(0, b"b" * 500, masked=masked)
        + frame(1, b"c", masked=masked)
    )
    reader = Frames(is_client=masked, limit_bytes=100)
    begun, dropped, after = read(reader, [data[at : at + step] for at in range(0, len(data), step)])
    assert begun.kind is Kind.NOTE
    assert "a frame of 500 bytes begins" in begun.problem
    assert (dropped.kind, dropped.payload, dropped.wire_bytes, dropped.frames) == (Kind.TEXT, b"", 560, 2)
    assert "counted and not kept" in dropped.problem
    assert after == Seen(Kind.TEXT, b"c", 1)


def test_fragments_that_add_up_beyond_the_limit_are_not_kept() -> None:
    reader = server(limit_bytes=100)
    data = frame(2, b"a" * 60, fin=False) + frame(0, b"b" * 60, fin=False) + frame(0, b"c")
    (seen,) = feed(reader, data + b"")
    assert (seen.kind, seen.payload, seen.wire_bytes, seen.frames) == (Kind.BINARY, b"", 121, 3)
    assert "more than 100 bytes" in seen.problem


def test_a_broken_deflate_stream_is_kept_as_it_came_and_so_are_those_after_it() -> None:
    encoder = zlib.compressobj(wbits=-15)
    good = (encoder.compress(b"good") + encoder.flush(zlib.Z_SYNC_FLUSH))[:-4]
    reader = server(extensions=DEFLATE)
    data = frame(1, b"\xff\xff", rsv=0x40) + frame(1, good, rsv=0x40) + frame(1, b"plain")
    broken, later, plain = feed(reader, data)
    assert (broken.payload, broken.kind) == (b"\xff\xff", Kind.TEXT)
    assert "deflate stream is broken" in broken.problem
    assert later.payload == good
    assert "compressed still" in later.problem
    assert plain == Seen(Kind.TEXT, b"plain", 5)


def test_a_bomb_is_kept_compressed() -> None:
    encoder = zlib.compressobj(wbits=-15)
    bomb = (encoder.compress(bytes(1 << 20)) + encoder.flush(zlib.Z_SYNC_FLUSH))[:-4]
    (seen,) = feed(server(extensions=DEFLATE, limit_bytes=100_000), frame(2, bomb, rsv=0x40))
    assert seen.payload == bomb
    assert "more than 100000 bytes" in seen.problem


# The end ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "payload", "wire_bytes", "said"),
    [
        (b"\x81", b"", 1, "in the header of a frame: 1 bytes of it came"),
        (frame(1, b"hello", masked=True)[:4], b"", 4, "in the header of a frame: 4 bytes"),
        (frame(1, b"hello", masked=True)[:-2], b"hel", 9, "3 bytes of it came, 2 did not"),
        (frame(1, b"hello", fin=False, masked=True), b"hello", 5, "1 frames of it came"),
        (frame(1, b"he", fin=False, masked=True) + frame(0, b"llo", masked=True)[:-1], b"hell", 10, "2"),
    ],
)
def test_a_stream_that_ends_in_the_middle_leaves_what_came(
    data: bytes, payload: bytes, wire_bytes: int, said: str
) -> None:
    reader = Frames(is_client=True)
    assert feed(reader, data) == []
    left = reader.end()
    assert left is not None
    assert (left.kind, left.payload, left.wire_bytes) == (Kind.NOTE, payload, wire_bytes)
    assert left.problem.startswith("the client ended in")
    assert said in left.problem
    assert reader.end() is None


def test_an_end_within_a_frame_that_was_not_kept_says_what_is_missing() -> None:
    reader = server(limit_bytes=10)
    feed(reader, frame(2, b"x" * 50)[:-20])
    left = reader.end()
    assert left is not None
    assert "20 are missing" in left.problem


def test_close_words_of_any_payload() -> None:
    assert close_words(b"") == (1005, "")
    assert close_words(b"\x03") == (1005, "")
    assert close_words(b"\x0f\xa1a\xff") == (4001, "a\ufffd")


# Against websockets' own reader ----------------------------------------------------------------------------

_words = st.text(max_size=40).map(str.encode) | st.sampled_from([b"", b"a" * 130, b"delta" * 20_000])
_message = st.tuples(
    st.sampled_from([TEXT, BINARY]), st.lists(_words, min_size=1, max_size=4), st.booleans(), st.booleans()
)
_control = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125))
_talk = st.lists(_message | _control, max_size=8)


def written(talk: Sequence[tuple[object, ...]], deflate: PerMessageDeflate | None, mask: bool) -> bytes:
    """The bytes of a conversation: messages in fragments, compressed or not, pings between the fragments."""
    out = bytearray()
    for one in talk:
        if len(one) == 2:
            opcode, payload = one
            assert isinstance(opcode, Opcode)
            assert isinstance(payload, bytes)
            out += Frame(opcode, payload).serialize(mask=mask)
            continue
        opcode, parts, is_compressed, has_ping = one
        assert isinstance(opcode, Opcode)
        assert isinstance(parts, list)
        extensions = [deflate] if deflate is not None and is_compressed else []
        for number, part in enumerate(parts):
            fin = number == len(parts) - 1
            out += Frame(CONT if number else opcode, part, fin).serialize(mask=mask, extensions=extensions)
            if has_ping and not fin:
                out += Frame(PING, b"between").serialize(mask=mask)
    return bytes(out)


def joined_by_websockets(
    parts: Sequence[bytes], deflate: PerMessageDeflate | None, is_client: bool
) -> list[tuple[Kind, bytes]]:
    """What websockets' sans-I/O protocol reads from these bytes, fragments joined."""
    protocol = Protocol(SERVER if is_client else CLIENT, state=State.OPEN, max_size=None)
    protocol.extensions = [deflate] if deflate else []
    kinds = {TEXT: Kind.TEXT, BINARY: Kind.BINARY, PING: Kind.PING, PONG: Kind.PONG, CLOSE: Kind.CLOSE}
    out: list[tuple[Kind, bytes]] = []
    open_kind, so_far = Kind.TEXT, b""
    for part in parts:
        protocol.receive_data(part)
        for event in protocol.events_received():
            assert isinstance(event, Frame)
            payload = bytes(event.data)
            if event.opcode in (PING, PONG, CLOSE):
                out.append((kinds[event.opcode], payload))
                continue
            if event.opcode is not CONT:
                open_kind, so_far = kinds[event.opcode], b""
            so_far += payload
            if event.fin:
                out.append((open_kind, so_far))
    assert protocol.parser_exc is None
    return out


def deflates(client_keeps: bool, server_keeps: bool, bits: int) -> tuple[str, list[PerMessageDeflate]]:
    """A negotiated extension, and its two ends: the client's and the server's."""
    header = f"{DEFLATE}; server_max_window_bits={bits}; client_max_window_bits={bits}"
    header += "" if client_keeps else "; client_no_context_takeover"
    header += "" if server_keeps else "; server_no_context_takeover"
    client = PerMessageDeflate(not server_keeps, not client_keeps, bits, bits)
    return header, [client, PerMessageDeflate(not client_keeps, not server_keeps, bits, bits)]


@settings(max_examples=60, deadline=None)
@given(
    talk=_talk,
    cuts=st.lists(st.integers(0, 1 << 20), max_size=30),
    is_client=st.booleans(),
    client_keeps=st.booleans(),
    server_keeps=st.booleans(),
    bits=st.integers(9, 15),
    is_compressed=st.booleans(),
)
def test_the_same_messages_as_websockets_reads(
    talk: list[tuple[object, ...]],
    cuts: list[int],
    is_client: bool,
    client_keeps: bool,
    server_keeps: bool,
    bits: int,
    is_compressed: bool,
) -> None:
    header, (client, server_end) = deflates(client_keeps, server_keeps, bits)
    sender, receiver = (client, server_end) if is_client else (server_end, client)
    data = written(talk, sender if is_compressed else None, is_client)
    parts = list(pieces(data, cuts))
    expected = joined_by_websockets(parts, receiver if is_compressed else None, is_client)
    reader = Frames(is_client=is_client, extensions=header if is_compressed else "")
    seen = read(reader, parts)
    assert [(one.kind, one.payload) for one in seen] == expected
    assert [one.problem for one in seen] == [""] * len(seen)
    assert reader.bytes_seen == len(data)
    assert reader.end() is None


def test_the_same_as_a_websockets_client_that_negotiated_for_itself() -> None:
    protocol = ClientProtocol(WebSocketURI(False, "127.0.0.1", 80, "/", ""), state=State.OPEN)
    protocol.send_text(b"hello")
    protocol.send_ping(b"p")
    protocol.send_close(4001, "enough")
    seen = read(Frames(is_client=True), protocol.data_to_send())
    assert [(one.kind, one.payload) for one in seen] == [
        (Kind.TEXT, b"hello"),
        (Kind.PING, b"p"),
        (Kind.CLOSE, b"\x0f\xa1enough"),
    ]


# Against garbage -------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(
    data=st.binary(max_size=400) | st.lists(st.builds(
        frame, st.integers(0, 15), st.binary(max_size=140), fin=st.booleans(),
        rsv=st.integers(0, 7).map(lambda bits: bits << 4), masked=st.booleans(),
        coded=st.sampled_from([None, 127]),
    )).map(b"".join),
    cuts=st.lists(st.integers(0, 400), max_size=10),
    is_client=st.booleans(),
    extensions=st.sampled_from(["", DEFLATE, f"{DEFLATE}; server_no_context_takeover", "x-odd", ";;"]),
)  # fmt: skip
def test_garbage_never_raises_and_is_read_alike_however_it_is_cut(
    data: bytes, cuts: list[int], is_client: bool, extensions: str
) -> None:
    whole = Frames(is_client=is_client, extensions=extensions, limit_bytes=200)
    cut = Frames(is_client=is_client, extensions=extensions, limit_bytes=200)
    assert read(cut, pieces(data, cuts)) == feed(whole, data)
    assert cut.bytes_seen == whole.bytes_seen == len(data)
    assert cut.end() == whole.end()


# Cost ------------------------------------------------------------------------------------------------------


def test_a_large_frame_in_many_reads_and_many_frames_in_one_read() -> None:
    """Copying what came before at every read would move 128 GiB here."""
    large = frame(2, bytes(16 << 20))
    reader = server()
    (seen,) = read(reader, [large[at : at + 1_024] for at in range(0, len(large), 1_024)])
    assert seen.wire_bytes == 16 << 20
    assert len(feed(reader, frame(1, b"x" * 60) * 100_000)) == 100_000


def test_tiny_fragments_cost_no_more_than_their_bytes() -> None:
    reader = server(limit_bytes=1 << 20)
    feed(reader, frame(1, b"", fin=False))
    for _ in range(20):
        assert feed(reader, frame(0, b"", fin=False) * 1_000) == []
    (seen,) = feed(reader, frame(0, b"end"))
    assert (seen.payload, seen.frames) == (b"end", 20_002)
