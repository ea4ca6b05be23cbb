"""The tap behind a screen: a program of its own that goes on when the screen has gone.

Its one rule: the relay never depends on whoever looks at it. It is started in a session of its own, so that
no key and no end of the terminal reaches it; it is spoken to through its control socket and read from its
file.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from sessions.errors import RecordingError, SessionsError, UsageError
from sessions.exits import Exit
from sessions.wire.control import ask

_READY_SECONDS = 15.0
_LAST_WORDS_SECONDS = 2.0
_SAID_BYTES = 4_096


class RunningTap:
    """A running tap, as whoever started it knows it."""

    def __init__(self, process: subprocess.Popen[bytes], ready: dict[str, Any], said: IO[bytes]) -> None:
        self._process = process
        self._said = said
        self.pid = process.pid
        self.base_url = str(ready["base_url"])  #: for clients; holds the token where there is one
        self.shown_url = ""  #: the same for a screen, the token masked
        self.upstream = str(ready["upstream"])
        self.recording = Path(ready["recording"])

    def __repr__(self) -> str:
        return f"<RunningTap {self.pid} recording to {self.recording}>"

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def last_words(self) -> str:
        """What it said on stderr last; "" when nothing, or when it was stopped from here."""
        return "" if self._said.closed else _words(self._said)

    def stop(self) -> None:
        """Let it write its last records and end, and wait for that; not for the loop of a screen."""
        if self.is_running():
            try:
                ask(self.recording, "stop")
            except UsageError:  # no control socket, or it is ending already
                self._process.terminate()
            self._process.wait(_READY_SECONDS)
        self._said.close()

    def farewell(self) -> str:
        """What to say on leaving it running: how to look at it again, and how to stop it."""
        return f"turnscope attach {self.recording}\n{stop_line(self.recording)}"


def stop_line(recording: Path) -> str:
    """What to run to stop the tap that writes this recording."""
    return f"turnscope tap --stop {recording}"


def start_tap(args: argparse.Namespace) -> RunningTap:
    """Start the tap that a command line asks for and wait until it is ready; not for the loop of a screen.

    Raises RecordingError or UsageError, as it ended, with what it said when it does not become ready.
    """
    # A file takes what it says: a pipe that nobody reads would fill up and hold the relay.
    said = tempfile.TemporaryFile()
    process = subprocess.Popen(
        [sys.executable, "-m", "sessions.cli", "tap", "--headless", *arguments(args)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=said,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as lines:
        ready = _first_line(lines)
    try:
        tap = RunningTap(process, json.loads(ready), said)
    except (ValueError, KeyError, TypeError):
        code = _end(process)
        with said:
            words = _words(said)
        failure = RecordingError if code == Exit.RECORDING else UsageError
        raise failure(words or "the tap did not start") from None
    tap.shown_url = _shown_url(tap)
    return tap


def _words(said: IO[bytes]) -> str:
    """The end of what it said on stderr; the file's place is the tap's own and stays where it is."""
    size = os.fstat(said.fileno()).st_size
    words = (
        os.pread(said.fileno(), _SAID_BYTES, max(0, size - _SAID_BYTES)).decode("utf-8", "replace").strip()
    )
    return words.removeprefix("turnscope: ").removeprefix("turnscope tap: ")


def _end(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a tap that did not become ready; one that hangs is ended."""
    try:
        return process.wait(_LAST_WORDS_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _shown_url(tap: RunningTap) -> str:
    """The base URL as it may be seen, its token masked."""
    try:
        return str(ask(tap.recording, "status")["base_url"])
    except (SessionsError, KeyError):  # without a control socket: nothing that may be a token is shown
        return urlsplit(tap.base_url)._replace(path="/***").geturl()


def arguments(args: argparse.Namespace) -> list[str]:
    """The options of a parsed `turnscope tap`, written again."""
    out: list[str] = []
    for name, flag in _VALUES.items():
        value = getattr(args, name, None)
        if value is not None:
            out += [flag, str(value)]
    if (listen := getattr(args, "listen", None)) is not None:
        host, port = listen
        out += ["--listen", f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
    return out + [flag for name, flag in _SWITCHES.items() if getattr(args, name, None)]


def _first_line(lines: IO[bytes]) -> bytes:
    """What it says first; empty when it says nothing in time or ends."""
    end = time.monotonic() + _READY_SECONDS
    line = b""
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([lines], [], [], max(0.0, end - time.monotonic()))
        more = lines.read1(65_536) if readable else b""  # type: ignore[attr-defined]  # a pipe's reader is buffered
        if not more:
            return b""
        line += more
    return line


_VALUES = {
    "base_url": "--upstream",
    "record": "--record",
    "token_env": "--token-env",
    "profile": "--profile",
    "via": "--via",
    "ca": "--ca",
    "age_limit": "--age-limit",
    "open_timeout": "--open-timeout",
}
_SWITCHES = {"allow_remote": "--allow-remote", "no_proxy": "--no-proxy", "insecure": "--insecure"}
