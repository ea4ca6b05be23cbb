"""The console script: a screen on a terminal, words without one, and no Textual before it is needed."""

from __future__ import annotations

import json
import os
import pty
import select
import shlex
import subprocess
import sys
import time
from pathlib import Path

from tui import keys

PATIENCE_SECONDS = 20.0
NO_TEXTUAL = (
    "import sys, tui.cli; sys.exit(any(name.split('.')[0] in ('textual', 'rich') for name in sys.modules))"
)


def test_importing_the_console_script_loads_no_screen() -> None:
    assert subprocess.run([sys.executable, "-c", NO_TEXTUAL], check=False).returncode == 0


def test_without_a_terminal_one_line_says_what_to_do() -> None:
    for verb in ([], ["demo"], ["connect"]):
        ended = subprocess.run(
            [sys.executable, "-m", "tui.cli", *verb],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert ended.returncode == 2
        assert ended.stdout == ""
        assert "needs a terminal" in ended.stderr
        assert "\x1b" not in ended.stderr


def info(folder: Path, *arguments: str, text: str = "") -> str:
    """What `info` says with this settings file."""
    file = folder / "config.toml"
    file.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "tui.cli", "info", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TURNSCOPE_CONFIG": str(file)},
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_info_lists_every_action_with_its_id_and_the_keys_it_has_now(tmp_path: Path) -> None:
    own = '[keys]\n"session.branch" = "B"\n"write" = "w"\n'
    told = info(tmp_path, "--keys", text=own)
    rows = {line.split()[0]: line.split()[1:] for line in told.splitlines() if line.startswith("  ")}
    assert set(rows) >= {action.id for action in keys.ACTIONS}
    assert rows["session.branch"][:2] == ["B", "(own)"]
    assert rows["session.write"][0] == "i"
    assert "'write' is not an action; did you mean 'session.write'?" in told
    facts = json.loads(info(tmp_path, "--keys", "--json", text=own))["keys"]
    assert len(facts["actions"]) == len(keys.ACTIONS)
    assert len(facts["problems"]) == 1


def test_info_tells_keys_that_cannot_be_used_without_being_asked(tmp_path: Path) -> None:
    told = info(tmp_path, text='[keys]\n"write" = "w"\n')
    assert "'write' is not an action" in told
    assert "session.branch" not in told  # the list is for whoever asks
    assert "cannot be used" not in info(tmp_path)


def test_in_a_terminal_the_demo_opens_and_ctrl_q_leaves_it() -> None:
    process, descriptor = pty.fork()
    if process == 0:
        os.environ.update(
            {"TERM": "xterm-256color", "TURNSCOPE_CONFIG": os.devnull, "COLUMNS": "100", "LINES": "30"}
        )
        os.execv(sys.executable, [sys.executable, "-m", "tui.cli", "demo"])
    seen = b""

    def read_until(needle: bytes) -> None:
        nonlocal seen
        end = time.monotonic() + PATIENCE_SECONDS
        while needle not in seen and time.monotonic() < end:
            if select.select([descriptor], [], [], 0.2)[0]:
                try:
                    seen += os.read(descriptor, 65_536)
                except OSError:
                    return
        assert needle in seen

    try:
        read_until(b"heliotrope")  # the first suggestion: the socket is open
        os.write(descriptor, b"\x11")
        read_until(b"close and go")
        os.write(descriptor, b"2\r")
        end = time.monotonic() + PATIENCE_SECONDS
        ended = status = 0
        while not ended and time.monotonic() < end:
            if select.select([descriptor], [], [], 0.05)[0]:
                try:
                    os.read(descriptor, 65_536)
                except OSError:
                    pass
            ended, status = os.waitpid(process, os.WNOHANG)
        assert ended == process
        assert os.waitstatus_to_exitcode(status) == 0
    finally:
        os.close(descriptor)
        if not ended:
            os.kill(process, 9)
            os.waitpid(process, 0)


def test_a_recording_from_a_pipe_is_shown_and_keys_come_from_the_terminal(golden: Path) -> None:
    command = f"cat {shlex.quote(str(golden / 'a-plain.jsonl'))} | {sys.executable} -m tui.cli replay -"
    process, descriptor = pty.fork()
    if process == 0:
        os.environ.update(
            {"TERM": "xterm-256color", "TURNSCOPE_CONFIG": os.devnull, "COLUMNS": "100", "LINES": "30"}
        )
        os.execv("/bin/sh", ["/bin/sh", "-c", command])
    seen, ended, status = b"", 0, 0
    end = time.monotonic() + PATIENCE_SECONDS
    try:
        while not ended and time.monotonic() < end:
            if select.select([descriptor], [], [], 0.05)[0]:
                try:
                    seen += os.read(descriptor, 65_536)
                except OSError:
                    pass
            if b"ENDED" in seen:  # the pipe has, and what it brought is shown
                os.write(descriptor, b"q")
            ended, status = os.waitpid(process, os.WNOHANG)
        assert b"ENDED" in seen
        assert ended == process
        assert os.waitstatus_to_exitcode(status) == 0
    finally:
        os.close(descriptor)
        if not ended:
            os.kill(process, 9)
            os.waitpid(process, 0)
