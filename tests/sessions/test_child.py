"""A client inside a tap: its exit code, its signals, its streams and its environment are its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from sessions.commands.child import is_found, run_child
from sessions.errors import UsageError

#: runs a child as the tap does, and then says how it ended
PROGRAM = """
import asyncio, sys
from sessions.commands.child import run_child
code = asyncio.run(run_child(sys.argv[1:]))
sys.stderr.write(f"ended {code}\\n")
"""
#: says that it is ready, and names the signal that it gets
WAITING = """
import signal, sys
def got(number, frame):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(7)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, got)
print("ready", flush=True)
signal.pause()
"""


@pytest.mark.parametrize(
    ("program", "code"),
    [("raise SystemExit(0)", 0), ("raise SystemExit(41)", 41), ("import os; os.kill(os.getpid(), 9)", 137)],
)
async def test_the_exit_code_is_passed_on(program: str, code: int) -> None:
    assert await run_child([sys.executable, "-c", program]) == code


async def test_a_program_that_cannot_be_started_is_named() -> None:
    assert not is_found("no-such-program-here")
    assert is_found("sh")
    with pytest.raises(UsageError, match="no-such-program-here cannot be started: No such file"):
        await run_child(["no-such-program-here"])


def test_streams_and_environment_are_the_childs_own() -> None:
    program = "import os, sys; print(sys.stdin.read().upper(), os.environ['MINE'], sorted(os.environ)[:0])"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, sys.executable, "-c", program],
        input="words",
        capture_output=True,
        text=True,
        timeout=30,
        env={"MINE": "1", "PYTHONPATH": ":".join(sys.path)},
        check=True,
    )
    assert done.stdout == "WORDS 1 []\n"
    assert done.stderr == "ended 0\n"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_the_tap_is_passed_on_and_the_child_decides(name: str) -> None:
    import signal

    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, sys.executable, "-c", WAITING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as tap:
        assert tap.stdout is not None
        assert tap.stderr is not None
        assert tap.stdout.readline() == "ready\n"
        tap.send_signal(signal.Signals[name])
        assert tap.stdout.readline() == f"got {name}\n"
        assert tap.stderr.readline() == "ended 7\n"


def test_an_interrupt_from_the_terminal_reaches_the_child_once_and_ends_only_it() -> None:
    import os
    import signal

    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, sys.executable, "-c", WAITING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as tap:
        assert tap.stdout is not None
        assert tap.stderr is not None
        assert tap.stdout.readline() == "ready\n"
        os.killpg(tap.pid, signal.SIGINT)  # as a terminal does: to everyone in the foreground
        assert tap.stdout.read() == "got SIGINT\n"
        assert tap.stderr.read() == "ended 7\n"
        assert tap.wait() == 0


async def test_a_child_is_asked_to_end_when_somebody_says_so() -> None:
    leave = asyncio.Event()
    leave.set()
    assert await run_child([sys.executable, "-c", "import time; time.sleep(60)"], leave) == 128 + 15


async def test_it_is_started_with_the_environment_that_it_is_given() -> None:
    program = "import os; raise SystemExit(int(os.environ['CODE']))"
    assert await run_child([sys.executable, "-c", program], environ={"CODE": "5"}) == 5
