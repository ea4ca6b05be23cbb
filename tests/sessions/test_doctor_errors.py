"""The doctor's checks of errors: each finds its fault, and a clean server passes for free."""

from __future__ import annotations

import json

import pytest

from sessions.doctor import errors
from sessions.doctor.result import Outcome
from sessions.doctor.rules import RULES
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


async def test_a_server_that_says_nothing_fails_its_first_check() -> None:
    async with FakeServer(Options(seed=1, faults=("1008-after-101",))) as server:
        results = await run(bench_at(server), "C01")
    assert results["C01"].outcome is Outcome.FAIL
