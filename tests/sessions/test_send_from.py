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

from sessions.cli import main
from sessions.commands import rehearsal
from sessions.commands.rehearsal import Rehearsal
from sessions.commands.script_file import client_frames, read_script
from sessions.commands.send import VERB
from sessions.commands.sending import Sending
from sessions.conversation import Conversation, converse
from sessions.errors import Damaged, RecordingError, UsageError
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Direction, Kind, Record
from sessions.session import Turn
from sessions.settings import load
from sessions.wire.connect import connect
from sessions.wire.fake import FakeServer
from sessions.wire.plan import plan_from
from sessions.wire.scenarios.answers import SCENARIOS
from sessions.wire.scenarios.dialects import DIALECTS
from sessions.wire.scenarios.options import Options
from tests.make import record as made

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


async def test_each_answer_stands_on_a_line_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.jsonl"
    async with FakeServer(Options(seed=5)) as server:
        await record(server, file, "first", "second")
        capsys.readouterr()
        script = read_script(str(file))
        args = parsed("--base-url", server.base_url, "--from", str(file), "--no-record", "--text")
        async with asyncio.timeout(30):
            code = await Rehearsal(args, script, client_frames(script, str(file))).run()
    first, second = capsys.readouterr().out.splitlines()
    assert code == 0
    assert first.startswith("You said “first”")
    assert second.startswith("You said “second”")


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


@pytest.mark.parametrize("talk", [tool_call, lanes, queued, mistakes], ids=lambda talk: talk.__name__)
async def test_ids_are_those_of_a_live_server_that_checks_them(
    talk: Callable[[Conversation, Inspector], Awaitable[None]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "run.jsonl"
    async with (
        FakeServer(Options(seed=5)) as server,
        recorded_talk(server, file) as (conversation, inspector),
    ):
        await talk(conversation, inspector)
    async with FakeServer(Options(seed=6)) as server:
        run = await rehearse(server, file, capsys)
    assert run.differences == [], run.talk
    assert run.code == 0, run.talk
    recorded = {one for exchange in read_script(str(file)).exchanges for one in exchange.response_ids}
    assert not recorded & {turn["response_id"] for turn in run.lines[-1]["turns"]}


async def test_another_answer_is_told_turn_by_turn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.jsonl"
    async with FakeServer(Options(seed=5)) as server:
        await record(server, file, "Say a little", "And more")
    async with FakeServer(Options(faults=("failed@2",))) as server:
        run = await rehearse(server, file, capsys)
    assert run.code == 1
    assert (2, "statuses") in run.differences
    assert {turn for turn, _ in run.differences} == {2}
    assert "turn 2: ended failed instead of completed" in run.talk
    assert run.lines[-1]["differences"] == len(run.differences)
    assert run.lines[-1]["compared"] == 2


async def test_a_frame_leaves_once_and_byte_for_byte_when_no_id_is_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.jsonl"
    odd = '{ "type" : "response.create",  "model":"gpt-6-astra", "input" :"caf\\u00e9 ü", "x": 1.50 }'
    async with FakeServer(Options(seed=5)) as server, recorded_talk(server, file) as (talk, _):
        await talk.ask(odd)
    async with FakeServer(Options()) as server:
        run = await rehearse(server, file, capsys)
        received = list(server.log[0].received)
    assert run.code == 0, run.talk
    assert received == [odd.encode()]


def written(file: Path, *records: Record) -> Path:
    """A recording with these records."""
    recording = Recording.create(file)
    for one in records:
        recording.append(one)
    recording.close()
    return file


def opened(session: int = 1, at: float = 0.0) -> Record:
    """An accepted upgrade."""
    return made(b"", kind=Kind.OPEN, direction=Direction.LOCAL, session=session, at=at)


async def test_masked_secrets_are_not_sent_unless_that_is_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = {"type": "mcp", "server_label": "tides", "server_url": "https://x", "authorization": "***"}
    frame = {"type": "response.create", "model": "gpt-6-astra", "input": "hi", "tools": [tool]}
    meta = {"masked": "mcp authorization"}
    sent = made(frame, direction=Direction.CLIENT, at=1.0, meta=meta)
    file = written(tmp_path / "masked.jsonl", opened(), sent)
    async with FakeServer(Options()) as server:
        with pytest.raises(UsageError, match=r"record 1, a response.create .* masked \(mcp authorization\)"):
            await rehearse(server, file, capsys)
        assert not server.log
        run = await rehearse(server, file, capsys, "--allow-masked")
        assert json.loads(server.log[0].received[0])["tools"][0]["authorization"] == "***"
    assert run.lines[-1]["compared"] == 1


async def test_text_that_no_frame_may_carry_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = made(b"\xff\xfe", direction=Direction.CLIENT, at=1.0)
    file = written(tmp_path / "odd.jsonl", opened(), sent)
    async with FakeServer(Options()) as server:
        with pytest.raises(UsageError, match="not UTF-8"):
            await rehearse(server, file, capsys)


async def test_several_sockets_are_opened_in_their_order_each_with_its_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def create(text: str, at: float, session: int) -> Record:
        body = {"type": "response.create", "model": "gpt-6-astra", "input": text}
        return made(body, direction=Direction.CLIENT, at=at, session=session)

    def answer(name: str, at: float, session: int) -> Record:
        return made(
            {"type": "response.completed", "response": {"id": name, "status": "completed"}},
            at=at,
            session=session,
        )

    file = written(
        tmp_path / "two.jsonl",
        opened(1), opened(4, 0.1), create("one", 1, 4), create("two", 2, 1),
        answer("r1", 3, 4), answer("r2", 4, 1), create("three", 5, 4), answer("r3", 6, 4),
    )  # fmt: skip
    async with FakeServer(played(file)) as server:
        run = await rehearse(server, file, capsys)
    assert run.code == 0, run.talk
    texts = [[json.loads(frame)["input"] for frame in visit.received] for visit in server.log]
    assert texts == [["two"], ["one", "three"]]
    assert {line["conn"] for line in run.lines if "conn" in line} == {1, 4}


async def test_silence_ends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.jsonl"
    async with FakeServer(Options(seed=5)) as server:
        await record(server, file, "Say a little")
    async with FakeServer(Options(faults=("silence",))) as server:
        run = await rehearse(server, file, capsys, "--silence", "0.3")
    assert run.code == 6
    assert "nothing came for 0.3 s while turn 1 was running" in run.talk


async def test_an_endpoint_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FakeServer(Options()) as server:
        pass
    run = await rehearse(server, GOLDEN / "a-plain.jsonl", capsys)
    assert run.code == 3
    assert run.differences == [(1, "unsent")]
    assert "there was no socket" in run.talk


def test_what_cannot_be_played_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        read_script(str(tmp_path / "missing.jsonl"))
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    with pytest.raises(Damaged, match="is empty: no recording"):
        read_script(str(empty))
    with pytest.raises(UsageError, match="no WebSocket session"):
        read_script(str(written(tmp_path / "header.jsonl")))
    unused = str(written(tmp_path / "unused.jsonl", opened()))
    with pytest.raises(UsageError, match="no frames of a client"):
        client_frames(read_script(unused), unused)


def test_damaged_lines_and_http_are_told_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = made(b"GET / HTTP/1.1\r\n\r\n", kind=Kind.REQUEST, direction=Direction.CLIENT, session=2)
    file = written(tmp_path / "mixed.jsonl", opened(), request, request, request)
    with file.open("ab") as lines:
        lines.write(b"not a record\n")
    script = read_script(str(file))
    talk = capsys.readouterr().err
    assert list(script.sessions) == [1]
    assert "line 6: " in talk
    assert "3 HTTP exchanges left out" in talk


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["a prompt"], "leave out the prompts"),
        (["--tools", "x", "--model", "m"], "leave out --tools, --model"),
    ],
)
def test_from_takes_nothing_that_would_shape_a_frame(
    more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["send", "--from", str(GOLDEN / "a-plain.jsonl"), *more]) == 2
    assert said in capsys.readouterr().err


