"""The doctor's checks of a turn: each finds its fault under its own id, and a clean server passes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from sessions.doctor import turns
from sessions.doctor.result import Outcome
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests import make
from tests.sessions.doctor_bench import bench_at, run
from tests.sessions.wire_servers import socket_server

ALL = tuple(one.id for one in (*turns.CHECKS, *turns.JUDGED))

#: fault -> the check that finds it, under this id
FOUND = (
    ("no-created", "D02", "created-missing"),
    ("double-terminal", "D03", "terminal-doubled"),
    ("after-end", "D04", "event-after-end"),
    ("done-marker", "D04", "done-marker"),
    ("sequence-gap", "D05", "sequence-gap"),
    ("sequence-regress", "D05", "sequence-regress"),
    ("no-sequence", "D05", "sequence-missing"),
    ("unknown-event", "D06", "unknown-type"),
    ("unknown-field", "D06", "unknown-field"),
    ("delta-mismatch", "D09", "text-mismatch"),
    ("ids-change", "D10", "id-changed"),
    ("usage-missing", "D11", "usage-missing"),
    ("non-json", "D13", "not-json"),
    ("json-not-object", "D13", "not-an-object"),
    ("binary", "D13", "binary-frame"),
    ("sse-prefix", "D13", "sse-prefix"),
    ("big-frame:2", "D13", "big-frame"),
    ("big-frame-objects:2", "D13", "heavy-frame"),
    ("fragmented", "D13", "fragmented-message"),
    ("deep-nesting", "D13", "nested-deeply"),
    ("invalid-utf8", "D16", "invalid-utf8"),
    ("lone-surrogates", "D16", "lone-surrogate"),
    ("close-1000-mid-stream", "D01", "closed-normally-in-answer"),
    ("close-1001-mid-stream", "D01", "server-went-away"),
    ("close-1011-mid-stream", "D01", "server-error-close"),
    ("close-1012-mid-stream", "D01", "restart-close"),
    ("close-1013-mid-stream", "D01", "busy-close"),
    ("close-4001-mid-stream", "D01", "private-close"),
    ("abort-mid-stream", "D01", "cut-in-answer"),
    ("1009", "D01", "too-big-close"),
    ("failed", "D01", "turn-failed"),
    ("error-then-failed", "D01", "failure-told-twice"),
    ("error-mid-stream", "D01", "error-in-answer"),
)


async def test_a_clean_server_passes_every_check_of_a_turn() -> None:
    async with FakeServer(Options(seed=1, keep_frames=True)) as server:
        bench = bench_at(server)
        results = await run(bench, *ALL)
        creates = [json.loads(payload) for visit in server.log for payload in visit.received]
    assert {one: result.outcome for one, result in results.items()} == dict.fromkeys(ALL, Outcome.PASS)
    assert bench.capabilities["end"] == "response.completed, response.incomplete"
    assert len(creates) == 4  # D01, D12, and D15 with its answer
    assert all(create["max_output_tokens"] >= 16 for create in creates)
    assert "read_gauge(" in results["D15"].evidence


async def test_no_turn_costs_more_than_its_check_says() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await run(bench_at(server), *ALL)
    bounds = {one.id: one.tokens for one in (*turns.CHECKS, *turns.JUDGED)}
    assert [one.id for one in results.values() if one.tokens > bounds[one.id]] == []


@pytest.mark.parametrize(("fault", "check_id", "finding"), FOUND, ids=[row[0] for row in FOUND])
async def test_a_fault_is_found_under_its_own_id(fault: str, check_id: str, finding: str) -> None:
    async with FakeServer(Options(seed=1, faults=(fault,))) as server:
        results = await run(bench_at(server), "D01", "D16", check_id)
    result = results[check_id]
    assert finding in result.findings
    assert result.outcome not in (Outcome.PASS, Outcome.SKIP)
    assert result.evidence


async def test_a_missing_end_is_found_while_nothing_comes() -> None:
    async with FakeServer(Options(seed=1, faults=("no-terminal",))) as server:
        results = await run(bench_at(server, patience_seconds=0.3), "D01", "D03", "D05", "D12")
    assert results["D01"].outcome is Outcome.FAIL, "it began, and did not end"
    assert "began" in results["D01"].evidence
    assert results["D01"].findings == ("terminal-missing",)
    assert results["D03"].outcome is Outcome.SKIP, "one cause is one failure"
    assert results["D05"].outcome is Outcome.PASS, "what has come is looked at all the same"
    assert results["D12"].outcome is Outcome.SKIP, "another turn would only cost"


async def test_silence_is_found_and_ends_the_group() -> None:
    async with FakeServer(Options(seed=1, faults=("silence",))) as server:
        results = await run(bench_at(server, patience_seconds=0.3), *ALL)
    assert results["D01"].outcome is Outcome.FAIL
    assert results["D01"].findings == ("app-silent",)
    assert {one.outcome for one in results.values() if one.id != "D01"} == {Outcome.SKIP}


async def test_a_buffering_hop_is_found() -> None:
    async with FakeServer(Options(seed=1, faults=("burst:1",))) as server:
        results = await run(bench_at(server), "D12")
    assert results["D12"].outcome is Outcome.WARN
    assert results["D12"].findings == ("burst",)


async def test_another_dialect_is_named_by_its_end_deltas_and_usage() -> None:
    async with FakeServer(Options(seed=1, dialect="llm-interactive-proxy")) as server:
        bench = bench_at(server)
        results = await run(bench, "D01", "D03", "D07", "D11")
    assert results["D03"].findings == ("terminal-renamed",)
    assert results["D07"].findings == ("delta-renamed",)
    assert results["D11"].findings == ("usage-renamed",)
    assert bench.capabilities["end"] == "response.done"


async def test_a_known_deviation_is_told_not_held_against() -> None:
    from sessions.doctor.rules import RULES

    async with FakeServer(Options(seed=1, dialect="xai")) as server:
        forgiving = bench_at(server, profile="xai", rules=RULES["lenient"])
        strict = bench_at(server, profile="xai", rules=RULES["openai"])
        results = [await run(bench, "C01", "C02") for bench in (forgiving, strict)]
    assert [one["C02"].outcome for one in results] == [Outcome.INFO, Outcome.FAIL]


async def test_nothing_is_looked_at_when_no_turn_has_begun() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await run(bench_at(server), "D05", "D03")
    assert {one.outcome for one in results.values()} == {Outcome.SKIP}


@pytest.mark.parametrize("is_listening", [True, False], ids=["takes lists", "takes nothing"])
async def test_a_string_that_ends_the_connection_is_told_from_a_turn_that_does(is_listening: bool) -> None:
    """With lists, what stands on the turn is tried after all; else it is skipped."""
    inputs: list[Any] = []

    async def talk(socket: ServerConnection) -> None:
        async for message in socket:
            body = json.loads(message)
            inputs.append(body["input"])
            if isinstance(body["input"], str) or not is_listening:
                await socket.close(1011, "Internal server error")
                return
            for event in make.answer(f"resp_{len(inputs)}"):
                await socket.send(json.dumps(event))

    async with socket_server(talk) as port:
        async with FakeServer(Options(seed=1)) as unused:
            bench = bench_at(unused, endpoint=derive(f"http://127.0.0.1:{port}/v1"))
        results = await run(bench, "D01", "D02", "D12")
    assert results["D01"].outcome is Outcome.FAIL
    assert results["D01"].findings == ("server-error-close",)
    assert ("as a list of items is answered" in results["D01"].evidence) is is_listening
    assert [type(one) for one in inputs] == [str, list, *[list] * is_listening]
    assert inputs[1][0]["content"] == [{"type": "input_text", "text": inputs[1][0]["content"][0]["text"]}]
    assert results["D02"].outcome is (Outcome.PASS if is_listening else Outcome.SKIP)
    assert bench.lists_input is is_listening
