"""The doctor's checks of what holds after the upgrade: closed at once, now and then, or not compressed."""

from __future__ import annotations

import asyncio

import pytest

from sessions.doctor.result import Outcome
from tests.sessions.doctor_bench import run
from tests.sessions.test_doctor_reach import accepted, against, bad, bench_to
from tests.sessions.wire_servers import raw_server


async def test_compression_that_is_agreed_and_not_spoken_is_told() -> None:
    async def lies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        offered = b"permessage-deflate" in head
        extra = b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if offered else b""
        writer.write(accepted(head, extra))
        await reader.read(64)
        # the frame says that it is compressed, and is not
        writer.write((b"\xc1" if offered else b"\x81") + b"\x02{}")
        await writer.drain()
        await reader.read(1 << 16)

    async with raw_server(lies) as port:
        results = await run(bench_to(port), "B07", "B18")
    assert results["B18"].outcome is Outcome.WARN


async def test_a_close_right_after_the_upgrade_is_told() -> None:
    async def by_policy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(accepted(head) + b"\x88\x02\x03\xf0")
        await writer.drain()
        await reader.read(1 << 16)

    async with raw_server(by_policy) as port:
        bench = bench_to(port)
        bench.pace = 0.5
        results = await run(bench, "B07", "B19")
    assert results["B19"].outcome is Outcome.FAIL
    assert results["B19"].failure_class == "policy_close"
    assert "1008" in results["B19"].evidence


async def test_a_socket_closed_at_once_is_not_blamed_on_compression() -> None:
    results = await against("1008-after-101")
    assert bad(results) == {"B19"}
    for later in ("B18", "B20"):
        assert "B19 failed" in results[later].evidence


@pytest.mark.parametrize(("good", "outcome"), [(4, Outcome.WARN), (2, Outcome.FAIL)])
async def test_sockets_that_die_now_and_then_are_counted(good: int, outcome: Outcome) -> None:
    seen = 0

    async def now_and_then(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        head = await reader.readuntil(b"\r\n\r\n")
        seen += 1
        writer.write(accepted(head))
        await reader.read(64)
        if 1 < seen <= good + 1:  # the first is the bare upgrade
            body = b'{"type":"error","error":{"code":"previous_response_not_found"}}'
            writer.write(b"\x81" + bytes([len(body)]) + body)
        else:
            writer.write(b"\x88\x02\x03\xf3")
        await writer.drain()
        await reader.read(1 << 16)

    async with raw_server(now_and_then) as port:
        results = await run(bench_to(port), "B07", "B20")
    assert results["B20"].outcome is outcome
    assert f"{5 - good} of 5" in results["B20"].evidence
