"""What the copies of one tapped socket become: records in order, and words for every ending."""

from __future__ import annotations

import asyncio

import pytest

from sessions.masking import Masks
from sessions.records import Direction, Kind
from sessions.wire.splice import Ending, How, Splice
from sessions.wire.stream import ByteStream
from sessions.wire.watch import Watch, how_it_ended


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A server's frame, below 126 bytes."""
    return bytes((opcode | (0x80 if fin else 0), len(payload))) + payload


class Nowhere(asyncio.Transport):
    """A transport that only a splice's constructor looks at."""


class Idle(ByteStream):
    """A stream that nothing comes on."""

    def __init__(self) -> None:
        super().__init__()
        self.connection_made(Nowhere())


def watch(*secrets: str) -> Watch:
    return Watch(7, "", Masks(secrets))


def splice(ending: Ending | None = None) -> Splice:
    made = Splice(Idle(), Idle(), lambda direction, chunk: None)
    made.ending = ending
    return made


def test_messages_become_records_at_the_time_of_their_chunk() -> None:
    one = watch()
    data = frame(1, b"hel", fin=False) + frame(9, b"ping") + frame(0, b"lo", fin=False)
    first = one.read(Direction.SERVER, data, 1_000, 1.0)
    assert [(found.kind, found.payload, found.elapsed) for found in first] == [(Kind.PING, b"ping", 1.0)]
    (second,) = one.read(Direction.SERVER, frame(0, b"!"), 2_000, 2.0)
    assert second == (7, Direction.SERVER, Kind.TEXT, 2_000, 2.0, b"hello!", {"wire": 6, "frames": 3})


def test_how_much_is_unfinished_is_known_by_direction() -> None:
    one = watch()
    whole = frame(1, b"x" * 100)
    one.read(Direction.SERVER, whole[:60], 0, 0.0)
    assert one.unfinished_bytes(Direction.SERVER) == 60
    assert one.unfinished_bytes(Direction.CLIENT) == 0
    one.read(Direction.SERVER, whole[60:], 0, 0.0)
    assert one.unfinished_bytes(Direction.SERVER) == 0


def test_a_secret_is_masked_in_what_either_side_says() -> None:
    one = watch("sk-secret-1234")
    (found,) = one.read(Direction.SERVER, frame(1, b"your key sk-secret-1234"), 0, 0.0)
    assert found.payload == b"your key ***"
    assert found.meta["masked"] == "key"


@pytest.mark.parametrize(
    ("data", "note", "detail"),
    [
        (frame(3, b"odd"), "frame", "the reserved opcode 0x3"),
        (
            b"\x81\x7f" + b"\xff" * 8,
            "unparsed",
            f"a frame of {(1 << 64) - 1} bytes, more than any frame can have: nothing is read from here on",
        ),
    ],
)
def test_what_is_no_message_is_a_note_that_says_where(data: bytes, note: str, detail: str) -> None:
    (found,) = watch().read(Direction.SERVER, data, 0, 0.0)
    assert (found.direction, found.kind) == (Direction.LOCAL, Kind.NOTE)
    assert found.meta == {"note": note, "detail": detail, "direction": "server", "at_byte": 0}


async def test_a_servers_close_is_the_end_and_only_the_digest_follows() -> None:
    one = watch()
    (close,) = one.read(Direction.SERVER, frame(8, b"\x03\xe8bye"), 0, 0.0)
    assert close.meta == {"code": 1000, "reason": "bye"}
    (digest,) = one.end(splice(Ending(Direction.CLIENT, How.RESET)), 5, 5.0)
    assert digest.kind is Kind.NOTE
    assert digest.meta["note"] == "digest"
    assert (digest.meta["client_bytes"], digest.meta["agrees"]) == (0, 1)
    assert digest.meta["server_read"] == digest.meta["server_written"]


async def test_an_end_in_the_middle_of_a_frame_says_where() -> None:
    one = watch()
    one.read(Direction.SERVER, frame(1, b"half of it")[:7], 0, 0.0)
    lost, _ = one.end(splice(Ending(Direction.SERVER, How.FINISHED)), 5, 5.0)
    assert lost.kind is Kind.LOST
    assert lost.meta == {
        "code": 1006,
        "detail": "the server ended TCP without a close frame; "
        "the server ended in a frame: 5 bytes of it came, 5 did not",
    }


@pytest.mark.parametrize(
    ("ending", "is_closing", "said"),
    [
        (Ending(Direction.CLIENT, How.FINISHED), False, "the client ended TCP without a close frame"),
        (
            Ending(Direction.SERVER, How.FINISHED),
            True,
            "the server ended TCP before the client's close frame was answered",
        ),
        (
            Ending(Direction.SERVER, How.RESET, "[Errno 104] reset"),
            False,
            "the server broke the connection without a close frame: [Errno 104] reset",
        ),
        (Ending(Direction.LOCAL, How.STOPPED), False, "the tap was stopped"),
    ],
)
def test_every_ending_has_words(ending: Ending, is_closing: bool, said: str) -> None:
    assert how_it_ended(ending, is_closing=is_closing) == said
