"""The doctor's judgement of sockets after an error: closed, silent, or known for it."""

from __future__ import annotations

import pytest

from sessions.doctor import errors
from sessions.doctor.result import Outcome
from sessions.doctor.rules import RULES
from sessions.profiles import built_in_profiles
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run

ALL = tuple(one.id for one in errors.CHECKS)


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
