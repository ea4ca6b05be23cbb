"""A dialled stream keeps every byte and waits for the next."""

from __future__ import annotations

import asyncio

import pytest

from sessions.wire.stream import ByteStream


class Wire(asyncio.Transport):
    """A transport that remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.aborted = asyncio.Event()

    def pause_reading(self) -> None:
        """Remember."""
        self.asked.append("pause")

    def resume_reading(self) -> None:
        """Remember."""
        self.asked.append("resume")

    def abort(self) -> None:
        """Remember."""
        self.asked.append("abort")
        self.aborted.set()


@pytest.fixture
def wire() -> Wire:
    """A transport."""
    return Wire()


@pytest.fixture
def stream(wire: Wire) -> ByteStream:
    """A stream on it."""
    stream = ByteStream()
    stream.connection_made(wire)
    return stream


async def test_waits_for_the_next_bytes(stream: ByteStream) -> None:
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(stream.read_some())
        asyncio.get_running_loop().call_soon(stream.data_received, b"abc")
    assert reading.result() == b"abc"
    stream.put_back(b"c")
    assert stream.take() == b"c"


async def test_the_end_is_empty_bytes_and_a_break_is_an_error(stream: ByteStream) -> None:
    stream.data_received(b"last")
    stream.eof_received()
    assert stream.is_ended
    assert await stream.read_some() == b"last"
    assert await stream.read_some() == b""
    stream.connection_lost(ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        await stream.read_some()


async def test_a_full_buffer_pauses_the_transport(stream: ByteStream, wire: Wire) -> None:
    stream.data_received(b"x" * 70_000)
    stream.data_received(b"x" * 70_000)
    assert wire.asked == ["pause"]
    assert len(await stream.read_some()) == 140_000
    assert wire.asked == ["pause", "resume"]


def test_close_drops_at_once(stream: ByteStream, wire: Wire) -> None:
    stream.close()
    assert wire.asked == ["abort"]
    ByteStream().close()
