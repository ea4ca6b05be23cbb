"""The doctor's messages that are no creates: answered, ignored, or the end of the socket."""

from __future__ import annotations

from sessions.doctor.result import Outcome
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.options import Options
from tests.sessions.doctor_bench import bench_at, run


async def test_a_server_that_falls_silent_after_an_error_is_found() -> None:
    async with FakeServer(Options(seed=1, dialect="codex")) as server:
        results = await run(bench_at(server), "C01", "C13")
    assert results["C13"].outcome is Outcome.WARN
    assert "lost without a close frame" in results["C13"].evidence


async def test_an_unknown_message_is_answered_or_ignored() -> None:
    async with FakeServer(Options(seed=1, dialect="localai")) as server:
        answered = await run(bench_at(server), "C01", "C06")
    async with FakeServer(Options(seed=1)) as server:
        ignored = await run(bench_at(server), "C01", "C06")
    assert (answered["C06"].outcome, ignored["C06"].outcome) == (Outcome.PASS, Outcome.INFO)
