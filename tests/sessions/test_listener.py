"""The listener: every connection a guest of its own, ended together, and told where it must not listen."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sessions.errors import UsageError
from sessions.wire.endpoint import Endpoint, derive
from sessions.wire.listener import Listener, where_of
from sessions.wire.stream import ByteStream

UPSTREAM = derive("http://127.0.0.1:9/v1")


class Echo:
    """A guest that says what it heard, in capitals, until it is asked to end; some words are a defect."""

    def __init__(self, client: ByteStream) -> None:
        self.client = client
        self.ends: list[str] = []
        self._is_deaf = False

    async def run(self) -> None:
        try:
            while words := await self.client.read_some():
                if words == b"break":
                    raise KeyError("sk-what-a-client-sent")
                self._is_deaf |= words == b"deaf"
                self.client.transport.write(words.upper())
        finally:
            self.client.transport.close()

    def stop(self) -> None:
        self.ends.append("stopped")
        if not self._is_deaf:
            self.client.transport.close()

    def abort(self) -> None:
        self.ends.append("aborted")
        self.client.close()


class House:
    """A listener of echoes, and what it told."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, is_port_fixed: bool = True) -> None:
        self.told: list[str] = []
        self.guests: list[Echo] = []
        self.listener = Listener(
            "house", host, port, self._guest, is_port_fixed=is_port_fixed, on_trouble=self.told.append
        )

    def _guest(self, client: ByteStream) -> Echo:
        self.guests.append(Echo(client))
        return self.guests[-1]


@asynccontextmanager
async def listening(house: House, upstream: Endpoint = UPSTREAM) -> AsyncIterator[House]:
    await house.listener.open(upstream, "http://upstream", is_guarded=False)
    try:
        yield house
    finally:
        await house.listener.close()


async def said(house: House, words: bytes) -> tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.listener.port)
    writer.write(words)
    return await reader.read(100), reader, writer


async def test_every_connection_is_served_by_a_guest_of_its_own() -> None:
    async with listening(House()) as house:
        one, _, first = await said(house, b"one")
        two, _, second = await said(house, b"two")
        assert (one, two) == (b"ONE", b"TWO")
        assert len(house.listener.guests) == 2
        first.close()
        second.close()
        await house.listener.settled(5)
        assert house.listener.guests == set()


async def test_a_defect_ends_one_guest_and_is_told_without_what_was_sent() -> None:
    async with listening(House()) as house:
        _, reader, writer = await said(house, b"well")
        answer, _, broken = await said(house, b"break")
        assert answer == b""
        broken.close()
        writer.write(b"still here")
        assert await reader.read(100) == b"STILL HERE"
        writer.close()
        assert house.guests[1].ends == ["aborted"]
    (told,) = house.told
    assert told.startswith("a connection was dropped by a defect of the house: KeyError in test_listener.py:")
    assert "sk-" not in told


async def test_guests_that_do_not_end_by_themselves_are_ended() -> None:
    async with listening(House()) as house:
        _, willing, first = await said(house, b"hello")
        _, unwilling, second = await said(house, b"deaf")
    assert await willing.read() == b""
    assert await unwilling.read() == b""
    assert [guest.ends for guest in house.guests] == [["stopped"], ["stopped", "aborted"]]
    for writer in (first, second):
        writer.close()


async def test_nobody_is_served_once_it_has_been_stopped() -> None:
    async with listening(House()) as house:
        house.listener.stop()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", house.listener.port)
    assert house.guests == []


@pytest.mark.parametrize("is_port_fixed", [True, False])
async def test_a_port_in_use_is_told_and_another_one_taken_where_none_was_named(is_port_fixed: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        house = House(port=port, is_port_fixed=is_port_fixed)
        if is_port_fixed:
            with pytest.raises(UsageError, match=f":{port}: Address already in use"):
                await house.listener.open(UPSTREAM, "", is_guarded=False)
            return
        async with listening(house):
            assert house.listener.port not in (0, port)
            assert house.told == [
                f"port {port} is in use, so clients find it on port {house.listener.port} this time"
            ]


async def test_what_other_machines_can_reach_needs_a_guard() -> None:
    house = House("0.0.0.0")
    with pytest.raises(UsageError, match=r"0\.0\.0\.0 leads to 0\.0\.0\.0, which other machines can reach"):
        await house.listener.open(UPSTREAM, "", is_guarded=False)
    guarded = House("0.0.0.0")
    await guarded.listener.open(UPSTREAM, "", is_guarded=True)
    assert guarded.listener.origin == f"http://{socket.gethostname()}:{guarded.listener.port}"
    await guarded.listener.close()


async def test_it_does_not_lead_to_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(UsageError, match="the upstream http://shown is this house itself"):
        await House(port=port).listener.open(
            derive(f"http://127.0.0.1:{port}/v1"), "http://shown", is_guarded=False
        )


def test_an_address_is_written_so_that_it_can_be_dialled() -> None:
    assert House("::1", 80).listener.address == "[::1]:80"
    assert House("127.0.0.1", 80).listener.origin == "http://127.0.0.1:80"


def test_where_something_failed_is_told_by_file_and_line() -> None:
    assert where_of(ExceptionGroup("", [ValueError("sk-secret")])) == "ValueError"
