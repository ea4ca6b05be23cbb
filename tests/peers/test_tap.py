"""Real clients talk through the tap: no byte changes, and the recording tells what they said and heard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers.conftest import KEY, run_driver
from tests.peers.room import Room
from tests.peers.tapped import Tapped, assert_same_bytes, sockets


@pytest.fixture
def room() -> Iterator[Room]:
    """A network for each test, so that the tap always has the same port."""
    with Room() as made:
        yield made


@pytest.fixture
def tapped(room: Room, tmp_path: Path) -> Tapped:
    """A line that stands, its tap not yet started."""
    return Tapped(room, tmp_path)


def _finish(tapped: Tapped, *, connections: int) -> list[dict[str, Any]]:
    """Stop the line; what must hold for every conversation. The turns that the recording tells."""
    tapped.stop()
    seen = tapped.finish()
    assert_same_bytes(seen)
    assert sockets(seen.before) == connections
    assert KEY not in tapped.recording.read_text("utf-8")
    summary = tapped.checked()
    turns = tapped.replayed()
    assert summary["turns"] == len(turns) == sum(map(_creates, seen.visits))
    assert {turn["status"] for turn in turns} <= {"completed"}
    return turns


def _creates(visit: Facts) -> int:
    """How many creates one connection brought, as frames or as requests."""
    posts = [request for request in visit["requests"] if request[0] == "POST"]
    return len(visit["frames"]) + len(posts)


def _heard(turns: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(turn["response_id"], turn["text"]) for turn in turns]


@pytest.mark.peer("openai")
@pytest.mark.parametrize("scene", ["three_turns", "tool_call", "warm_up", "lanes"])
def test_openai_python_is_passed_on(tapped: Tapped, tmp_path: Path, scene: str) -> None:
    """Ids and texts of every turn are those that the library handed to its caller."""
    tapped.start()
    facts = run_driver(tapped.room, "openai", "openai_sync.py", scene, tapped.base_url, home=tmp_path)
    turns = _finish(tapped, connections=1)
    assert sorted(_heard(turns)) == sorted((turn["id"], turn["text"]) for turn in facts["turns"])


@pytest.mark.peer("agents")
def test_openai_agents_is_passed_on(tapped: Tapped, tmp_path: Path) -> None:
    """It offers compression and uses it; the tap reads a copy and passes on what it got."""
    tapped.start()
    facts = run_driver(tapped.room, "agents", "agents_run.py", "tool_run", tapped.base_url, home=tmp_path)
    turns = _finish(tapped, connections=1)
    assert [turn["response_id"] for turn in turns] == facts["responses"]
    assert turns[-1]["text"] == facts["output"]


@pytest.mark.peer("node")
def test_openai_for_node_is_passed_on(tapped: Tapped, tmp_path: Path) -> None:
    """The JavaScript library."""
    tapped.start()
    facts = run_driver(tapped.room, "node", "openai_node.mjs", "three_turns", tapped.base_url, home=tmp_path)
    assert _heard(_finish(tapped, connections=1)) == [(turn["id"], turn["text"]) for turn in facts["turns"]]


@pytest.mark.peer("pydantic-ai")
def test_pydantic_ai_is_passed_on(tapped: Tapped, tmp_path: Path) -> None:
    """It chains by itself."""
    tapped.start()
    script = "pydantic_ai_run.py"
    facts = run_driver(tapped.room, "pydantic-ai", script, "tool_run", tapped.base_url, home=tmp_path)
    turns = _finish(tapped, connections=1)
    assert [turns[1]["text"], turns[2]["text"]] == facts["outputs"]


@pytest.mark.peer("pydantic-ai")
def test_pydantic_ai_overflows_through_the_tap(tapped: Tapped, tmp_path: Path) -> None:
    """One of three runs has the socket, two are plain requests; all three stand in one timeline."""
    tapped.start()
    script = "pydantic_ai_run.py"
    facts = run_driver(tapped.room, "pydantic-ai", script, "three_at_once", tapped.base_url, home=tmp_path)
    turns = _finish(tapped, connections=1)
    assert sorted(turn["text"] for turn in turns) == sorted(facts["outputs"])
