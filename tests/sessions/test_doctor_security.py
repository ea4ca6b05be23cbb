"""Group G: open doors are found, closed ones pass, and no check puts the key where it does not belong."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sessions.api_key import LOOPBACK_KEY
from sessions.doctor.check import Cost
from sessions.doctor.result import Outcome, Result
from sessions.records import Direction, Kind, Record
from sessions.secret import Secret
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import KEY, bench_at, run
from tests.sessions.test_doctor_reach import accepted, bench_to
from tests.sessions.wire_servers import raw_server

REACHED = ("B01", "B02", "B03", "B06", "B07")
EVERY = frozenset(Cost)


async def results_of(
    *ids: str, faults: tuple[str, ...] = (), given: Any = None, **options: Any
) -> dict[str, Result]:
    async with FakeServer(Options(seed=1, faults=faults, **options)) as server:
        bench = bench_at(server, costs=EVERY)
        for name, value in (given or {}).items():
            setattr(bench, name, value)
        return await run(bench, *REACHED, *ids)


async def test_a_server_that_wants_its_key_passes() -> None:
    results = await results_of("G01", "G02", "G03", "G04", "G05", "G08", "G09", require_key=KEY)
    assert {one.outcome for one in results.values()} <= {Outcome.PASS, Outcome.INFO}
    assert results["G01"].outcome is Outcome.PASS
    assert results["G02"].outcome is Outcome.PASS
    assert results["G09"].outcome is Outcome.PASS


async def test_an_open_server_on_this_machine_is_told() -> None:
    results = await results_of("G01", "G02", auth="none")
    assert results["G01"].outcome is Outcome.INFO
    assert "this machine" in results["G01"].evidence


async def test_any_web_page_can_use_a_server_without_a_key() -> None:
    results = await results_of("G03", auth="none")
    assert results["G03"].outcome is Outcome.FAIL
    assert "web page" in results["G03"].remedy


async def test_a_server_that_wants_any_key_at_all_is_closed_to_web_pages() -> None:
    async with FakeServer(Options(seed=1)) as server:
        bench = bench_at(server, key=Secret(LOOPBACK_KEY), is_key_placeholder=True)
        result = (await run(bench, *REACHED, "G03"))["G03"]
    assert result.outcome is Outcome.PASS
    assert "placeholder" in result.evidence


async def test_a_key_that_only_http_checks_is_found() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"Upgrade: websocket" in head:
            writer.write(accepted(head))
            await reader.read(1 << 16)
            body = b'{"type":"error","error":{"code":"previous_response_not_found"}}'
            writer.write(b"\x81" + bytes([len(body)]) + body)
            await writer.drain()
            await reader.read(1 << 16)
        else:
            status = b"200 OK" if KEY.encode() in head else b"401 Unauthorized"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

    async with raw_server(half) as port:
        results = await run(bench_to(port), *REACHED, "G01", "G02")
    assert results["G02"].outcome is Outcome.FAIL
    assert results["G01"].outcome is Outcome.INFO


async def test_a_key_that_is_looked_at_after_the_parent_is_told_as_late() -> None:
    async def later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        is_known = KEY.encode() in head
        if b"Upgrade: websocket" not in head:
            status = b"200 OK" if is_known else b"401 Unauthorized"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        writer.write(accepted(head))
        frame = await reader.read(1 << 16)
        mask = frame[4:8]
        text = bytes(byte ^ mask[place % 4] for place, byte in enumerate(frame[8:]))
        code = b"previous_response_not_found" if b"previous_response_id" in text else b"invalid_api_key"
        body = b'{"type":"error","error":{"code":"' + code + b'"}}'
        writer.write(b"\x81" + bytes([len(body)]) + body)
        await writer.drain()
        await reader.read(1 << 16)

    async with raw_server(later) as port:
        bench = bench_to(port, compression=False)
        results = await run(bench, *REACHED, "C01", "G02")
    assert results["C01"].outcome is not Outcome.FAIL
    assert results["G02"].outcome is Outcome.WARN
    assert "the first create refused" in results["G02"].evidence


async def test_a_refusal_that_comes_late_is_told() -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(accepted(head))
        await reader.read(1 << 16)
        if KEY.encode() not in head:
            writer.write(b"\x88\x02\x03\xf0")
            await writer.drain()
            await reader.read(1 << 16)

    async with raw_server(late) as port:
        results = await run(bench_to(port), *REACHED, "G01")
    assert results["G01"].outcome is Outcome.WARN


async def test_a_key_in_the_url_that_opens_is_found() -> None:
    async def lax(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"token=" in head.split(b"\r\n")[0] or b"Authorization" in head:
            writer.write(accepted(head))
            await reader.read(1 << 16)
        else:
            writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.read(1 << 16)

    async with raw_server(lax) as port:
        bench = bench_to(port)
        bench.costs = EVERY
        bench.patience_seconds = 0.2
        results = await run(bench, *REACHED, "G04")
    assert results["G04"].outcome is Outcome.WARN
    assert "token" in results["G04"].evidence


async def test_a_key_that_comes_back_is_found_and_not_repeated() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(accepted(head, b"X-Seen: " + KEY.encode() + b"\r\n"))
        await writer.drain()
        await reader.read(1 << 16)

    async with raw_server(echo) as port:
        results = await run(bench_to(port), *REACHED, "G05")
    assert results["G05"].outcome is Outcome.FAIL
    assert "X-Seen" in results["G05"].evidence
    assert KEY not in repr(results)


async def test_another_key_that_reads_a_conversation_is_found() -> None:
    found = await results_of("G06", given={"second_key": Secret("sk-second-key-0815")})
    assert found["G06"].outcome is Outcome.FAIL
    assert "sk-second" not in repr(found)
    kept = await results_of(
        "G06",
        given={"second_key": Secret("sk-second-key-0815")},
        faults=("error-mid-stream:previous_response_not_found",),
    )
    assert kept["G06"].outcome is Outcome.PASS
    assert (await results_of("G06"))["G06"].outcome is Outcome.SKIP


async def test_a_model_that_must_not_be_used_is_found() -> None:
    found = await results_of("G07", given={"forbidden_model": "gpt-5.6"})
    assert found["G07"].outcome is Outcome.FAIL
    kept = await results_of(
        "G07", given={"forbidden_model": "gpt-5.6"}, faults=("error-mid-stream:model_not_found@2",)
    )
    assert kept["G07"].outcome is Outcome.PASS
    assert (await results_of("G07"))["G07"].outcome is Outcome.SKIP


@pytest.mark.parametrize("leak", ["Authorization: Bearer abcdefghijkl", f"key {KEY}"])
async def test_a_recording_that_holds_a_credential_is_found(leak: str) -> None:
    async with FakeServer(Options(seed=1)) as server:
        bench = bench_at(server)
        # past the inspector, which would have masked it
        bench.inspector.recording.append(
            Record(1, Direction.LOCAL, Kind.NOTE, 1, 0.0, leak.encode(), {"note": "leak"})
        )
        results = await run(bench, "G09")
    assert results["G09"].outcome is Outcome.FAIL
    assert KEY not in repr(results)
