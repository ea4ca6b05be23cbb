"""The doctor's checks of sizes: free, bracketed, and told honestly or not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection

from sessions.doctor.result import Outcome
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run
from tests.sessions.test_doctor_limits import serving


async def test_size_is_tried_for_free() -> None:
    async with FakeServer(Options(seed=1, keep_frames=True)) as server:
        await run(bench_at(server), "C01", "F01")
        generated = [visit.response_ids for visit in server.log if visit.response_ids]
    assert generated == []


async def test_a_limit_is_bracketed_and_told_honestly() -> None:
    async with FakeServer(Options(seed=1, dialect="localai")) as server:
        bench = bench_at(server)
        results = await run(bench, "C01", "F01", "F02")
    assert results["F01"].outcome is Outcome.INFO
    assert results["F02"].outcome is Outcome.PASS
    assert bench.capabilities["frame limit"] == "more than 4 MiB, less than 15.5 MiB"


@pytest.mark.parametrize(
    ("limit", "outcome", "words"),
    [
        (100_000, Outcome.FAIL, "more than 64 KiB, less than 1 MiB"),
        (2_000_000, Outcome.WARN, "more than 1 MiB, less than 4 MiB"),
    ],
)
async def test_a_small_limit_that_looks_like_a_network_fault_is_found(
    limit: int, outcome: Outcome, words: str
) -> None:
    async def refuse(socket: ServerConnection) -> None:
        async for message in socket:
            if len(message) > limit:
                socket.transport.abort()
                return
            await socket.send(_NOT_FOUND)

    async with serving(refuse) as bench:
        results = await run(bench, "C01", "F01", "F02")
    assert results["F01"].outcome is outcome
    assert words in results["F01"].evidence
    assert results["F02"].outcome is Outcome.WARN
    assert results["F02"].findings == ("too-big-hidden",)


async def test_a_socket_that_would_have_ended_anyway_proves_no_limit() -> None:
    async def hasty(socket: ServerConnection) -> None:
        asyncio.get_running_loop().call_later(_LIFE_SECONDS, socket.transport.abort)
        async for message in socket:
            if len(message) < 1 << 20:
                await socket.send(_NOT_FOUND)

    async with serving(hasty) as bench:
        results = await run(bench, "C01", "F01", "F02")
    assert results["F01"].outcome is Outcome.INFO
    assert "at least 64 KiB; 1 MiB is not known" in results["F01"].evidence
    assert results["F02"].outcome is Outcome.SKIP


async def test_size_is_tried_without_compression_and_a_limit_below_the_first_is_worded() -> None:
    received: list[str] = []

    async def small(socket: ServerConnection) -> None:
        assert socket.request is not None
        received.append(socket.request.headers.get("Sec-WebSocket-Extensions", ""))
        async for message in socket:
            if len(message) > 60_000:
                await socket.close(1009)
                return
            await socket.send(_NOT_FOUND)

    async with serving(small) as bench:
        bench.plan = replace(bench.plan, compression=True)
        results = await run(bench, "C01", "F01")
    assert "deflate" in received[0]
    assert received[-1] == ""
    assert results["F01"].outcome is Outcome.FAIL
    assert results["F01"].remedy.startswith("Messages of 64 KiB already are cut")


_LIFE_SECONDS = 0.2
_NOT_FOUND = json.dumps(
    {
        "type": "error",
        "status": 400,
        "error": {
            "type": "invalid_request_error",
            "code": "previous_response_not_found",
            "message": "Not found.",
            "param": "previous_response_id",
        },
    }
)
