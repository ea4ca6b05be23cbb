"""What the fake server's faults do to openai-python: as was measured against servers that fail by themselves.

A fault that the library does not notice, or notices differently than a real failure, is not that fault.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.peers.conftest import Facts, run_driver, start_fake
from tests.peers.room import Room

pytestmark = pytest.mark.peer("openai")

#: fault -> the exception, None for none; and the last type that came, None for none at all
EXPECTED: dict[str, tuple[str | None, str | None]] = {
    "401": ("InvalidStatus", None),
    "403": ("InvalidStatus", None),
    "426": ("InvalidStatus", None),
    "1008-after-101": ("ConnectionClosedError", None),
    "1009": ("ConnectionClosedError", None),
    # 1000 and 1001 in the middle of an answer: the loop ends, and nobody is told
    "close-1000-mid-stream": (None, "response.output_text.delta"),
    "close-1001-mid-stream": (None, "response.output_text.delta"),
    "close-1011-mid-stream": ("ConnectionClosedError", "response.output_text.delta"),
    "abort-mid-stream": ("ConnectionClosedError", "response.output_text.delta"),
    "error-mid-stream": (None, "error"),
    "failed": (None, "response.failed"),
    "non-json": ("JSONDecodeError", "response.output_item.done"),
    "binary": (None, "response.completed"),
    "unknown-event": (None, "response.completed"),
    "no-sequence": (None, "response.completed"),
    "no-created": (None, "response.completed"),
    "fragmented": (None, "response.completed"),
    "big-frame": (None, "response.completed"),
}


@pytest.fixture(scope="module")
def reactions(room: Room, home: Path) -> Facts:
    """How one plain turn ended under every fault, each on a server of its own."""
    servers = {fault: start_fake(room, f"--fault={fault}", home=home) for fault in EXPECTED}
    addresses = json.dumps({fault: server.base_url for fault, server in servers.items()})
    return run_driver(room, "openai", "openai_reaction.py", "turns", "-", home=home, stdin=addresses)


@pytest.mark.parametrize("fault", EXPECTED)
def test_a_fault_is_what_it_says(reactions: Facts, fault: str) -> None:
    """The library raises, goes on or falls silent as it does when a real server fails in this way."""
    reaction = reactions[fault]
    last = reaction["types"][-1] if reaction["types"] else None
    assert (reaction["raised"], last) == EXPECTED[fault]
