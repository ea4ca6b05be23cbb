"""The doctor's checks of errors: each finds its fault, and a clean server passes for free."""

from __future__ import annotations

import json

import pytest

from sessions.doctor import errors
from sessions.doctor.result import Outcome
from sessions.doctor.rules import RULES
from sessions.profiles import built_in_profiles
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run

ALL = tuple(one.id for one in errors.CHECKS)


async def test_a_clean_server_has_nothing_to_mend_and_generates_nothing() -> None:
    async with FakeServer(Options(seed=1, keep_frames=True)) as server:
        bench = bench_at(server)
        results = await run(bench, *ALL)
        sent = [json.loads(payload)["type"] for visit in server.log for payload in visit.sent]
    assert [one.id for one in results.values() if one.outcome.is_bad] == []
    assert set(results) == set(ALL)
    assert sent.count("error") > 12
    assert {one for one in sent if "output" in one or one == "response.in_progress"} == set()
    assert bench.capabilities == {
        "errors": "wrapped",
        "create": "flat and nested",
        "after an error": "usable",
    }


@pytest.mark.parametrize("code", ["", "not_found"])
async def test_a_masked_code_is_found(code: str) -> None:
    async with FakeServer(Options(seed=1, faults=(f"not-found-masked:{code}",))) as server:
        results = await run(bench_at(server), "C01", "C13")
    assert results["C01"].outcome is Outcome.FAIL
    assert results["C01"].findings == ("parent-error-masked",)
    assert results["C13"].outcome is Outcome.PASS, "the masked refusal serves as well"


@pytest.mark.parametrize(
    ("dialect", "finding", "words"),
    [
        ("codex", "error-status-renamed", "status_code"),
        ("litellm", "error-without-code", "no status, no code"),
        ("localai", "error-without-status", "no status"),
        ("flat-error", "error-flat", "flat"),
        ("xai", "error-untyped", "untyped"),
    ],
)
async def test_the_shape_of_an_error_is_named(dialect: str, finding: str, words: str) -> None:
    async with FakeServer(Options(seed=1, dialect=dialect)) as server:
        bench = bench_at(server)
        results = await run(bench, "C01", "C02", "C03")
    assert results["C02"].outcome.is_bad
    assert finding in results["C02"].findings
    assert bench.capabilities["errors"] == words


async def test_a_known_deviation_is_told_not_held_against() -> None:
    async with FakeServer(Options(seed=1, dialect="xai")) as server:
        forgiving = bench_at(server, profile="xai", rules=RULES["lenient"])
        strict = bench_at(server, profile="xai", rules=RULES["openai"])
        results = [await run(bench, "C01", "C02") for bench in (forgiving, strict)]
    assert [one["C02"].outcome for one in results] == [Outcome.INFO, Outcome.FAIL]


async def test_a_server_that_closes_after_an_error_is_warned_about() -> None:
    async with FakeServer(Options(seed=1, dialect="vercel")) as server:
        bench = bench_at(server)
        results = await run(bench, *ALL)
    assert {one for one, result in results.items() if result.outcome is Outcome.WARN} == {"C04"}
    assert results["C05"].remedy == results["C13"].remedy == "See C04."
    assert "the server closed with 1000" in results["C13"].evidence
    assert bench.capabilities["after an error"] == "closed"


async def test_a_known_habit_is_told_to_the_forgiving() -> None:
    facts = built_in_profiles()["vercel"].forecast_facts("vercel")
    async with FakeServer(Options(seed=1, dialect="vercel")) as server:
        results = await run(bench_at(server, facts=facts, rules=RULES["lenient"]), "C01", "C04", "C13")
    assert {one.outcome for one in results.values()} == {Outcome.PASS, Outcome.INFO}


async def test_a_server_that_falls_silent_after_an_error_is_found() -> None:
    async with FakeServer(Options(seed=1, dialect="codex")) as server:
        results = await run(bench_at(server), "C01", "C13")
    assert results["C13"].outcome is Outcome.WARN
    assert "lost without a close frame" in results["C13"].evidence


async def test_only_nested_parameters_are_read() -> None:
    async with FakeServer(Options(seed=1, dialect="nested")) as server:
        bench = bench_at(server)
        results = await run(bench, "C01", "C10", "C11")
    assert results["C01"].outcome is Outcome.INFO
    assert "See C10" in results["C01"].remedy
    assert results["C10"].outcome is Outcome.WARN
    assert bench.capabilities["create"] == "nested"


async def test_what_follows_is_nested_where_only_nested_parameters_are_read() -> None:
    async with FakeServer(Options(seed=1, dialect="nested")) as server:
        results = await run(bench_at(server), "C01", "C10", "C11", "D01", "E10", "E01", "E02")
    assert [one.id for one in results.values() if one.outcome.is_bad] == ["C10"]
    assert results["D01"].outcome is Outcome.PASS


async def test_an_unknown_message_is_answered_or_ignored() -> None:
    async with FakeServer(Options(seed=1, dialect="localai")) as server:
        answered = await run(bench_at(server), "C01", "C06")
    async with FakeServer(Options(seed=1)) as server:
        ignored = await run(bench_at(server), "C01", "C06")
    assert (answered["C06"].outcome, ignored["C06"].outcome) == (Outcome.PASS, Outcome.INFO)


async def test_without_a_known_refusal_nothing_is_asked_again() -> None:
    async with FakeServer(Options(seed=1)) as server:
        results = await run(bench_at(server), "C10", "C11", "C13")
    assert {one.outcome for one in results.values()} == {Outcome.SKIP}


async def test_a_server_that_says_nothing_fails_its_first_check() -> None:
    async with FakeServer(Options(seed=1, faults=("1008-after-101",))) as server:
        results = await run(bench_at(server), "C01")
    assert results["C01"].outcome is Outcome.FAIL


@pytest.mark.parametrize("name", ["codex", "vercel"])
async def test_a_socket_that_ends_after_an_error_is_a_habit_of_its_profile(name: str) -> None:
    facts = built_in_profiles()[name].forecast_facts(name)
    async with FakeServer(Options(seed=1, dialect=name)) as server:
        results = await run(bench_at(server, facts=facts), "B07", "C01", "C04", "C05", "C13")
        strict = await run(bench_at(server, facts=facts, rules=RULES["openai"]), "B07", "C01", "C04")
    for one in ("C04", "C05", "C13"):
        assert results[one].outcome is Outcome.INFO, results[one]
        assert results[one].evidence
    assert "nothing;" not in results["C04"].evidence
    assert strict["C04"].outcome is Outcome.WARN
