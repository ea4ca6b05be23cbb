"""The doctor's checks of a chain that is not stored: whose it is, and when it is forgotten."""

from __future__ import annotations

import json

import pytest

from sessions.doctor import chain
from sessions.doctor.check import Cost
from sessions.doctor.result import Outcome
from sessions.doctor.rules import RULES
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run

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