def test_a_dry_run_prints_the_frames_and_opens_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    file = GOLDEN / "b-function-call.jsonl"
    assert main(["send", "--base-url", "http://127.0.0.1:9/v1", "--from", str(file), "--dry-run"]) == 0
    first, second = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (first["turn"], second["turn"], second["after"]) == (1, 2, [1])
    assert json.loads(second["raw"])["previous_response_id"] == "resp_b1"


def test_the_flags_of_from_need_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", "--dry-run", "hi"]) == 2
    assert main(["fake", "--pace", "max"]) == 2
    assert main(["fake", "--from", str(GOLDEN / "a-plain.jsonl"), "--scenario", "demo"]) == 2
    talk = capsys.readouterr().err
    assert "belong to --from FILE" in talk
    assert "--pace belongs to --from" in talk
    assert "leave out --scenario" in talk


async def test_two_programs_play_a_recording_to_each_other(tmp_path: Path) -> None:
    file = str(GOLDEN / "k-lanes.jsonl")
    run = (sys.executable, "-m", "sessions.cli")
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    server = await asyncio.create_subprocess_exec(*run, "fake", "--from", file, **pipes)  # type: ignore[arg-type]  # pipes are ints
    try:
        assert server.stdout is not None
        async with asyncio.timeout(30):
            ready = json.loads(await server.stdout.readline())
            client = await asyncio.create_subprocess_exec(
                *run, "send", "--base-url", ready["base_url"], "--from", file, "--no-record", **pipes,  # type: ignore[arg-type]  # pipes are ints
            )  # fmt: skip
            out, talk = await client.communicate()
    finally:
        server.terminate()
        await server.communicate()
    assert client.returncode == 0, talk
    summary = json.loads(out.splitlines()[-1])
    assert (summary["compared"], summary["differences"]) == (4, 0)
    assert ready["models"] == ["gpt-5.4"]


@pytest.mark.parametrize("golden", ["a-plain", "k-lanes", "l1-steer-interrupts"])
async def test_a_recording_that_was_cut_is_played_as_far_as_it_goes(
    golden: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (GOLDEN / f"{golden}.jsonl").read_bytes().splitlines(keepends=True)
    file = tmp_path / "cut.jsonl"
    file.write_bytes(b"".join(lines[:-6]) + lines[-6][:40])
    async with FakeServer(played(file)) as server:
        run = await rehearse(server, file, capsys)
    assert run.differences == [], run.talk
    assert run.code == 0
    count = sum(line.get("dir") == "server" and line["kind"] == "text" for line in run.lines)
    assert count == sum(b'"dir":"server"' in line for line in lines[:-6])


async def test_a_recording_is_played_on_sockets_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    golden = str(GOLDEN / "a-plain.jsonl")
    argv = ["send", "--base-url", "http://127.0.0.1:9/v1", "--from", golden, "--transport", "http"]
    assert main([*argv, "--record", "run.jsonl"]) == 2
    assert "--from plays frames on sockets" in capsys.readouterr().err
    assert not (tmp_path / "run.jsonl").exists()
