"""The plain websockets client talks to the fake server, with the library's own defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.conftest import Fake, run_driver
from tests.peers.room import Room

pytestmark = pytest.mark.peer("websockets")


def test_two_turns_compressed(room: Room, fake: Fake, home: Path) -> None:
    """Text frames only, compressed because the library offers it, ended with 1000."""
    facts = run_driver(room, "websockets", "websockets_sync.py", "two_turns", fake.base_url, home=home)
    first, second = facts["turns"]
    assert second["previous_response_id"] == first["id"]
    assert "heron" in second["text"]
    assert facts["frames"] == ["str"]
    assert facts["extensions"] == ["permessage-deflate"]
    assert facts["close_code"] == 1000


def test_no_key_is_refused_before_the_upgrade(room: Room, fake: Fake, home: Path) -> None:
    """A missing key is a 401 with a JSON body, not a 101 and a close."""
    facts = run_driver(room, "websockets", "websockets_sync.py", "no_key", fake.base_url, home=home)
    assert facts["status"] == 401
    assert "key" in facts["body"]["error"]["message"].lower()
