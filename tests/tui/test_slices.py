"""Longer slices: the screens that only look on ask for them, and nothing else of a process changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sessions.recording import Recording

_CHILD = """
import os, threading
from pathlib import Path
from tui.slices import run_in_long_slices

def slice_of(thread):
    lines = Path(f"/proc/self/task/{thread}/sched").read_text().splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith("se.slice"))

os.nice(3)
before = slice_of(threading.get_native_id())
said = run_in_long_slices()
found = []
thread = threading.Thread(target=lambda: found.append(slice_of(threading.get_native_id())))
thread.start()
thread.join()
print(said, before, slice_of(threading.get_native_id()), found[0], os.getpriority(os.PRIO_PROCESS, 0))
print(os.sched_getscheduler(0) == os.SCHED_OTHER)
"""
_LONG = "10000000"


def knows_slices() -> bool:
    """Whether this is a Linux that takes a length of slices and tells it."""
    told = Path("/proc/self/sched")
    if sys.platform != "linux" or not told.exists() or "se.slice" not in told.read_text():
        return False
    release = os.uname().release.split(".")
    return (int(release[0]), int(release[1].split("-")[0])) >= (6, 12)


@pytest.mark.skipif(not knows_slices(), reason="needs Linux 6.12 that tells slices")
def test_slices_are_longer_for_all_threads_and_the_rest_stays() -> None:
    done = subprocess.run([sys.executable, "-c", _CHILD], capture_output=True, text=True, check=True)
    said, before, own, of_a_thread, nice = done.stdout.splitlines()[0].split()
    assert said == "True"
    assert before != _LONG
    assert own == of_a_thread == _LONG
    assert int(nice) == min(os.getpriority(os.PRIO_PROCESS, 0) + 3, 19)
    assert done.stdout.splitlines()[1] == "True"


@pytest.mark.skipif(not knows_slices(), reason="needs Linux 6.12 that tells slices")
@pytest.mark.parametrize(("verb", "is_long"), [("replay", True), ("attach", True), ("start", False)])
def test_the_screens_of_what_others_write_ask_for_them(tmp_path: Path, verb: str, is_long: bool) -> None:
    path = tmp_path / "a.jsonl"
    Recording.create(path).close()
    child = (
        "import argparse; from pathlib import Path; from tui.entrance import entry\n"
        f"entry(argparse.Namespace(verb={verb!r}, file={str(path)!r}))\n"
        "print(Path('/proc/self/sched').read_text())"
    )
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    slices = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("se.slice")]
    assert [one == _LONG for one in slices] == [is_long]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no such policies")
def test_another_policy_is_left_alone() -> None:
    child = (
        "import os; from tui.slices import run_in_long_slices\n"
        "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))\n"
        "print(run_in_long_slices(), os.sched_getscheduler(0) == os.SCHED_BATCH)"
    )
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
