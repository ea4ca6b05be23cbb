"""A tap in a test: an upstream, the tap before it, and what its recording says afterwards; loopback only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sessions.journal import Journal
from sessions.records import Direction, Kind, Record, from_line
from sessions.secret import NO_SECRET, Secret
from sessions.wire.dial import SYSTEM_TRUST, Trust
from sessions.wire.endpoint import derive
from sessions.wire.plan import Plan
from sessions.wire.splice import Way
from sessions.wire.tap import Tap


@dataclass
class Tapped:
    """A running tap and its recording."""

    tap: Tap
    path: Path
    troubles: list[str] = field(default_factory=list)

    def records(self) -> list[Record]:
        """Everything written down so far."""
        self.tap.journal.flush()
        return recorded(self.path)

    async def until(self, is_there: Callable[[list[Record]], bool]) -> list[Record]:
        """Wait until the recording has something."""
        async with asyncio.timeout(5):
            while not is_there(records := self.records()):
                await self.tap.scribe.drained()
                await asyncio.sleep(0)
        return records


def recorded(path: Path) -> list[Record]:
    """The records of a file."""
    return [from_line(line) for line in path.read_bytes().splitlines()[1:]]


def of_kind(records: list[Record], *kinds: Kind) -> list[Record]:
    """Only the records of these kinds."""
    return [record for record in records if record.kind in kinds]


def has(kind: Kind, note: str = "") -> Callable[[list[Record]], bool]:
    """Whether a record of this kind, or a note of this name, is there."""
    return lambda records: any(
        one.kind is kind and (not note or one.meta.get("note") == note) for one in records
    )


def texts(records: list[Record], direction: Direction) -> list[bytes]:
    """The payloads of one side's messages."""
    return [one.payload for one in of_kind(records, Kind.TEXT, Kind.BINARY) if one.direction is direction]


@asynccontextmanager
async def tapped(
    base_url: str,
    folder: Path,
    *,
    key: Secret = NO_SECRET,
    token: Secret = NO_SECRET,
    trust: Trust = SYSTEM_TRUST,
    way: type[Way] = Way,
) -> AsyncIterator[Tapped]:
    """A tap before this base URL, recording into the folder."""
    path = folder / "tap.jsonl"
    journal = Journal.create(path, "tap")
    plan = Plan(derive(base_url, exact=True), key=key, trust=trust)
    troubles: list[str] = []
    try:
        async with Tap(plan, journal, token=token, on_trouble=troubles.append, way=way) as tap:
            yield Tapped(tap, path, troubles)
    finally:
        journal.close()
