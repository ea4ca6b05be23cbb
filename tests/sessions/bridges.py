"""A bridge in a test: an upstream that is asked over HTTP, the bridge before it, clients; loopback only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from sessions.journal import Journal
from sessions.records import Kind, Record
from sessions.secret import NO_SECRET, Secret
from sessions.wire.bridge import MAX_CONNECTIONS, Bridge
from sessions.wire.endpoint import derive
from sessions.wire.plan import Plan
from tests.sessions.tapping import recorded

KEY = "sk-test-of-a-client-0001"
TOOLS = [{"type": "function", "name": "read_thermometer", "parameters": {"type": "object", "properties": {}}}]


@dataclass
class Bridged:
    """A running bridge and its recording."""

    bridge: Bridge
    path: Path
    troubles: list[str] = field(default_factory=list)

    @property
    def socket_url(self) -> str:
        """Where clients connect."""
        return f"ws://{self.bridge.listen}{self.bridge.path}"

    async def until(self, is_there: Callable[[list[Record]], bool]) -> list[Record]:
        """Wait until the recording has something."""
        async with asyncio.timeout(5):
            while True:
                await self.bridge.scribe.drained()
                self.bridge.journal.flush()
                if is_there(records := recorded(self.path)):
                    return records
                await asyncio.sleep(0)

    async def records(self) -> list[Record]:
        """Everything written down so far."""
        return await self.until(lambda records: True)

    def connect(self, query: str = "", key: str = KEY, **more: Any) -> connect:
        """A client of the websockets library."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return connect(self.socket_url + query, additional_headers=headers, proxy=None, max_size=None, **more)


@asynccontextmanager
async def bridged(
    base_url: str,
    folder: Path,
    *,
    age_limit: float = 3600.0,
    max_connections: int = MAX_CONNECTIONS,
    token: Secret = NO_SECRET,
    key: Secret = NO_SECRET,
    path: str = "/v1/responses",
    headers: tuple[tuple[str, str], ...] = (),
) -> AsyncIterator[Bridged]:
    """A bridge before this base URL, recording into the folder."""
    file = folder / "bridge.jsonl"
    journal = Journal.create(file, "bridge")
    plan = Plan(derive(base_url), key=key, lifetime_seconds=age_limit, headers=headers)
    troubles: list[str] = []
    try:
        async with Bridge(
            plan,
            journal,
            path=path,
            token=token,
            max_connections=max_connections,
            on_trouble=troubles.append,
        ) as bridge:
            yield Bridged(bridge, file, troubles)
    finally:
        journal.close()
    assert troubles == []


async def ask(client: ClientConnection, **fields: Any) -> list[dict[str, Any]]:
    """Send a create and read to its end; an error ends it, too."""
    await client.send(
        json.dumps({"type": "response.create", "model": "gpt-6-astra", "store": False, **fields})
    )
    return await answered(client)


async def answered(client: ClientConnection) -> list[dict[str, Any]]:
    """The events up to the next one that ends a turn."""
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(5):
        while True:
            event = json.loads(await client.recv())
            events.append(event)
            if event["type"] in ("response.completed", "response.failed", "response.incomplete", "error"):
                return events


def text_of(events: list[dict[str, Any]]) -> str:
    """The text of a response."""
    return "".join(str(one["delta"]) for one in events if one["type"] == "response.output_text.delta")


def posts(records: list[Record]) -> list[dict[str, Any]]:
    """The bodies that went upstream, in order."""
    bodies = [one.payload.partition(b"\r\n\r\n")[2] for one in records if one.kind is Kind.REQUEST]
    return [json.loads(body) for body in bodies if body]
