"""The doctor's checks of chains: what is carried, by whom it is forgotten, what it costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest

from sessions.doctor import chain
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost
from sessions.doctor.probes import Asked
from sessions.doctor.result import Outcome
from sessions.doctor.rules import RULES
from sessions.profiles import built_in_profiles
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run
from tests.sessions.wire_servers import raw_server

ALL = ("C01", "D01", "D15", *(one.id for one in chain.CHECKS))


async def test_a_clean_server_keeps_chains_as_the_guide_says() -> None:
    async with FakeServer(Options(seed=1, keep_frames=True)) as server:
        bench = bench_at(server)
        results = await run(bench, *ALL)
        generated = sum(
            json.loads(payload)["type"] == "response.in_progress"
            for visit in server.log
            for payload in visit.sent
        )
    outcomes = {one: result.outcome for one, result in results.items()}
    assert [one for one, outcome in outcomes.items() if outcome.is_bad] == []
    passing = ("E01", "E02", "E03", "E04", "E06", "E07", "E09", "E10", "E11")
    assert {one: outcomes[one] for one in passing} == dict.fromkeys(passing, Outcome.PASS)
    assert outcomes["E12"] is Outcome.SKIP
    assert generated == 7  # D01, D15 twice, E10, E01 twice, E04
    assert bench.capabilities | {"end": ""} == {
        "chain": "on its socket",
        "store": "survives a reconnect",
        "warm-up": "yes",
        "compact": "yes",
        "end": "",
    }


async def test_no_check_costs_more_than_it_says() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await run(bench_at(server, is_deep=True, costs=frozenset(Cost)), *ALL)
    bounds = {one.id: one.tokens for one in chain.CHECKS}
    free = {one.id for one in chain.CHECKS if one.cost is Cost.FREE}
    over = [one.id for one in results.values() if one.id in bounds and one.tokens > bounds[one.id]]
    assert [one for one in over if one not in free] == []
    assert results["E05"].outcome is Outcome.PASS
    assert results["E12"].outcome is Outcome.INFO


async def test_a_lost_context_is_found_by_its_word() -> None:
    async with FakeServer(Options(seed=1, faults=("wrong-parent",))) as server:
        bench = bench_at(server)
        results = await run(bench, *ALL)
    assert results["E01"].outcome is Outcome.PASS, "its ids are all in order"
    assert results["E02"].outcome is Outcome.FAIL
    assert results["E02"].findings == ("context-lost",)
    assert results["E04"].evidence.startswith("follows from E02"), "one cause is one failure"
    assert bench.capabilities["chain"] == "context lost"


async def test_a_model_that_says_nothing_back_is_no_lost_context() -> None:
    async with FakeServer(Options(seed=1, scenario="long")) as server:
        results = await run(bench_at(server), *ALL)
    assert results["E02"].outcome is Outcome.WARN
    assert results["E04"].outcome is Outcome.WARN
    assert results["D15"].outcome is Outcome.WARN, "words instead of a call"


@pytest.mark.parametrize(("rules", "outcome"), [("openai", Outcome.INFO), ("openresponses", Outcome.FAIL)])
async def test_a_parent_that_survives_is_judged_by_the_rules(rules: str, outcome: Outcome) -> None:
    async with FakeServer(Options(seed=1, faults=("no-eviction",))) as server:
        results = await run(bench_at(server, rules=RULES[rules]), *ALL)
    assert results["E06"].outcome is outcome
    assert results["E06"].findings == ("no-eviction",)


async def test_a_masked_code_is_found_on_another_socket() -> None:
    async with FakeServer(Options(seed=1, faults=("not-found-masked",))) as server:
        results = await run(bench_at(server), "D01", "E01", "E03")
    assert results["E03"].outcome is Outcome.FAIL
    assert results["E03"].findings == ("parent-error-masked",)


async def test_what_is_not_stored_must_not_be_continued_elsewhere() -> None:
    # this server stores whatever it is told, so the check is told that E01's answer was not
    async with FakeServer(Options(seed=1)) as server:
        bench = bench_at(server)
        await run(bench, "D01")
        bench.facts.notes["unstored"] = bench.facts.turns["short"].response_id
        results = await run(bench, "E03")
    assert results["E03"].outcome is Outcome.FAIL
    assert results["E03"].findings == ("unstored-parent-used",)


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


@pytest.mark.parametrize(("rules", "outcome"), [("openai", Outcome.INFO), ("codex", Outcome.FAIL)])
async def test_a_refused_warm_up_is_judged_by_the_rules(rules: str, outcome: Outcome) -> None:
    async with FakeServer(Options(seed=1, faults=("error-mid-stream@1",))) as server:
        bench = bench_at(server, rules=RULES[rules])
        results = await run(bench, "E10")
    assert results["E10"].outcome is outcome
    assert bench.capabilities["warm-up"] == "no"


async def test_a_warm_up_that_generates_is_billed() -> None:
    async with FakeServer(Options(seed=1)) as server:
        bench = bench_at(server)
        await run(bench, "D01")
    verdict = chain.flaw_of_warm_up(bench, Asked(bench.facts.turns["short"]))
    assert verdict is not None
    assert verdict.outcome is Outcome.FAIL
    assert verdict.findings == ("warmup-generated",)


async def test_without_a_good_turn_no_chain_is_tried() -> None:
    async with FakeServer(Options(seed=1, faults=("close-1011-mid-stream",), keep_frames=True)) as server:
        results = await run(bench_at(server), *ALL)
        creates = sum(len(visit.received) for visit in server.log)
    assert results["E01"].outcome is Outcome.SKIP
    assert results["E10"].outcome is Outcome.SKIP
    assert creates <= 5  # C01, D01, and the two warm-ups of E09


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


async def test_a_parent_refused_because_ids_change_is_laid_to_the_ids_alone() -> None:
    async with FakeServer(Options(seed=1, faults=("ids-change",))) as server:
        results = await run(bench_at(server), "D10", *ALL)
    assert [one.id for one in results.values() if one.outcome.is_bad] == ["D10"]
    for check_id in ("E01", "E04", "E07", "E10"):
        assert results[check_id].outcome is Outcome.SKIP
        assert "follows from D10" in results[check_id].evidence


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
