"""The relay outlives its screen, whatever ends the screen; on a real terminal, with real processes."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessions.conversation import converse
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.secret import Secret
from sessions.wire.connect import connect
from sessions.wire.control import ask
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer
from sessions.wire.plan import Plan

PATIENCE_SECONDS = 30.0
ROOT = Path(__file__).parents[2]
# The key that plays faster raises: an error that nobody expected, as a person would meet it.
FRAGILE = """
import sys
from tui.cli import main
from tui.screens.replay import ReplayScreen
ReplayScreen.action_faster = lambda self: 1 // 0
sys.exit(main())
"""


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._own, theirs = pty.openpty()
        self.said = b""
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=ROOT, start_new_session=True
        )
        os.close(theirs)

    def read_until(self, words: bytes) -> None:
        """Read until this was written."""
        end = time.monotonic() + PATIENCE_SECONDS
        while words not in self.said:
            assert time.monotonic() < end, self.said[-2_000:]
            self._read(0.1)

    def wait(self) -> int:
        """Read until the program has ended; its exit code."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < end, self.said[-2_000:]
            self._read(0.1)
        self._read(0.2)
        return self.process.returncode

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self._own, keys)

    def hang_up(self) -> None:
        """Close the window."""
        if self._own >= 0:
            os.close(self._own)
            self._own = -1

    def _read(self, seconds: float) -> None:
        if select.select([self._own], [], [], seconds)[0]:
            try:
                self.said += os.read(self._own, 65_536)
            except OSError:  # nobody has the other end any more
                return


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "TERM": "xterm-256color",
        "COLUMNS": "100",
        "LINES": "30",
    }


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "r.jsonl"
    yield path
    if path.exists():
        header = json.loads(path.read_bytes().partition(b"\n")[0])
        try:  # a tap that a failed test left behind
            os.kill(header["pid"], signal.SIGTERM)
        except ProcessLookupError:
            pass


def turnscope(environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "sessions.cli", *words]
    return subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("end", ["killed", "crashed", "hung up"])
async def test_it_goes_on_without_its_screen(path: Path, environ: dict[str, str], end: str) -> None:
    async with FakeServer() as fake:
        words = ["tap", "--upstream", fake.base_url, "--listen", "0", "--record", str(path)]
        terminal = Terminal([sys.executable, "-c", FRAGILE, *words], environ)
        try:
            await asyncio.to_thread(terminal.read_until, f"turnscope attach {path}".encode())
            await asyncio.to_thread(terminal.read_until, b"Nobody has connected yet")
            if end == "killed":
                terminal.process.kill()
            elif end == "crashed":
                terminal.press(b"+")
            else:
                terminal.hang_up()
                terminal.process.send_signal(signal.SIGHUP)
            if end == "hung up":
                await asyncio.to_thread(terminal.process.wait, PATIENCE_SECONDS)
            else:
                code = await asyncio.to_thread(terminal.wait)
                assert code == (-signal.SIGKILL if end == "killed" else 1)
            if end == "crashed":
                assert b"ZeroDivisionError" in terminal.said
        finally:
            if terminal.process.poll() is None:
                terminal.process.kill()
                terminal.process.wait()
            terminal.hang_up()
        status = await asyncio.to_thread(ask, path, "status")
        plan = Plan(derive(status["base_url"]), key=Secret("sk-dummy-123456"))
        async with converse(connect(plan), Inspector(Recording.create(None)), 1, 10) as talk:
            assert await talk.ask('{"type":"response.create","model":"m","input":"hi"}') is not None
        stopped = await asyncio.to_thread(turnscope, environ, "tap", "--stop", str(path))
        assert (stopped.returncode, json.loads(stopped.stdout)["sessions"]) == (0, 1)
    checked = await asyncio.to_thread(turnscope, environ, "check", str(path))
    assert checked.returncode == 0, checked.stdout


def test_a_tap_that_cannot_start_says_why_and_takes_no_terminal(path: Path, environ: dict[str, str]) -> None:
    words = ["tap", "--upstream", "http://127.0.0.1:9/v1", "--listen", "0.0.0.0:0", "--record", str(path)]
    terminal = Terminal([sys.executable, "-m", "tui.cli", *words], environ)
    code = terminal.wait()
    terminal.hang_up()
    assert code == 2
    assert b"add --allow-remote" in terminal.said
    assert b"\x1b[?1049h" not in terminal.said  # the other screen of a terminal
    assert not path.exists()
