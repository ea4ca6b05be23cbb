"""`turnscope compare` at work in a room: what differs, by turn.

Its one rule: differences of time are left out, because a busy machine makes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from tests.peers.conftest import KEY
from tests.peers.hops import turnscope
from tests.peers.room import Room

_TIMES = ("timing", "streaming")


class Compared(NamedTuple):
    """What a comparison says."""

    status: int
    differences: list[dict[str, Any]]
    summary: dict[str, Any]

    @property
    def breaking(self) -> list[tuple[int, str]]:
        """Turn and subject of each difference that breaks a client; turn 0 is the connection."""
        return [(one["turn"], one["what"]) for one in self.differences if one["weight"] == "breaking"]

    @property
    def harmless(self) -> list[tuple[int, str]]:
        """The same of those that no client notices."""
        return [(one["turn"], one["what"]) for one in self.differences if one["weight"] == "harmless"]

    def titles(self, what: str) -> list[str]:
        """The sentences about one subject."""
        return [one["title"] for one in self.differences if one["what"] == what]


def compared(room: Room, home: Path, *arguments: str | Path, key: str = KEY) -> Compared:
    """Compare, and read what stands on stdout."""
    done = turnscope(room, home, "compare", *arguments, "--json", "--no-record", key=key)
    assert done.stdout, done.stderr
    assert key not in done.stdout + done.stderr
    *told, summary = map(json.loads, done.stdout.splitlines())
    found = [one for one in told if one["event"] == "difference" and one["what"] not in _TIMES]
    return Compared(done.status, found, summary)
