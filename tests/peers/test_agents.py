"""openai-agents, over its WebSocket transport, runs agents against the fake server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.conftest import Fake, run_driver
from tests.peers.room import Room

pytestmark = pytest.mark.peer("agents")


def test_a_run_calls_its_tool(room: Room, fake: Fake, home: Path) -> None:
    """The model calls the function, the library answers it, the final output uses the answer."""
    facts = run_driver(room, "agents", "agents_run.py", "tool_run", fake.base_url, home=home)
    assert facts["items"] == ["tool_call_item", "tool_call_output_item", "message_output_item"]
    (city,) = facts["cities"]
    assert f"3 degrees in {city}" in facts["output"]
    assert len(set(facts["responses"])) == 2
    assert facts["tokens"] > 0


def test_runs_are_chained_on_one_socket(room: Room, fake: Fake, home: Path) -> None:
    """The second run continues the first by its response id and remembers it."""
    facts = run_driver(room, "agents", "agents_run.py", "chained_run", fake.base_url, home=home)
    first, second = facts["runs"]
    assert "heron" in second["output"]
    assert first["responses"] != second["responses"]


def test_a_run_streams_its_events(room: Room, fake: Fake, home: Path) -> None:
    """The events reach the caller in the protocol's order, two responses in one run."""
    facts = run_driver(room, "agents", "agents_run.py", "streamed_run", fake.base_url, home=home)
    kinds = facts["kinds"]
    assert kinds.count("response.created") == 2
    assert kinds.count("response.completed") == 2
    assert kinds.index("response.function_call_arguments.delta") < kinds.index("response.output_text.delta")
    assert len(facts["cities"]) == 1
