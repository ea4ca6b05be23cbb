"""The queue between relays and journal: order, slices, threads for large messages, and a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessions.journal import Journal
from sessions.masking import Masks
from sessions.records import Direction, Kind, Record, to_line
from sessions.wire import scribe as module
from sessions.wire.scribe import Scribe, line_in_pieces
from sessions.wire.watch import Watch
from tests.conftest import HandClock
from tests.sessions.tapping import recorded, texts


def frame(payload: bytes) -> bytes:
    """A server's text frame."""
    return b"\x81\x7f" + len(payload).to_bytes(8) + payload


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal.create(tmp_path / "r.jsonl", "tap")
    yield made
    made.close()


def watch(session: int = 1) -> Watch:
    return Watch(session, "", Masks())


def written(journal: Journal) -> list[Record]:
    journal.flush()
    assert journal.path is not None
    return recorded(journal.path)


async def test_nothing_is_read_before_the_loop_has_had_its_turn(journal: Journal, clock: HandClock) -> None:
    scribe = Scribe(journal, clock)
    scribe.copy(watch(), Direction.SERVER, frame(b"one"))
    assert journal.count == 0
    await scribe.drained()
    assert texts(written(journal), Direction.SERVER) == [b"one"]


async def test_times_are_those_of_the_copy_and_the_order_is_that_of_the_wire(
    journal: Journal, clock: HandClock
) -> None:
    scribe, first, second = Scribe(journal, clock), watch(1), watch(2)
    for one, words in ((first, b"a"), (second, b"b"), (first, b"c")):
        scribe.copy(one, Direction.SERVER, frame(words))
        clock.move(1.0)
    scribe.add(Record(2, Direction.LOCAL, Kind.LOST, 0, 9.0, b""), Masks())
    await scribe.drained()
    found = written(journal)
    assert [(one.session, one.payload, one.elapsed) for one in found] == [
        (1, b"a", 0.0),
        (2, b"b", 1.0),
        (1, b"c", 2.0),
        (2, b"", 9.0),
    ]


@pytest.mark.parametrize("piece", [1 << 18, 1 << 14, 999])
async def test_a_large_message_is_read_whole_and_what_follows_waits_for_it(
    journal: Journal, clock: HandClock, piece: int
) -> None:
    scribe, one, other = Scribe(journal, clock), watch(1), watch(2)
    large = bytes(range(97, 122)) * 40_000
    data = frame(large) + frame(b"after")
    for start in range(0, len(data), piece):
        scribe.copy(one, Direction.SERVER, data[start : start + piece])
    scribe.copy(other, Direction.SERVER, frame(b"another"))
    await scribe.drained()
    assert texts(written(journal), Direction.SERVER) == [large, b"after", b"another"]


@pytest.mark.parametrize(
    "payload",
    [
        b"plain \\ words\n" * 20_000,
        "más \u202e \x1b \x7f 🙂".encode() * 20_000,
        b"\xff\x00binary" * 60_000,
        b"",
    ],
    ids=["ascii", "text", "binary", "empty"],
)
def test_a_line_in_pieces_is_the_line(payload: bytes) -> None:
    record = Record(3, Direction.SERVER, Kind.TEXT, 5, 1.5, payload, {"wire": 9, "problem": '"raw":'})
    pieces = line_in_pieces(record, 42)
    assert b"".join(pieces) == to_line(record, 42)
    assert [piece.endswith(b"\n") for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert max(map(len, pieces)) <= 6 * (1 << 18)


async def test_passing_on_has_its_turn_between_slices(journal: Journal, clock: HandClock) -> None:
    scribe, one = Scribe(journal, clock), watch()
    many = frame(b"x" * 20) * 50_000
    scribe.copy(one, Direction.SERVER, many)
    turns = 0
    while journal.count < 50_000:
        await asyncio.sleep(0)
        turns += 1
    assert turns > 20  # it came back to the loop again and again


async def test_too_much_waiting_asks_for_less_and_room_is_told(
    journal: Journal, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FULL_BYTES", 1_000)
    monkeypatch.setattr(module, "_ROOM_BYTES", 100)
    scribe, one, said = Scribe(journal, clock), watch(), list[str]()
    scribe.on_full = lambda: said.append("full")
    scribe.on_room = lambda: said.append("room")
    for _ in range(3):
        scribe.copy(one, Direction.SERVER, frame(b"x" * 600))
    assert said == ["full"]
    assert scribe.is_full
    await scribe.drained()
    assert said == ["full", "room"]
    assert journal.count == 3


async def test_after_a_failed_write_nothing_more_is_written_and_nothing_raises(
    journal: Journal, clock: HandClock
) -> None:
    from sessions.errors import RecordingError

    scribe, one = Scribe(journal, clock), watch()
    journal.failure = RecordingError("the disk is full")
    scribe.copy(one, Direction.SERVER, frame(b"lost"))
    await scribe.drained()
    journal.failure = None
    assert written(journal) == []
