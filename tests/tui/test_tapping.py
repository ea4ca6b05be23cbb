"""The tap that a screen starts: ready, looked at, stopped, left running; and what it says when it cannot."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sessions.cli import Parser
from sessions.commands.tap import VERB
from sessions.conversation import converse
from sessions.errors import SessionsError
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.secret import Secret
from sessions.wire.connect import connect
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan
from tests.sessions.tapping import recorded
from tui.tapping import arguments, start_tap


def parsed(*words: str) -> argparse.Namespace:
    parser = Parser(prog="turnscope tap", allow_abbrev=False)
    VERB.prepare(parser)
    return parser.read(list(words))


@pytest.fixture
async def upstream() -> AsyncIterator[str]:
    async with FakeServer() as fake:
        yield fake.base_url


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


async def test_it_is_ready_relays_and_is_stopped(tmp_path: Path, upstream: str) -> None:
    path = tmp_path / "r.jsonl"
    args = parsed("--upstream", upstream, "--record", str(path), "--listen", "127.0.0.1:0")
    tap = await asyncio.to_thread(start_tap, args)
    try:
        assert (tap.recording, tap.upstream) == (path, upstream)
        assert tap.is_running()
        assert os.getsid(tap.pid) == tap.pid  # no key and no end of this terminal reaches it
        inspector = Inspector(Recording.create(None))
        plan = Plan(derive(tap.base_url), key=Secret("sk-dummy-123456"))
        async with converse(connect(plan), inspector, 1, 10) as talk:
            assert await talk.ask('{"type":"response.create","model":"m","input":"hi"}') is not None
    finally:
        await asyncio.to_thread(tap.stop)
    assert not tap.is_running()
    assert recorded(path)[-1].meta["agrees"] == 1
    assert tap.farewell() == f"turnscope attach {path}\nturnscope tap --stop {path}"


async def test_without_a_file_it_records_to_a_dated_one(tmp_path: Path, upstream: str) -> None:
    tap = await asyncio.to_thread(start_tap, parsed("--upstream", upstream, "--listen", "0"))
    try:
        assert tap.recording.parent == tmp_path / "data" / "turnscope" / "recordings"
    finally:
        os.kill(tap.pid, signal.SIGTERM)
        await asyncio.to_thread(tap.stop)
    assert not tap.is_running()


def test_what_it_says_when_it_cannot_start_is_the_error(tmp_path: Path) -> None:
    with pytest.raises(SessionsError, match="can be reached from other machines; add --allow-remote"):
        start_tap(parsed("--upstream", "http://127.0.0.1:9/v1", "--listen", "0.0.0.0:0"))


def test_every_option_is_written_again() -> None:
    words = [
        *("--upstream", "http://127.0.0.1:9/v1", "--listen", "[::1]:8000", "--record", "f", "--profile", "x"),
        *("--via", "socks5h://127.0.0.1:1", "--ca", "c.pem", "--insecure", "--age-limit", "90.0"),
        *("--open-timeout", "3.0", "--allow-remote", "--token-env", "TOKEN"),
    ]
    assert parsed(*arguments(parsed(*words))) == parsed(*words)
    assert arguments(parsed("--upstream", "u", "--no-proxy")) == ["--upstream", "u", "--no-proxy"]
