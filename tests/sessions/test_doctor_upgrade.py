"""The doctor's checks of the upgrade: slow, answered by what is no HTTP, or dependent on a header."""

from __future__ import annotations

import asyncio

from sessions.doctor.result import Outcome
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run
from tests.sessions.test_doctor_reach import GROUP, accepted, against, bad, bench_to
from tests.sessions.wire_servers import raw_server


async def test_a_slow_upgrade_is_told() -> None:
    results = await against("slow-upgrade:2.1", ids=("B07", "B21"), **{})
    assert results["B07"].outcome is Outcome.FAIL  # this bench waits one second only
    async with FakeServer(Options(seed=1, faults=("slow-upgrade:2.1",))) as server:
        results = await run(bench_at(server), "B07", "B21")
    assert results["B21"].outcome is Outcome.WARN
    assert "upgrade" in results["B21"].remedy


async def test_what_is_no_http_is_one_failure() -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(64)
        writer.write(b"\x00\xff\x1b[2J\r\n\r\n")
        await writer.drain()

    async with raw_server(garbage) as port:
        results = await run(bench_to(port), *GROUP)
    assert bad(results) == {"B07"}
    assert results["B07"].failure_class == "protocol"
    assert "\x1b" not in repr(results)
    assert results["B12"].outcome is Outcome.INFO


async def test_a_header_that_changes_the_answer_is_told() -> None:
    async def wants_beta(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"OpenAI-Beta" in head:
            writer.write(accepted(head))
            await reader.read(1 << 16)
        else:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with raw_server(wants_beta) as port:
        results = await run(bench_to(port), "B07", "B16")
    assert results["B16"].outcome is Outcome.WARN
    assert "needs" in results["B16"].remedy


async def test_a_subprotocol_that_is_needed_or_not_offered_is_told() -> None:
    async def wants_protocol(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"openai-beta.responses.v1" in head:
            writer.write(accepted(head, b"Sec-WebSocket-Protocol: openai-beta.responses.v1\r\n"))
            await reader.read(1 << 16)
        else:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async def selects_unasked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(accepted(head, b"Sec-WebSocket-Protocol: realtime\r\n"))
        await reader.read(1 << 16)

    async with raw_server(wants_protocol) as port:
        results = await run(bench_to(port), "B07", "B17")
    assert results["B17"].outcome is Outcome.FAIL
    assert "openai-beta.responses.v1" in results["B17"].remedy
    async with raw_server(selects_unasked) as port:
        results = await run(bench_to(port), "B07", "B17")
    assert results["B17"].outcome is Outcome.FAIL
    assert "only when the client offers" in results["B17"].remedy
