"""The doctor's checks of what is posted: compaction, with and without items."""

from __future__ import annotations

import asyncio

from sessions.doctor.bench import Bench
from sessions.doctor.result import Outcome
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run
from tests.sessions.wire_servers import raw_server


async def test_a_new_chain_begins_with_what_was_compacted() -> None:
    async with FakeServer(Options(seed=1)) as server:
        deep = await run(bench_at(server, is_deep=True), "D01", "E13", "E14")
        usual = await run(bench_at(server), "D01", "E13", "E14")
    assert deep["E14"].outcome is Outcome.PASS
    assert deep["E14"].suite == ("compact starts a new chain",)
    assert usual["E14"].outcome is Outcome.SKIP


async def test_a_compaction_without_items_is_found() -> None:
    async def without_items(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        body = await reader.readexactly(length)
        status, answer = (b"400 Bad Request", b"{}") if body == b"{}" else (b"200 OK", b'{"output": null}')
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(answer), answer))
        await writer.drain()

    async with raw_server(without_items) as port:
        bench = Bench(Plan(derive(f"http://127.0.0.1:{port}/v1")), model="m", is_deep=True, environ={})
        results = await run(bench, "E13", "E14")
    assert results["E13"].outcome is Outcome.INFO
    assert results["E14"].outcome is Outcome.WARN
    assert results["E14"].remedy
