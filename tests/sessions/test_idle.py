"""Connections between two requests: used again while they are sound, closed by themselves afterwards."""

from __future__ import annotations

import asyncio

import pytest

from sessions.wire import idle
from sessions.wire.clock import SystemClock
from sessions.wire.idle import Idle
from sessions.wire.stream import ByteStream
from tests.sessions.test_stream import Wire


def stream() -> tuple[ByteStream, Wire]:
    """A connection and what was asked of its transport."""
    made, wire = ByteStream(), Wire()
    made.connection_made(wire)
    return made, wire


async def test_the_newest_is_used_first_and_each_once() -> None:
    kept = Idle(SystemClock())
    (one, _), (other, _) = stream(), stream()
    kept.keep(one)
    kept.keep(other)
    assert [kept.take(), kept.take(), kept.take()] == [other, one, None]


@pytest.mark.parametrize("said", [b"HTTP/1.1 408 Request Timeout\r\n\r\n", b""])
async def test_one_on_which_the_other_side_has_spoken_or_ended_is_closed(said: bytes) -> None:
    kept = Idle(SystemClock())
    one, wire = stream()
    kept.keep(one)
    one.data_received(said) if said else one.eof_received()
    assert kept.take() is None
    assert wire.asked[-1] == "abort"


async def test_it_closes_what_is_not_used_for_long() -> None:
    kept = Idle(SystemClock(), seconds=0.0)
    one, wire = stream()
    kept.keep(one)
    async with asyncio.timeout(5):
        await wire.aborted.wait()
    assert wire.asked == ["abort"]


async def test_too_many_are_not_kept_and_none_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "MOST", 2)
    kept = Idle(SystemClock())
    made = [stream() for _ in range(3)]
    for one, _ in made:
        kept.keep(one)
    assert [wire.asked for _, wire in made] == [["abort"], [], []]
    kept.close()
    late, wire = stream()
    kept.keep(late)
    assert len(kept) == 0
    assert [one.asked for _, one in made] == [["abort"]] * 3
    assert wire.asked == ["abort"]
