"""The doctor's checks of a turn: a clean server passes, and a buffering hop is found."""

from __future__ import annotations

import json

from sessions.doctor import streams, turns
from sessions.doctor.result import Outcome
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run

ALL = tuple(one.id for one in (*turns.CHECKS, *streams.CHECKS))


async def test_a_clean_server_passes_every_check_of_a_turn() -> None:
    async with FakeServer(Options(seed=1, keep_frames=True)) as server:
        bench = bench_at(server)
        results = await run(bench, *ALL)
        creates = [json.loads(payload) for visit in server.log for payload in visit.received]
    assert {one: result.outcome for one, result in results.items()} == dict.fromkeys(ALL, Outcome.PASS)
    assert bench.capabilities["end"] == "response.completed, response.incomplete"
    assert len(creates) == 4  # D01, D12, and D15 with its answer
    assert all(create["max_output_tokens"] >= 16 for create in creates)


async def test_no_turn_costs_more_than_its_check_says() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await run(bench_at(server), *ALL)
    bounds = {one.id: one.tokens for one in (*turns.CHECKS, *streams.CHECKS)}
    assert [one.id for one in results.values() if one.tokens > bounds[one.id]] == []


async def test_a_buffering_hop_is_found() -> None:
    async with FakeServer(Options(seed=1, faults=("burst:1",))) as server:
        results = await run(bench_at(server), "D12")
    assert results["D12"].outcome is Outcome.WARN
    assert results["D12"].findings == ("burst",)
