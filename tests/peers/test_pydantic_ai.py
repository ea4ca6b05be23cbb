"""pydantic-ai, over its WebSocket transport, runs agents against the fake server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.conftest import run_driver, start_witness
from tests.peers.room import Room

pytestmark = pytest.mark.peer("pydantic-ai")


def test_runs_are_chained_by_the_library(room: Room, home: Path) -> None:
    """Three creates on one socket, each after the first with the id of the one before and only new items."""
    witness = start_witness(room, home=home)
    facts = run_driver(room, "pydantic-ai", "pydantic_ai_run.py", "tool_run", witness.base_url, home=home)
    assert "3 degrees" in facts["outputs"][0]
    assert "heron" in facts["outputs"][1]
    (visit,) = witness.visits()
    parents = [frame.get("previous_response_id") for frame in visit["frames"]]
    assert parents == [None, *visit["response_ids"][:2]]
    assert [len(frame["input"]) for frame in visit["frames"]] == [1, 1, 1]
    assert visit["close_received"] == [1000, ""]


def test_runs_at_once_overflow_to_http(room: Room, home: Path) -> None:
    """Three runs at once: one takes the socket, the others are plain requests on the same path."""
    witness = start_witness(room, home=home)
    facts = run_driver(
        room, "pydantic-ai", "pydantic_ai_run.py", "three_at_once", witness.base_url, home=home
    )
    assert [output[-3:-2] for output in facts["outputs"]] == ["a", "b", "c"]
    requests = sorted(request for visit in witness.visits() for request in visit["requests"])
    assert requests == [["GET", "/v1/responses", 101], *[["POST", "/v1/responses", 200]] * 2]
