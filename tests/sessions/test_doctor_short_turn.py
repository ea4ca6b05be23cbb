"""The doctor's first turn: silent, without an end, or cut by the shape of its input."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from sessions.doctor import streams, turns
from sessions.doctor.result import Outcome
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests import make
from tests.sessions.doctor_bench import bench_at, run
from tests.sessions.wire_servers import socket_server

ALL = tuple(one.id for one in (*turns.CHECKS, *streams.CHECKS))


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
