"""`send --from` and `fake --from` against each other: what was recorded is played, and has the same shape."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sessions.commands import rehearsal
from sessions.commands.rehearsal import Rehearsal
from sessions.commands.script_file import client_frames, read_script
from sessions.commands.send import VERB
from sessions.commands.sending import Sending
from sessions.conversation import Conversation, converse
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.session import Turn
from sessions.settings import load
from sessions.wire.connect import connect
from sessions.wire.fake import FakeServer
from sessions.wire.plan import plan_from
from sessions.wire.scenarios.answers import SCENARIOS
from sessions.wire.scenarios.dialects import DIALECTS
from sessions.wire.scenarios.options import Options

GOLDEN = Path(__file__).parent.parent / "golden"


class Run(NamedTuple):
    """What one run of the verb left."""

    code: int
    lines: list[dict[str, Any]]
    talk: str

    @property
    def differences(self) -> list[tuple[int, str]]:
        """Turn and kind of each difference that was reported."""
        return [(line["turn"], line["what"]) for line in self.lines if line.get("event") == "difference"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home and a key that nobody checks."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-script-key-0123456789")


def parsed(*args: str) -> argparse.Namespace:
    """The arguments of `send`."""
    parser = argparse.ArgumentParser()
    VERB.prepare(parser)
    return parser.parse_args(args)


async def record(server: FakeServer, file: Path, *prompts: str) -> None:
    """Record these turns of a conversation with a server."""
    args = parsed("--base-url", server.base_url, "--model", "gpt-6-astra", "--record", str(file), *prompts)
    async with asyncio.timeout(30):
        await Sending(args, sys.stdin).run()


async def rehearse(server: FakeServer, file: Path, capsys: pytest.CaptureFixture[str], *more: str) -> Run:
    """Play a recording's client half against a server."""
    args = parsed("--base-url", server.base_url, "--from", str(file), "--silence", "8", "--no-record", *more)
    script = read_script(str(file))
    capsys.readouterr()
    async with asyncio.timeout(30):
        code = await Rehearsal(args, script, client_frames(script, str(file))).run()
    out, talk = capsys.readouterr()
    return Run(int(code), [json.loads(line) for line in out.splitlines()], talk)


