"""Tests against programs that nobody here wrote, each in an environment of its own.

    python tests/peers/environment.py --list              what can be made, and what is there
    python tests/peers/environment.py openai litellm      make some of it, once
    python -m pytest tests/peers                          run what is there; the rest is named

A test says by `@pytest.mark.peer("openai")` which environment it needs; without it, it is skipped with the
command that makes it. Server and peer run in one room (`room.py`), where only loopback exists. The programs
in `drivers/` run inside the foreign environments; they import no part of turnscope and report a JSON object.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.peers.environment import ENVIRONMENTS, folder_of, how_to_make, is_ready, program
from tests.peers.room import Room, Running, why_no_room

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DRIVERS = HERE / "drivers"

#: a key that opens nothing; clients refuse to start without one
KEY = "sk-peer-test-opens-nothing"

Facts: TypeAlias = Mapping[str, Any]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose foreign program, or whose room, cannot be had here."""
    for marker in item.iter_markers("peer"):
        for name in marker.args:
            if name not in ENVIRONMENTS:
                raise pytest.UsageError(f"{item.nodeid}: no environment is called {name!r}")
            if not is_ready(name):
                pytest.skip(f"no environment {name!r}; make it: {how_to_make(name)}")
        reason = why_no_room()
        if reason:
            pytest.skip(reason)


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    """A network of its own for the tests of one module."""
    with Room() as made:
        yield made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty home folder, so that no settings of this machine reach a program."""
    return tmp_path_factory.mktemp("home")


class Fake:
    """`turnscope fake` at work in a room."""

    def __init__(self, running: Running) -> None:
        self._running = running
        _, line = running.line_that(lambda line: '"ready"' in line)
        ready = json.loads(line)
        assert ready["event"] == "ready"
        self.base_url: str = ready["base_url"]  #: the http form, where a client's base URL ends

    def stop(self) -> None:
        """Ask it to end, as a terminal would."""
        self._running.stop()


def start_fake(room: Room, *flags: str, home: Path) -> Fake:
    """Start `turnscope fake` in the room, deterministic under a seed."""
    command = [sys.executable, "-m", "sessions.cli", "fake", "--port", "0", "--seed", "7", *flags]
    return Fake(room.start(command, folder=ROOT, environ={"HOME": str(home)}))


class Witness(Fake):
    """A fake server that tells what its visitors sent."""

    def visits(self) -> list[Facts]:
        """End it and hear of every connection, in the order in which they came."""
        assert self._running.finish() == 0, self._running.last_words()
        told: list[Facts] = json.loads(self._running.lines()[-1])["visits"]
        assert [visit["crash"] for visit in told] == [None] * len(told)
        return told


def start_witness(room: Room, *faults: str, home: Path) -> Witness:
    """Start a fake server whose visits a test will look at."""
    command = [sys.executable, "-m", "tests.peers.witness", *faults]
    return Witness(room.start(command, folder=ROOT, environ={"HOME": str(home)}))


@pytest.fixture(scope="module")
def fake(room: Room, home: Path) -> Fake:
    """The fake server without faults, for the tests of one module."""
    return start_fake(room, home=home)


def run_driver(
    room: Room,
    environment: str,
    script: str,
    scene: str,
    base_url: str,
    *,
    home: Path,
    environ: Mapping[str, str] | None = None,
    stdin: str = "",
) -> Facts:
    """Run one scene of a driver inside a foreign environment; what it reports."""
    runner = "node" if ENVIRONMENTS[environment].installer == "npm" else "python"
    told = {"HOME": str(home), "OPENAI_API_KEY": KEY, "PEER_FOLDER": str(folder_of(environment))}
    done = room.run(
        [program(environment, runner), DRIVERS / script, scene, base_url],
        environ={**told, **(environ or {})},
        folder=home,
        stdin=stdin,
    )
    assert done.status == 0, f"{script} {scene} ended with {done.status}:\n{done.stdout}\n{done.stderr}"
    facts: Facts = json.loads(done.stdout)
    return facts
