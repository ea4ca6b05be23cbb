"""`send --from` and `fake --from` against each other: what was recorded is played, and has the same shape."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sessions.cli import main
from sessions.commands.rehearsal import Rehearsal
from sessions.commands.script_file import client_frames, read_script
from sessions.commands.send import VERB
from sessions.commands.sending import Sending
from sessions.commands.fake import VERB as FAKE
from sessions.errors import Damaged, RecordingError, UsageError
from sessions.recording import Recording
from sessions.records import Record
from sessions.script import Script, read
from sessions.wire.fake import FakeServer
from sessions.wire.scenarios.answers import SCENARIOS
from sessions.wire.scenarios.options import Options
from tests.sessions.fake_client import connected, serving
from tests.make import Wire

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
