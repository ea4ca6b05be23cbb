"""Every gate in one place: format, lint, types, layers, tests; one line each, and 1 when one of them fails.

python tests/check.py                  all gates; tests against foreign programs are left out, and named
python tests/check.py --fast           no tests but the architecture and the playbooks
python tests/check.py --peers quick    also foreign programs that install within three minutes
python tests/check.py --peers all      also the rest of them
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent  # not resolved: a virtual environment's programs stand beside its link
PYTHON = sys.executable
#: environments that install in less than a minute each, and together in less than three
QUICK = ("openai", "agents", "websockets", "node", "codex", "litellm", "litellm-1.83", "debian")
FAST_TESTS = ("tests/test_architecture.py", "tests/sessions/test_playbooks.py")
_WIDTH = 14
_UNSTEADY = 10  # failures at most that may be the load's, not the tests'
_WORKERS = str(2 * (os.cpu_count() or 1))  # most tests wait for a real socket, a clock or a program


class Gate(NamedTuple):
    """One command that must succeed."""

    name: str
    command: tuple[str, ...]
    is_told: bool = False  #: its last lines are shown even when it succeeds
    workers: tuple[str, ...] = ()  #: options that run tests beside one another; what fails is tried without


def gates(*, is_fast: bool, has_peers: bool) -> list[Gate]:
    """The gates in the order in which they are run, the quickest first."""
    pytest = (PYTHON, "-m", "pytest", "-q")
    chosen = FAST_TESTS if is_fast else ("tests", "--ignore=tests/peers")
    out = [
        Gate("format", (PYTHON, "-m", "ruff", "format", "--check", "--quiet", ".")),
        Gate("lint", (PYTHON, "-m", "ruff", "check", "--quiet", ".")),
        Gate("layers", (str(BIN / "lint-imports"), "--no-cache")),
        Gate("types", (PYTHON, "-m", "mypy")),
        Gate("tests", (*pytest, *chosen), is_told=True, workers=("-n", _WORKERS)),
    ]
    if has_peers:
        # a server of theirs takes seconds to start: the tests of one file share it; one file waits a minute
        both = ("-n", "3", "--dist", "loadfile")
        out.append(Gate("peers", (*pytest, "tests/peers", "-ra"), is_told=True, workers=both))
    return out


def run(gate: Gate) -> bool:
    """Run one gate and say how it went; what it printed is shown when it fails.

    A few tests that fail while others run beside them are tried once more by themselves: those that pass then
    are named as unsteady, and the gate is kept.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="turnscope-check-") as cache:
        remembering = ("-o", f"cache_dir={cache}") if gate.workers else ()
        done = _done((*gate.command, *remembering, *gate.workers))
        is_passed = done.returncode == 0
        lines = done.stdout.strip().splitlines()
        failed = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
        if not is_passed and gate.workers and 0 < len(failed) <= _UNSTEADY:
            again = _done((*gate.command, *remembering, "--last-failed", "--last-failed-no-failures", "none"))
            is_passed = again.returncode == 0
            said = again.stdout.strip().splitlines()
            lines[-1] += f"; by themselves: {said[-1] if said else 'nothing'}"
            lines += [] if is_passed else ["by themselves:", *said]
            lines = [*(f"{'UNSTEADY' if is_passed else 'TWICE':9}{line}" for line in failed), *lines]
    say(f"{'ok' if is_passed else 'FAILED':7}{gate.name:{_WIDTH}}{time.monotonic() - began:6.1f} s")
    if not is_passed:
        say(*(f"       {line}" for line in lines))
    elif gate.is_told:
        say(
            *(f"       {line}" for line in lines if line.startswith(("SKIPPED", "XFAIL", "UNSTEADY"))),
            f"       {lines[-1]}",
        )
    return is_passed


def _done(command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def run_all(chosen: Sequence[Gate], *, before_peers: Callable[[], object] = lambda: None) -> int:
    """Run all of these, even when one fails; 1 when one did. What peers need is awaited before their gate."""
    failed = []
    for gate in chosen:
        if gate.name == "peers":
            before_peers()
        if not run(gate):
            failed.append(gate.name)
    say(f"FAILED: {', '.join(failed)}" if failed else "every gate passed")
    return 1 if failed else 0


def make_environments(which: str) -> None:
    """Make the environments of foreign programs; say aloud which are left out, and why."""
    sys.path.insert(0, str(ROOT))
    from tests.peers import environment

    wanted = QUICK if which == "quick" else tuple(environment.ENVIRONMENTS)
    for name in environment.ENVIRONMENTS:
        if name not in wanted:
            say(f"LEFT OUT  {name}: not among the quick ones; {environment.how_to_make(name)}")
        elif not environment.is_ready(name):
            try:
                say(f"made   {name:{_WIDTH}}{environment.make(name):6.1f} s")
            except RuntimeError as error:
                say(f"LEFT OUT  {name}: it could not be installed", *str(error).splitlines()[-3:])


def say(*lines: str) -> None:
    """Print lines at once, so that a log shows where a slow run stands."""
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gates, all of them even when one fails."""
    parser = argparse.ArgumentParser(prog="python tests/check.py", description="Run every gate.")
    parser.add_argument("--fast", action="store_true", help="no tests but the architecture and the playbooks")
    parser.add_argument("--peers", choices=("quick", "all"), help="also talk to foreign programs")
    chosen = parser.parse_args(arguments)
    wanted = gates(is_fast=chosen.fast, has_peers=bool(chosen.peers))
    if not chosen.peers:
        say("LEFT OUT  conversations with foreign programs: --peers quick, or --peers all")
        return run_all(wanted)
    with ThreadPoolExecutor(1) as installer:  # mostly waiting for an index: the gates need not wait as well
        made = installer.submit(make_environments, chosen.peers)
        return run_all(wanted, before_peers=made.result)


if __name__ == "__main__":
    sys.exit(main())
