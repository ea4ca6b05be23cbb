"""The doctor against a server that it shares no code with: one cause is one failure, under its own id."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sessions.doctor.battery import Battery, every_check, most_serious, with_needs
from sessions.doctor.bench import Bench
from sessions.doctor.check import Cost
from sessions.doctor.report import Examination, as_json, examination, plain
from sessions.doctor.result import Outcome, Result
from sessions.secret import Secret
from sessions.wire.endpoint import derive
from sessions.wire.plan import Plan
from tests.sessions.doctor_bench import KEY
from tests.sessions.rough_server import MODEL, rough_server

#: habit -> the checks that fail or warn, with a word of the evidence of the first
TABLE: tuple[tuple[str, set[str], str], ...] = (
    ("", set(), ""),
    ("html of the edge", {"B07", "B13"}, "403"),
    ("elsewhere", {"B07", "B10"}, "404"),
    ("throttled", {"B20"}, "429"),
    ("refused later", {"B20"}, "403"),
    ("closed at once, every third", {"B20"}, "1008"),
    ("lost at its first message, every third", {"B20"}, "1011"),
    ("cut, every third", {"D01"}, "were cut"),
    ("key in a header", {"G05"}, "X-Seen"),
    ("key in errors", {"G05"}, "a message"),
    ("key in the refusal", {"B07", "B12", "G05"}, "401"),
    ("any key", {"G02"}, "wrong key"),
    ("late refusal", {"G01", "G02"}, "the upgrade is accepted"),
    ("closed by bad JSON", {"C04"}, "1011"),
    ("the beta header is needed", {"B07", "B16"}, "400"),
    ("a subprotocol is needed", {"B07", "B17"}, "400"),
    ("closed by lists", {"C05"}, "[1, 2]"),
    ("closed by unknown types", {"C06"}, "1003"),
    ("errors twice", {"C08"}, "2 times"),
    ("closed without a model", {"C09"}, "without model"),
    ("objects as deltas", {"D07"}, "object delta"),
    ("items unannounced", {"D08"}, "never announced"),
    ("calls lost", {"E07"}, "does not know the call"),
    ("input twice", {"E08"}, "tokens in, then"),
    ("later warm-ups generate", {"E11"}, "produced output"),
    ("closed by errors", {"C04"}, "1000"),
    ("text as error", {"C02"}, "string"),
    ("no codes", {"C01"}, "code none"),
    ("paths in errors", {"C12"}, "/srv/app"),
    ("parents ignored", {"C01"}, "nobody made"),
    ("context lost", {"E02"}, "it should say"),
    ("late events", {"D04"}, "after the response had ended"),
    ("one turn a socket", {"D01"}, "after one turn"),
    ("silent after one turn", {"D15"}, "second create"),
    ("busy for a while", {"F03", "F04"}, "in progress"),
    ("the newest only", {"F05"}, "replaced"),
    ("1 MiB at most", {"F01"}, "1009"),
    ("call ids change", {"D10"}, "id changed"),
    ("refusals as failed responses", {"C01"}, "failed response"),
    ("an envelope around events", {"D13"}, "inside another object"),
    ("events in a list", {"C01", "D01"}, "its keys are kind, events"),
    ("every error twice", {"C08"}, "2 times"),
    ("one id for all", {"D10"}, "are both resp_"),
    ("forgets what is not stored", {"E01"}, "the continuation was refused"),
    ("arguments cut at the end", {"D09"}, "differs from"),
    ("another model", {"D17"}, "small-3"),
    ("tools dropped", {"D17"}, "one tool was sent"),
    ("no deltas", {"D12"}, "without a delta"),
    ("ASCII only", {"D16"}, "question marks"),
    ("Latin-1", {"D16"}, "Latin-1"),
    ("no limit", {"D14"}, "40 were allowed"),
)


def bench_to(base_url: str, **given: Any) -> Bench:
    plan = replace(Plan(derive(base_url), key=Secret(KEY), profile="openai"), open_timeout_seconds=5.0)
    return Bench(plan, model=MODEL, pace=0.01, environ={}, patience_seconds=1.0, **given)


async def examined(habit: str, **given: Any) -> tuple[Battery, Examination]:
    async with rough_server(habit) as base_url:
        # megabytes take their time, and say nothing about another habit
        is_about_size = habit in ("", "1 MiB at most", "closed at once, every third")
        checks = [one for one in every_check() if is_about_size or one.id not in ("F01", "F02")]
        battery = Battery(bench_to(base_url), checks, **given)
        async for _ in battery.run():
            pass
    return battery, examination(battery)


def bad_of(found: Examination) -> dict[str, Result]:
    return {one.id: one for one in found.ordered if one.outcome.is_bad}


@pytest.mark.parametrize(("habit", "ids", "words"), TABLE, ids=[row[0] or "none" for row in TABLE])
async def test_one_cause_is_one_failure(habit: str, ids: set[str], words: str) -> None:
    battery, found = await examined(habit)
    bad = bad_of(found)
    bounds = {one.id: one.tokens + one.at_risk for one in battery.checks}
    if habit not in ("input twice", "one id for all"):  # whose defect is that it costs more
        assert [one.id for one in found.results if one.tokens > bounds[one.id]] == []
        assert found.tokens <= battery.estimate.tokens
    assert set(bad) == ids, {one.id: one.evidence for one in bad.values()}
    assert all(one.evidence and one.remedy and one.who != "nobody" for one in bad.values())
    if bad:
        assert words in next(iter(bad.values())).evidence
    assert KEY not in plain(found)
    assert KEY not in str(as_json(found))


async def test_a_lease_that_is_never_given_back_is_found() -> None:
    async with rough_server("a lease for each turn") as base_url:
        bench = bench_to(base_url, costs=frozenset(Cost))
        results = {one.id: one async for one in Battery(bench, with_needs(["F14"])).run()}
    assert results["F14"].outcome is Outcome.FAIL
    assert "turn 16 of 20" in results["F14"].evidence


async def test_a_cancelled_answer_that_goes_on_is_found() -> None:
    async with rough_server("cancelled answers go on") as base_url:
        bench = bench_to(base_url, is_deep=True)
        results = {one.id: one async for one in Battery(bench, with_needs(["F13"])).run()}
    assert results["F13"].outcome is Outcome.FAIL
    assert results["F13"].findings


async def test_a_failed_upgrade_stands_aside_for_the_check_that_says_why() -> None:
    _, found = await examined("html of the edge")
    results = {one.id: one for one in found.results}
    assert results["B07"].cause == "B13"
    assert [one.id for one in most_serious(found.results)] == ["B13"]
    assert "(see B13)" in plain(found)
    assert results["B09"].outcome is results["B10"].outcome is Outcome.SKIP, "no other cause is sought"


async def test_a_route_found_elsewhere_is_examined() -> None:
    _, found = await examined("elsewhere")
    results = {one.id: one for one in found.results}
    assert "--url" in results["B10"].remedy
    assert results["D01"].outcome is Outcome.PASS


async def test_sockets_that_are_lost_by_chance_are_counted_once_and_the_rest_is_examined() -> None:
    _, found = await examined("closed at once, every third")
    results = {one.id: one for one in found.results}
    assert "sockets were refused or lost" in results["B20"].evidence
    assert results["D01"].outcome is Outcome.PASS
    assert results["F01"].outcome is Outcome.PASS


async def test_a_server_that_throttles_is_left_alone() -> None:
    battery, found = await examined("throttled")
    assert battery.bench.opened <= 6, "no more sockets once it has said so"
    results = {one.id: one for one in found.results}
    assert results["D01"].evidence.startswith("follows from B20")


async def test_an_ignored_parent_costs_one_answer() -> None:
    battery, _ = await examined("parents ignored", budget=0)
    began = [turn for turn in battery.bench.inspector.sessions.turns if turn.responses]
    assert len(began) == 1
    assert battery.results["C01"].outcome is Outcome.FAIL


@pytest.mark.parametrize("budget", [0, 60, 200, 700, 1500, 4000])
async def test_a_budget_is_kept(budget: int) -> None:
    battery, found = await examined("", budget=budget)
    assert battery.bench.spent <= budget
    left_out = [one for one in found.results if "do not fit" in one.evidence]
    assert found.is_out_of_budget == bool(left_out and budget)
    assert bool(left_out) == (budget < 1500)


async def test_what_a_server_adds_to_each_create_is_learnt_from_the_first() -> None:
    battery, found = await examined("a prompt of its own", budget=1200)
    turns = [turn for turn in battery.bench.inspector.sessions.turns if turn.responses]
    assert battery.bench.spent <= 1200, len(turns)
    assert found.is_out_of_budget
    unlimited, whole = await examined("a prompt of its own")
    assert unlimited.bench.spent > unlimited.estimate.tokens
    assert "more than it holds" in plain(whole), "the bound that did not hold is told"


async def test_what_follows_from_a_lost_chain_is_laid_to_it() -> None:
    _, found = await examined("forgets what is not stored")
    results = {one.id: one for one in found.results}
    assert results["E10"].outcome is Outcome.SKIP
    assert results["E10"].evidence.startswith("follows from E01")


async def test_wrapped_events_are_read_by_every_check() -> None:
    _, found = await examined("an envelope around events")
    results = {one.id: one for one in found.results}
    assert results["D03"].outcome is Outcome.PASS
    assert "response.completed" in results["D03"].evidence
    assert results["C01"].outcome is Outcome.PASS
