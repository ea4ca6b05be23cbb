"""The inspector: stored first, then applied, then told; followers take everything since their last look."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Direction, Kind, Record
from sessions.reducer import What, fold


def frame(body: dict[str, Any], direction: Direction = Direction.SERVER, at: float = 0.0) -> Record:
    return Record(1, direction, Kind.TEXT, 0, at, json.dumps(body).encode())


def turn(deltas: int) -> list[Record]:
    return [
        frame({"type": "response.create", "model": "m", "input": "hi"}, Direction.CLIENT),
        frame({"type": "response.created", "response": {"id": "resp_1"}}),
        frame(
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {"id": "msg_1", "type": "message"},
            }
        ),
        *(
            frame(
                {
                    "type": "response.output_text.delta",
                    "item_id": "msg_1",
                    "output_index": 0,
                    "delta": f"{n} ",
                }
            )
            for n in range(deltas)
        ),
        frame({"type": "response.completed", "response": {"id": "resp_1", "status": "completed"}}),
    ]


class Script:
    """A source that yields what it was given."""

    def __init__(self, records: list[Record], *, size: int = 0) -> None:
        self._records = records
        self._size = size

    def __aiter__(self) -> AsyncIterator[Record]:
        return self._one_by_one()

    async def _one_by_one(self) -> AsyncIterator[Record]:
        for record in self._records:
            yield record

    async def aclose(self) -> None:
        self._records = []


class BatchedScript(Script):
    """The same, a handful at a time."""

    async def batches(self) -> AsyncIterator[tuple[Record, ...]]:
        for start in range(0, len(self._records), 3):
            yield tuple(self._records[start : start + 3])


async def test_both_kinds_of_source_give_the_same_state() -> None:
    records = turn(10)
    for source in (Script(records), BatchedScript(records)):
        inspector = Inspector(Recording.create(None))
        await inspector.run(source)
        assert inspector.sessions.snapshot() == fold(records).snapshot()
        assert list(inspector.recording) == records
        inspector.recording.close()


async def test_a_follower_takes_everything_once_with_text_merged() -> None:
    inspector = Inspector(Recording.create(None))
    follower = inspector.follow()
    records = turn(50)
    inspector.feed_all(records)
    await asyncio.wait_for(follower.wait(), 1)
    batch = follower.take()
    assert (batch.first, batch.last, batch.is_complete) == (0, len(records), True)
    assert [change.what for change in batch.changes].count(What.TEXT) == 1
    assert What.RESPONSE in [change.what for change in batch.changes]
    assert follower.take().changes == ()
    follower.close()
    inspector.feed(records[0])
    assert follower.take().last == len(records) + 1
    inspector.recording.close()


async def test_a_late_follower_is_told_at_once() -> None:
    inspector = Inspector(Recording.create(None))
    inspector.feed_all(turn(2))
    follower = inspector.follow(start=1)
    await asyncio.wait_for(follower.wait(), 1)
    assert follower.take()[:2] == (1, 6)
    inspector.recording.close()


def test_a_follower_that_never_looks_does_not_grow_without_bound() -> None:
    inspector = Inspector(Recording.create(None))
    follower = inspector.follow()
    odd = frame({"type": "never.heard.of"})
    for _ in range(20_005):
        inspector.feed(odd)
    batch = follower.take()
    assert len(batch.changes) == 20_000
    assert not batch.is_complete
    assert batch.last == 20_005
    inspector.recording.close()


def test_known_secrets_and_mcp_credentials_are_masked_before_anyone_sees_them() -> None:
    inspector = Inspector(Recording.create(None), secrets=["sk-very-secret-key"])
    inspector.add_secret("another-secret")
    body = {
        "type": "response.create",
        "input": "my key is sk-very-secret-key and another-secret",
        "tools": [
            {"type": "mcp", "server_label": "x", "authorization": "Bearer t0ken", "headers": {"X-A": "hush"}}
        ],
    }
    inspector.feed(frame(body, Direction.CLIENT))
    kept = inspector.recording.record(0)
    for secret in (b"very-secret", b"another-secret", b"t0ken", b"hush"):
        assert secret not in kept.payload
    assert kept.meta["masked"] == "key, mcp authorization, mcp headers"
    assert b"X-A" in kept.payload
    assert "secret" not in repr(inspector)
    inspector.recording.close()


class Flood(Script):
    """A source that hands over everything at once."""

    async def batches(self) -> AsyncIterator[tuple[Record, ...]]:
        yield tuple(self._records)


@pytest.mark.parametrize("source", [Flood, Script])
async def test_others_get_their_turn_while_a_flood_is_fed(source: type[Script]) -> None:
    records = turn(20_000)
    inspector = Inspector(Recording.create(None))
    seen: set[int] = set()
    async with asyncio.TaskGroup() as tasks:
        feeding = tasks.create_task(inspector.run(source(records)))
        while not feeding.done():
            seen.add(len(inspector.recording))
            await asyncio.sleep(0)
    assert len(seen) > 5
    assert max(two - one for one, two in itertools.pairwise(sorted(seen))) < 10_000
    assert len(inspector.recording) == len(records)
    inspector.recording.close()


async def test_what_crossed_the_wire_is_kept_when_the_feeding_is_cancelled() -> None:
    records = turn(20_000)
    inspector = Inspector(Recording.create(None))
    with contextlib.suppress(asyncio.CancelledError):
        async with asyncio.TaskGroup() as tasks:
            feeding = tasks.create_task(inspector.run(Flood(records)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert 0 < len(inspector.recording) < len(records)
            feeding.cancel()
    assert len(inspector.recording) == len(records)
    inspector.recording.close()


async def test_a_large_message_is_stored_in_its_place_and_masked_as_any_other() -> None:
    large = frame({"type": "response.metadata", "key": "sk-very-secret-key", "padding": "é" * (1 << 20)})
    records = [*turn(3), large, *turn(3)]
    inspector = Inspector(Recording.create(None), secrets=["sk-very-secret-key"])
    await inspector.run(Flood(records))
    kept = inspector.recording.record(7)
    assert len(inspector.recording) == len(records)
    assert kept.meta["masked"] == "key"
    assert b"sk-very-secret-key" not in kept.payload
    plain = Inspector(Recording.create(None), secrets=["sk-very-secret-key"])
    plain.feed_all(records)
    assert [plain.recording.line(n) for n in range(len(records))] == [
        inspector.recording.line(n) for n in range(len(records))
    ]
    assert inspector.sessions.snapshot() == plain.sessions.snapshot()
    inspector.recording.close()
    plain.recording.close()
