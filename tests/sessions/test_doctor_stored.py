"""The doctor's checks of stored answers: not stored at all, and not known on every socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from sessions.doctor import chain
from sessions.doctor.check import Cost
from sessions.doctor.result import Outcome
from sessions.profiles import built_in_profiles
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run

ALL = ("C01", "D01", "D15", *(one.id for one in chain.CHECKS))


async def test_a_server_that_refuses_to_store_is_told() -> None:
    async with FakeServer(Options(seed=1, dialect="codex")) as server:
        bench = bench_at(server)
        results = await run(bench, *ALL)
    assert results["E04"].outcome is Outcome.INFO
    assert bench.capabilities["store"] == "off where nothing is said"
    assert results["E12"].outcome is Outcome.SKIP


async def test_a_profile_that_never_stores_is_not_asked_to() -> None:
    facts = built_in_profiles()["codex"].forecast_facts("codex")
    async with FakeServer(Options(seed=1, dialect="codex", keep_frames=True)) as server:
        bench = bench_at(server, facts=facts)
        results = await run(bench, *ALL)
        creates = [json.loads(payload) for visit in server.log for payload in visit.received]
    assert results["E04"].outcome is Outcome.INFO
    assert bench.capabilities["store"] == "never"
    assert [
        one for one in creates if one["type"] == "response.create" and one.get("store") is not False
    ] == []


async def test_a_replica_that_does_not_know_a_stored_answer_is_found() -> None:
    # D01, E10 and the turn of E04 reach the first server, and so does one of the further sockets
    async with FakeServer(Options(seed=1)) as one, FakeServer(Options(seed=1)) as other:
        async with spread(one, one, one, one, other) as port:
            bench = bench_at(one, endpoint=derive(f"http://127.0.0.1:{port}/v1"))
            results = await run(bench, "D01", "E10", "E04")
    assert results["E04"].outcome is Outcome.WARN
    assert "2 of 3 new sockets" in results["E04"].evidence
    assert "replica" in results["E04"].remedy
    assert bench.capabilities["store"] == "lost on some sockets"


async def test_replicas_are_counted_where_the_first_new_socket_is_refused() -> None:
    # D01 reaches the first server, the socket of E04 the other; then three of the eight of E05 the first
    async with FakeServer(Options(seed=1)) as one, FakeServer(Options(seed=2)) as other:
        for order, outcome, said in (
            ((one, other, *[one] * 3, *[other] * 5), Outcome.FAIL, "3 of 8 new sockets know it"),
            ((one, *[other] * 9), Outcome.SKIP, "follows from E04: no new socket knows it"),
        ):
            async with spread(*order) as port:
                endpoint = derive(f"http://127.0.0.1:{port}/v1")
                bench = bench_at(one, endpoint=endpoint, costs=frozenset(Cost))
                results = await run(bench, "D01", "E04", "E05")
            assert results["E04"].outcome is Outcome.WARN
            assert results["E04"].findings == ("stored-parent-lost",)
            assert (results["E05"].outcome, results["E05"].evidence) == (outcome, said)


async def test_further_sockets_are_only_tried_where_warm_ups_are_free() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await run(bench_at(server), "D01", "E04")
        opened = len(server.log)
    assert results["E04"].outcome is Outcome.PASS
    assert opened == 2


@asynccontextmanager
async def spread(*servers: FakeServer) -> AsyncIterator[int]:
    """The port of a hop that hands each new connection to the next of these servers."""
    waiting = iter(servers)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65_536):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = urlsplit(next(waiting).base_url).port
        upstream, downstream = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.TaskGroup() as group:
            group.create_task(pump(reader, downstream))
            group.create_task(pump(upstream, writer))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as hop:
        yield hop.sockets[0].getsockname()[1]
