"""One script asked live: clean servers never differ, over either transport, and what ends a side is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sessions.compare.alignment import compare
from sessions.compare.asking import asks_of_prompts
from sessions.compare.run import Party, Run
from sessions.compose import Create
from sessions.contract import FailureClass
from sessions.conversation import Silence
from sessions.errors import ConnectError
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan, Transport
from sessions.wire.scenarios.options import Options

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "name": "get_weather", "description": "The weather.", "parameters": CITY}


async def asked(
    label: str,
    *prompts: str,
    transport: Transport = "ws",
    create: Create | None = None,
    silence_seconds: float = 10.0,
    **options: object,
) -> Run:
    """A script asked of a server with these options."""
    async with FakeServer(replace(Options(auth="none"), **options)) as server:  # type: ignore[arg-type]  # by name
        plan = replace(Plan(derive(server.base_url)), transport=transport)
        answers = {"get_weather": "15 degrees"}
        party = Party(
            label, plan, create or Create(model="m"), answers=answers, silence_seconds=silence_seconds
        )
        run = Run(party, Inspector(Recording.create(None)))
        await run.ask(asks_of_prompts(prompts))
        run.inspector.recording.close()
        return run


@pytest.mark.parametrize("transport", ["ws", "http"])
@pytest.mark.parametrize(
    "prompts",
    [("Hello", "Remember the word plum", "Which word?"), ("/markdown",), ("Weather in Oslo?", "Thanks")],
)
async def test_two_clean_servers_never_differ(prompts: tuple[str, ...], transport: Transport) -> None:
    create = Create(model="m", tools=(WEATHER,))
    one = await asked("A", *prompts, create=create, seed=1)
    other = await asked("B", *prompts, create=create, seed=2, transport=transport)
    comparison = compare(one.side, other.side)
    assert [found.title for found in comparison.differences if found.what != "timing"] == []
    assert len(comparison.pairs) > len(prompts)
    assert (one.error, other.error) == (None, None)


async def test_a_refusal_is_kept_and_nothing_is_asked() -> None:
    run = await asked("A", "Hello", faults=("403",))
    assert isinstance(run.error, ConnectError)
    assert run.error.failure_class is FailureClass.FORBIDDEN
    assert run.side.is_refused
    assert run.side.exchanges == []


async def test_a_socket_that_is_closed_by_policy_at_once_was_refused() -> None:
    run = await asked("A", "Hello", faults=("1008-after-101",))
    assert isinstance(run.error, ConnectError)
    assert run.error.failure_class is FailureClass.POLICY_CLOSE


async def test_silence_ends_a_side_and_the_next_turn_says_so() -> None:
    silent = await asked("B", "Hello", "Hi again", faults=("silence",), silence_seconds=0.2)
    assert isinstance(silent.error, Silence)
    clean = await asked("A", "Hello", "Hi again")
    titles = [one.title for one in compare(clean.side, silent.side).differences]
    assert "only A was asked; at B the turn before never ended" in titles


async def test_a_turn_that_failed_is_not_continued() -> None:
    run = await asked("A", "Remember the word plum", "Hello", "Which word?", faults=("failed@2",))
    parents = [turn.parent for turn in run.inspector.sessions.turns]
    assert parents[1] == parents[2] == run.inspector.sessions.turns[0].response_id
