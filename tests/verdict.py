"""What the judge says of records, and a conversation with the fake server to be judged.

Nothing is replaced: the client is ours, the server is `sessions.wire.fake` on loopback.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, TypeAlias

from sessions.conversation import Conversation, converse
from sessions.errors import SessionsError
from sessions.events import decode
from sessions.finding import Finding
from sessions.findings.judge import NO_DEVIATIONS, Judge
from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Kind, Record
from sessions.reducer import Sessions
from sessions.secret import Secret
from sessions.session import Turn
from sessions.wire.connect import connect
from sessions.wire.endpoint import derive
from sessions.wire.fake import FakeServer, Options
from sessions.wire.plan import Plan

Script: TypeAlias = Callable[["Speaker"], Awaitable[None]]
PATIENCE_SECONDS = 5.0


def judged(records: Iterable[Record], known: Mapping[str, Collection[str]] = NO_DEVIATIONS) -> list[Finding]:
    """Everything that the judge says of these records, up to the end of the recording."""
    sessions = Sessions()
    judge = Judge(sessions, known)
    for number, record in enumerate(records):
        event = decode(record.payload) if record.kind in (Kind.TEXT, Kind.BINARY) else None
        judge.judge(record, number, event, sessions.apply(record, event))
    return [*judge.findings, *judge.end()]


def ids(findings: Iterable[Finding]) -> set[str]:
    """Their ids."""
    return {finding.id for finding in findings}


class Speaker:
    """A client that says a few things and keeps to the rules."""

    def __init__(self, talk: Conversation) -> None:
        self.talk = talk

    async def ask(self, text: Any, parent: Turn | None = None, **fields: Any) -> Turn | None:
        """Send a create and wait for the end of its answer; it goes on from `parent` where it can."""
        frame = {"type": "response.create", "model": "gpt-6-astra", "store": False, "input": text, **fields}
        if parent is not None and parent.status == "completed":
            frame["previous_response_id"] = parent.response_id
        return await self.talk.ask(json.dumps(frame))


async def two_turns(speaker: Speaker) -> None:
    """A turn, and another one that goes on from it."""
    first = await speaker.ask("Please remember the word heron, and everything that I say about it later on.")
    await speaker.ask("And now?", first)


async def recorded(
    script: Script = two_turns,
    *,
    plan: Mapping[str, Any] | None = None,
    silence_seconds: float = PATIENCE_SECONDS,
    **options: Any,
) -> list[Record]:
    """What is recorded when this script is played against a fake server with these options."""
    inspector = Inspector(Recording.create(None))
    async with FakeServer(Options(**{"seed": 7, **options})) as server:
        opening: dict[str, Any] = {"compression": False, "open_timeout_seconds": 4.0, **(plan or {})}
        query = opening.pop("query", ())
        way = Plan(derive(server.base_url, query=query), key=Secret("sk-test-0000"), **opening)
        try:
            async with (
                asyncio.timeout(60),
                converse(connect(way), inspector, 1, silence_seconds) as talk,
            ):
                await script(Speaker(talk))
        except SessionsError:
            pass  # refused, closed or silent: it stands in the records
    recording = inspector.recording
    found = [recording.record(number) for number in range(len(recording))]
    recording.close()
    return found


def stretched(records: Iterable[Record], after: int, seconds: float) -> list[Record]:
    """The same, with so many more seconds between the record of this number and the next."""
    return [
        record._replace(elapsed=record.elapsed + seconds) if number > after else record
        for number, record in enumerate(records)
    ]
