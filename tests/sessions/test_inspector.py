"""The inspector: stored first, then applied, then told; followers take everything since their last look."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sessions.checkpoints import Checkpoints
from sessions.errors import RecordingError
from sessions.inspector import Inspector
from sessions.reading import Reading
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


def saved(path: Path, records: list[Record]) -> Reading:
    """A reading of these records, all of them known and none of them shown."""
    recording = Recording.create(path)
    for record in records:
        recording.append(record)
    recording.close()
    reading = Reading.open(path)
    assert reading.read_on(float("inf")) == len(records)
    return reading


def test_a_reading_is_shown_in_slices_and_told_as_live_traffic_is(tmp_path: Path) -> None:
    records = turn(300)
    inspector = Inspector(saved(tmp_path / "a.jsonl", records))
    follower = inspector.follow()
    assert inspector.show_on(100, float("inf")) == 100
    assert len(inspector.recording) == 100
    assert inspector.sessions.snapshot() == fold(records[:100]).snapshot()
    batch = follower.take()
    assert (batch.first, batch.last) == (0, 100)
    assert What.TEXT in [change.what for change in batch.changes]
    slices = 0
    while inspector.show_on(10**9, 0.0):
        slices += 1
    assert slices > 2
    assert len(inspector.recording) == len(records)
    assert inspector.sessions.snapshot() == fold(records).snapshot()
    assert follower.take()[:2] == (100, len(records))
    assert inspector.show_on(10**9, 1.0) == 0
    inspector.recording.close()


def test_what_is_recorded_here_is_fed_and_not_shown_and_what_is_read_is_shown_and_not_fed(
    tmp_path: Path,
) -> None:
    mine = Inspector(Recording.create(None))
    with pytest.raises(TypeError, match="only a Reading"):
        mine.show_on(1, 1.0)
    mine.recording.close()
    theirs = Inspector(saved(tmp_path / "a.jsonl", turn(1)))
    with pytest.raises(RecordingError, match="being read"):
        theirs.feed(turn(1)[0])
    assert theirs.sessions.records == 0
    theirs.recording.close()


def test_an_inspector_goes_on_from_a_restored_state(tmp_path: Path) -> None:
    records = turn(40)
    reading = saved(tmp_path / "a.jsonl", records)
    first, checkpoints = Inspector(reading), Checkpoints(interval=10)
    while first.show_on(len(reading) + 7, 1.0):
        checkpoints.note(first.sessions, len(reading))
    restored, count = checkpoints.restore(30)
    assert 0 < count <= 30
    reading.show(count)
    back = Inspector(reading, sessions=restored)
    assert back.show_on(30, 1.0) == 30 - count
    assert back.sessions.snapshot() == fold(records[:30]).snapshot()
    assert back.show_on(len(records), 1.0) == len(records) - 30
    assert back.sessions.snapshot() == first.sessions.snapshot()
    reading.close()


def test_a_record_that_the_file_no_longer_has_is_shown_as_gone(tmp_path: Path) -> None:
    reading = saved(tmp_path / "a.jsonl", turn(5))
    inspector = Inspector(reading)
    inspector.show_on(2, 1.0)
    os.truncate(tmp_path / "a.jsonl", 200)
    assert inspector.show_on(9, 1.0) == 7
    assert inspector.sessions.records == 9
    reading.close()
