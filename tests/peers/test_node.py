"""Node programs against the fake server: openai's npm package with its ResponsesWS, and wscat."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.peers.conftest import KEY, Fake, run_driver
from tests.peers.environment import program
from tests.peers.room import Room

pytestmark = pytest.mark.peer("node")


def test_openai_for_node_holds_three_turns(room: Room, fake: Fake, home: Path) -> None:
    """Three chained turns on one socket, a function call answered among them."""
    facts = run_driver(room, "node", "openai_node.mjs", "three_turns", fake.base_url, home=home)
    first, asked, answered = facts["turns"]
    assert [turn["status"] for turn in facts["turns"]] == ["completed"] * 3
    assert asked["previous_response_id"] == first["id"]
    assert answered["previous_response_id"] == asked["id"]
    assert [call["name"] for call in asked["calls"]] == ["read_thermometer"]
    assert "3 degrees" in answered["text"]


def test_wscat_continues_a_stored_response(room: Room, fake: Fake, home: Path) -> None:
    """A person with wscat sends a frame, and on another socket one that continues what was stored."""

    def turn(text: str, parent: str | None) -> tuple[str, str]:
        frame = {"type": "response.create", "model": "gpt-6-astra", "store": True, "input": text}
        wscat = room.start(
            [
                program("node", "node"),
                program("node", "wscat"),
                "--no-color",
                f"--connect={fake.base_url.replace('http', 'ws', 1)}/responses",
                f"--header=Authorization: Bearer {KEY}",
                f"--execute={json.dumps({**frame, 'previous_response_id': parent})}",
                "--wait=-1",  # until it is stopped
            ],
            environ={"HOME": str(home)},
            folder=home,
        )
        _, line = wscat.line_that(lambda line: '"response.completed"' in line)
        wscat.stop()
        response = json.loads(line[line.index("{") :])["response"]
        return response["id"], response["output"][-1]["content"][0]["text"]

    first_id, _ = turn("Remember the word heron.", None)
    _, text = turn("What was the word?", first_id)
    assert "heron" in text
