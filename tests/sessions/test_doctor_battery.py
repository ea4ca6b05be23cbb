"""The battery: order, dependencies, budget, time limits; every check known and bounded; and the bench."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sessions.doctor.battery import Battery, every_check, in_order, most_serious, with_needs
from sessions.doctor.bench import Bench
from sessions.doctor.check import LEAST_OUTPUT_TOKENS, SUITE, Check, Cost, check
from sessions.doctor.result import Outcome, Result, Verdict, failed, judged, passed, skipped
from sessions.doctor.rules import RULES, rules_for
from sessions.finding import Finding, Severity
from sessions.findings import rules as finding_rules
from sessions.findings.catalogue import CATALOGUE
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import KEY, bench_at, run


@check("B01", "always well", Cost.FREE)
async def well(bench: Bench) -> Verdict:
    """Sends nothing."""
    return passed()


@check("B02", "always ill", Cost.FREE)
async def ill(bench: Bench) -> Verdict:
    """Sends nothing."""
    return failed(f"seen with {KEY}\x1b[2J", "mend it")


@check("C01", "stands on what is ill", Cost.FREE, needs=("B02",))
async def later(bench: Bench) -> Verdict:
    """Sends nothing."""
    return passed()


@check("C02", "stands on what was skipped", Cost.FREE, needs=("C01",))
async def much_later(bench: Bench) -> Verdict:
    """Sends nothing."""
    return passed()


@check("B03", "explains what is ill", Cost.FREE, explains="B02")
async def explaining(bench: Bench) -> Verdict:
    """Sends nothing."""
    return failed("found a way", "go that way", makes_up_for=("B02",))


@check("D01", "paid", Cost.TURNS, turns=1, tokens=100)
async def paid(bench: Bench) -> Verdict:
    """Sends one turn."""
    async with bench.open() as bout:
        turn = await bout.ask(bench.frame())
    return passed(turn.status.value)


@check("D02", "never ends", Cost.FREE, limit_seconds=0.01)
async def endless(bench: Bench) -> Verdict:
    """Sends nothing, for ever."""
    await asyncio.Event().wait()
    return passed()


@pytest.fixture
async def bench() -> Bench:
    """A bench whose server has gone: for checks that send nothing."""
    async with FakeServer(Options(seed=1)) as server:
        return bench_at(server)


async def results_of(bench: Bench, *checks: Check, budget: int | None = None) -> dict[str, Result]:
    battery = Battery(bench, checks, budget=budget)
    return {one.id: one async for one in battery.run()}


async def test_what_stands_on_a_failure_is_skipped_all_the_way_down(bench: Bench) -> None:
    results = await results_of(bench, well, ill, later, much_later)
    assert [one.outcome for one in results.values()] == [
        Outcome.PASS,
        Outcome.FAIL,
        Outcome.SKIP,
        Outcome.SKIP,
    ]
    assert "B02 failed: always ill" in results["C01"].evidence
    assert "B02 failed: always ill" in results["C02"].evidence  # the cause, not the chain to it


async def test_a_way_that_was_found_lifts_the_obstacle(bench: Bench) -> None:
    results = await results_of(bench, ill, explaining, later)
    assert results["C01"].outcome is Outcome.PASS
    untried = await results_of(bench, replace(well, id="B02"), explaining)
    assert untried["B03"].outcome is Outcome.SKIP


async def test_evidence_holds_no_key_and_nothing_that_acts_on_a_terminal(bench: Bench) -> None:
    (result,) = (await results_of(bench, ill)).values()
    assert KEY not in repr(result)
    assert "\x1b" not in result.evidence
    assert result.plain()["failure_class"] is None


async def test_a_check_that_never_ends_fails_by_its_limit(bench: Bench) -> None:
    (result,) = (await results_of(bench, endless)).values()
    assert result.outcome is Outcome.FAIL
    assert "0.01 s" in result.evidence


async def test_a_refusal_inside_a_check_is_its_failure(bench: Bench) -> None:
    (result,) = (await results_of(bench, paid)).values()
    assert result.outcome is Outcome.FAIL
    assert result.failure_class == "tcp"
    assert result.who == "network"


async def test_the_budget_is_kept_and_what_does_not_fit_is_said() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await results_of(bench_at(server), paid, replace(paid, id="D03"), budget=110)
        assert sum(len(visit.response_ids) for visit in server.log) == 1
    assert results["D01"].outcome is Outcome.PASS
    assert 0 < results["D01"].tokens < 100
    assert results["D03"].outcome is Outcome.SKIP
    assert "budget of 110" in results["D03"].evidence


async def test_tokens_that_nobody_counted_are_reckoned_at_their_bound() -> None:
    async with FakeServer(Options(seed=1, faults=("usage-missing",))) as server:
        bench = bench_at(server)
        results = await results_of(bench, paid)
    assert results["D01"].tokens == bench.spent == 100


async def test_silence_is_the_applications_failure() -> None:
    async with FakeServer(Options(seed=1, faults=("silence",))) as server:
        results = await results_of(bench_at(server, patience_seconds=0.2), paid)
        assert sum(len(visit.received) for visit in server.log) == 1  # never sent again
    assert results["D01"].failure_class == "app_silent"


async def test_one_check_can_be_tried_again(bench: Bench) -> None:
    battery = Battery(bench, (well, ill))
    assert [one.id async for one in battery.run()] == ["B01", "B02"]
    again = await battery.try_one(well)
    assert list(battery.results) == ["B02", "B01"]
    assert again.outcome is Outcome.PASS


def test_what_is_free_runs_before_what_costs_and_after_what_it_needs() -> None:
    ordered = in_order(every_check())
    places = {one.id: place for place, one in enumerate(ordered)}
    for one in ordered:
        for earlier in one.follows:
            assert places[earlier] < places[one.id], (one.id, earlier)
    first_paid = min(places[one.id] for one in ordered if one.cost is Cost.TURNS)
    free = [one for one in ordered if one.cost is Cost.FREE and places[one.id] > first_paid]
    known = {one.id: one for one in ordered}

    def stands_on_paid(one: Check) -> bool:
        return any(known[need].cost is Cost.TURNS or stands_on_paid(known[need]) for need in one.follows)

    assert all(stands_on_paid(one) or one.is_last for one in free)
    assert ordered[-1].id == "G09"


def test_every_check_is_told_apart_and_bounded() -> None:
    checks = every_check()
    assert len({one.id for one in checks}) == len({one.name for one in checks}) == len(checks)
    for one in checks:
        assert one.sends.endswith("."), one.id
        assert (one.tokens > 0) >= (one.cost is Cost.TURNS and one.turns > 0), one.id
        assert set(one.findings) <= set(CATALOGUE), one.id
        assert set(one.follows) <= {other.id for other in checks}, one.id
    assert set(SUITE) <= {one.id for one in checks}


def test_a_choice_brings_what_it_stands_on() -> None:
    assert {one.id for one in with_needs(["B07"])} == {"B01", "B02", "B03", "B06", "B07"}
    with pytest.raises(KeyError):
        with_needs(["Z99"])


async def test_an_estimate_is_an_upper_bound(bench: Bench) -> None:
    battery = Battery(bench)
    assert battery.estimate.checks == len(battery.checks)
    assert battery.estimate.tokens == sum(one.tokens + one.at_risk for one in battery.checks) > 0
    assert Battery(bench, budget=7).estimate.tokens == 7
    async with FakeServer(Options(seed=1)) as server:
        real = bench_at(server)
        await run(real)
    assert real.spent <= battery.estimate.tokens


async def test_no_answer_is_limited_to_fewer_than_sixteen_tokens(bench: Bench) -> None:
    assert f'"max_output_tokens":{LEAST_OUTPUT_TOKENS}' in bench.frame().replace(" ", "")
    with pytest.raises(ValueError, match="fewer"):
        bench.frame(max_output_tokens=LEAST_OUTPUT_TOKENS - 1)


def test_the_worst_first_and_the_explanation_before_what_it_explains() -> None:
    def one(check_id: str, outcome: Outcome) -> Result:
        return Result(check_id, check_id, check_id, check_id[0], outcome)

    results = [
        one("B07", Outcome.FAIL)._replace(cause="B09"),
        one("B09", Outcome.FAIL),
        one("A02", Outcome.WARN),
        one("C01", Outcome.PASS),
    ]
    assert [found.id for found in most_serious(results)] == ["B09", "A02"]
    assert [found.id for found in most_serious(results[:1])] == ["B07"], "nobody says why"
    several = [one(name, Outcome.FAIL) for name in ("C02", "D05", "E02", "G05", "D01")]
    several[2] = several[2]._replace(findings=("context-lost",))
    assert [found.id for found in most_serious(several)] == ["D01", "E02", "G05"]


def test_findings_decide_by_the_worst_of_them() -> None:
    def finding(name: str, severity: Severity) -> Finding:
        return Finding(name, severity, 1, (7,), 0, "proxy", f"{name} happened", "twice", "mend", 1)

    some = (finding("a", Severity.NOTE), finding("b", Severity.WARNING), finding("c", Severity.ERROR))
    assert judged(some, ("x",), "well").outcome is Outcome.PASS
    assert judged(some, ("a",)).outcome is Outcome.INFO
    worst = judged(some, ("a", "b", "c"))
    assert worst.outcome is Outcome.FAIL
    assert worst.findings == ("a", "b", "c")
    assert "#7" in worst.evidence
    many = [finding("c", Severity.ERROR)._replace(evidence=str(number)) for number in range(30)]
    assert "1, and 29 more" not in judged(many, ("c",)).evidence
    assert judged(many, ("c",)).evidence.endswith("(#7, 0), and 29 more")
    assert skipped("why").evidence == "why"


def test_rules_have_names_that_findings_know_and_profiles_have_rules() -> None:
    assert set(RULES) == set(finding_rules.NAMES) - {finding_rules.OF_PROFILE}
    assert rules_for("openai").name == "openai"
    assert rules_for("codex").name == "codex"
    assert rules_for("litellm").name == "lenient"
    assert rules_for("litellm", "openresponses").must_evict
    with pytest.raises(KeyError):
        rules_for("openai", "mine")
