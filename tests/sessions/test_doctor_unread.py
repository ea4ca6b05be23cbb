"""Frames that cannot be read as events: what came is shown, and nothing is called silent."""

from __future__ import annotations

import pytest
from websockets.asyncio.server import ServerConnection

from sessions.doctor.result import Outcome
from tests.sessions.doctor_bench import run
from tests.sessions.test_doctor_limits import serving


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('{"kind":"batch","events":[]}', "its keys are kind, events"),
        ("{}", "the first is {}"),
        ("ready when you are", "no object: 'ready when you are'"),
    ],
)
async def test_what_came_is_shown_and_not_called_silence(said: str, words: str) -> None:
    async def odd(socket: ServerConnection) -> None:
        async for _ in socket:
            await socket.send(said)

    async with serving(odd) as bench:
        bench.patience_seconds = 0.3
        results = await run(bench, "C01", "C04", "D01")
    for check_id in ("C01", "D01"):
        assert results[check_id].outcome is Outcome.FAIL
        assert words in results[check_id].evidence
        assert "app-silent" not in results[check_id].findings
    assert results["C04"].evidence.startswith("follows from C01")


async def test_a_server_that_says_nothing_is_still_silent() -> None:
    async def mute(socket: ServerConnection) -> None:
        async for _ in socket:
            pass

    async with serving(mute) as bench:
        bench.patience_seconds = 0.3
        results = await run(bench, "C01")
    assert results["C01"].findings == ("app-silent",)