def played(file: Path) -> Options:
    """A fake server that plays this recording at full speed."""
    return Options(script=read_script(str(file)), pace="max")


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "flood"])
async def test_every_scenario_survives_the_round(
    scenario: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.jsonl"
    async with FakeServer(Options(seed=5, scenario=scenario)) as server:
        await record(server, file, "Say a little", "And more")
    async with FakeServer(played(file)) as server:
        run = await rehearse(server, file, capsys)
    assert not [visit.crash for visit in server.log if visit.crash]
    assert run.differences == [], run.talk
    assert run.code == 0, run.talk
    assert run.lines[-1]["compared"] == len(read_script(str(file)).exchanges) > 0


@pytest.mark.parametrize("golden", sorted(GOLDEN.glob("*.jsonl")), ids=lambda path: path.stem)
async def test_every_golden_recording_survives_the_round(
    golden: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FakeServer(played(golden)) as server:
        run = await rehearse(server, golden, capsys)
    assert not [visit.crash for visit in server.log if visit.crash]
    assert run.differences == [], run.talk
    assert run.code == 0, run.talk


FAULTS = [
    "426", "401", "403", "404", "429", "500", "503", "http-200",
    "1008-after-101", "1009", "close-1000-mid-stream", "close-1001-mid-stream", "close-1011-mid-stream",
    "close-1012-mid-stream", "close-1013-mid-stream", "close-4001-mid-stream", "abort-mid-stream:rst",
    "abort-mid-stream:fin",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
async def test_refusals_and_endings_are_played_too(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.jsonl"
    async with FakeServer(Options(seed=5, faults=(fault,))) as server:
        await record(server, file, "Say a little, please, in many words", "And more")
    async with FakeServer(played(file)) as server:
        run = await rehearse(server, file, capsys)
    assert run.differences == [], run.talk
    assert run.code == 0, run.talk
    monkeypatch.setattr(rehearsal, "TRAILING_SECONDS", 0.2)
    async with FakeServer(Options()) as server:
        healthy = await rehearse(server, file, capsys)
    assert healthy.code == 1, healthy.talk
    assert healthy.differences


@pytest.mark.parametrize("dialect", list(DIALECTS))
async def test_every_dialect_survives_the_round(
    dialect: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.jsonl"
    async with FakeServer(Options(seed=5, dialect=dialect)) as server:
        await record(server, file, "Say a little", "And more")
    async with FakeServer(played(file)) as server:
        run = await rehearse(server, file, capsys)
    assert run.differences == [], run.talk
    assert run.code == 0, run.talk


@asynccontextmanager
async def recorded_talk(server: FakeServer, file: Path) -> AsyncIterator[tuple[Conversation, Inspector]]:
    """A recorded conversation in which a test says what it likes."""
    inspector = Inspector(Recording.create(file))
    plan = plan_from(load({"base_url": server.base_url}, {"OPENAI_API_KEY": "sk-x-0123456789"}))
    async with asyncio.timeout(30), converse(connect(plan), inspector, 1, 8) as talk:
        yield talk, inspector
    inspector.recording.close()


def create(text: str | list[dict[str, Any]], **fields: Any) -> str:
    """A create as JSON."""
    return json.dumps({"type": "response.create", "model": "gpt-6-astra", "input": text, **fields})


TOOL = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def begun(talk: Conversation, inspector: Inspector, frame: str) -> Turn:
    """Send a create and return its turn, while the answer still runs."""
    await talk.send(frame)
    while not inspector.sessions.turns or not inspector.sessions.turns[-1].response_id:
        await talk.listen(0.05)
    return inspector.sessions.turns[-1]


async def tool_call(talk: Conversation, inspector: Inspector) -> None:
    """Two calls of a tool, answered, and a warm-up before them."""
    await talk.ask(create("", generate=False))
    first = await talk.ask(create("What is the weather in Oslo? call get_weather", tools=[TOOL]))
    assert first is not None
    assert first.response is not None
    for _ in range(2):
        (call,) = first.response.calls
        output = [{"type": "function_call_output", "call_id": call.call_id, "output": "cold"}]
        parent = first.response_id
        again = await talk.ask(create(output, previous_response_id=parent, tools=[TOOL]))
        assert again is not None
    assert [turn.status.value for turn in inspector.sessions.turns].count("completed") >= 3


async def lanes(talk: Conversation, inspector: Inspector) -> None:
    """Three lanes at once, two turns each."""
    for name in ("a", "b", "c"):
        await talk.send(create(f"Speak of {name} at length", stream_id=name))
    for turn in list(inspector.sessions.turns):
        await talk.finish(turn)
    for turn in list(inspector.sessions.turns):
        await talk.send(create("More", stream_id=turn.lane, previous_response_id=turn.response_id))
    for turn in inspector.sessions.turns:
        await talk.finish(turn)
    assert len(inspector.sessions.turns) == 6


async def steer(talk: Conversation, inspector: Inspector) -> None:
    """A steer in mid-answer, its successor, and one that comes too late."""
    turn = await begun(talk, inspector, create("/long 300"))
    target = turn.response_id
    await talk.send(
        json.dumps({"type": "response.steer", "previous_response_id": target, "input": "Shorter."})
    )
    await talk.finish(turn)
    while len(inspector.sessions.turns) < 2:
        await talk.listen(0.05)
    await talk.finish(inspector.sessions.turns[1])
    await talk.send(json.dumps({"type": "response.steer", "previous_response_id": target, "input": "Late."}))
    await talk.listen()
    assert [turn.status.value for turn in inspector.sessions.turns] == ["incomplete", "completed"]


async def mistakes(talk: Conversation, inspector: Inspector) -> None:
    """Frames that are refused, and a turn between them."""
    await talk.send("no JSON")
    await talk.listen()
    await talk.send(json.dumps({"type": "response.nonsense"}))
    await talk.listen()
    await talk.ask(create("Hello"))
    await talk.ask(create("Hello", previous_response_id="resp_of_nobody_000000"))
    await talk.send(b"binary")
    await talk.listen()
    assert inspector.sessions.sessions[1].errors == 3


async def leaving(talk: Conversation, inspector: Inspector) -> None:
    """A client that goes in mid-answer."""
    await begun(talk, inspector, create("/long 300"))
    await talk.close(1000, "enough")


async def queued(talk: Conversation, inspector: Inspector) -> None:
    """Three creates on one lane before the first is answered."""
    for number in range(3):
        await talk.send(create(f"Number {number}"))
    for turn in inspector.sessions.turns:
        await talk.finish(turn)


async def age(talk: Conversation, inspector: Inspector) -> None:
    """A socket that is ended for its age, between two turns."""
    await talk.ask(create("Hello"))
    while not talk.session.phase.is_over:
        await talk.listen(0.2)
    assert talk.session.failure is not None


TALKS = (tool_call, lanes, steer, mistakes, leaving, queued, age)


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.__name__)
async def test_every_kind_of_conversation_survives_the_round(
    talk: Callable[[Conversation, Inspector], Awaitable[None]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "run.jsonl"
    options = Options(
        seed=5, rate=3000 if talk in (steer, leaving, lanes) else 0, age_limit=0.5 if talk is age else None
    )
    async with FakeServer(options) as server, recorded_talk(server, file) as (conversation, inspector):
        await talk(conversation, inspector)
    async with FakeServer(played(file)) as server:
        run = await rehearse(server, file, capsys)
    assert not [visit.crash for visit in server.log if visit.crash]
    assert run.differences == [], run.talk
    assert run.code == 0, run.talk
    assert "no counterpart" not in run.talk
    assert "did not come" not in run.talk
