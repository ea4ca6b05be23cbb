"""The doctor's checks of liveness: pings, silence, idle limits, a close that is answered."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sessions.doctor import liveness
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost
from sessions.doctor.result import Outcome
from sessions.secret import Secret
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import KEY, bench_at, run


async def test_unanswered_pings_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "_PONG_SECONDS", 0.2)
    async with FakeServer(Options(seed=1, faults=("half-open",))) as server:
        results = await run(bench_at(server), "F07")
    assert results["F07"].outcome is Outcome.FAIL
    assert results["F07"].findings == ("no-pong",)


async def test_a_server_that_answers_all_but_pings_is_no_broken_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(liveness, "_PONG_SECONDS", 0.2)
    async with FakeServer(Options(seed=1, faults=("half-open",))) as server:
        results = await run(bench_at(server), "C01", "F07")
    assert results["F07"].outcome is Outcome.FAIL
    assert results["F07"].who == "proxy"
    assert "a create on this socket is answered" in results["F07"].evidence


async def test_an_idle_limit_is_measured_and_pings_are_tried_against_it() -> None:
    async with FakeServer(Options(seed=1, age_limit=0.1)) as server:
        bench = bench_at(server, costs=frozenset(Cost), pace=0.01)
        results = await run(bench, "F09", "F10", "F08")
    assert results["F08"].outcome is Outcome.INFO
    assert results["F09"].outcome is Outcome.INFO
    assert bench.capabilities["idle"] == "0 s"
    assert results["F10"].outcome is Outcome.FAIL, "this limit is one of age, so that pings change nothing"


async def test_a_socket_that_stays_open_has_no_idle_limit() -> None:
    async with FakeServer(Options(seed=1)) as server:
        bench = bench_at(server, costs=frozenset(Cost), pace=0.001)
        results = await run(bench, "F09", "F10")
    assert bench.capabilities["idle"] == "at least 65 s"
    assert results["F10"].outcome is Outcome.SKIP


async def test_a_close_without_answer_is_found() -> None:
    async with deaf() as bench:
        results = await run(bench, "F12")
    assert results["F12"].outcome is Outcome.WARN
    assert results["F12"].findings == ("close-unanswered",)


def _bench(port: int, **given: Any) -> Bench:
    plan = Plan(derive(f"http://127.0.0.1:{port}/v1"), key=Secret(KEY), profile="openai", compression=False)
    return Bench(plan, **{"model": "m", "pace": 0.01, "environ": {}, "patience_seconds": 2.0, **given})


@asynccontextmanager
async def deaf() -> AsyncIterator[Bench]:
    """A bench at a server that accepts the upgrade, and then only reads."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
        guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        digest = base64.b64encode(hashlib.sha1(key.split(b":")[1].strip() + guid).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + digest + b"\r\n\r\n"
        )
        while await reader.read(1024):
            pass
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield _bench(server.sockets[0].getsockname()[1])
