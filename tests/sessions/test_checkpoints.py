"""Checkpoints: a restored state is the state that a fold from zero gives, and behaves as it does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.checkpoints import Checkpoints
from sessions.reading import Reading
from sessions.records import Direction, Kind, Record
from sessions.reducer import Sessions, fold
from tests.sessions.test_laws import conversations

GOLDEN = sorted((Path(__file__).parent.parent / "golden").glob("*.jsonl"))


def frame(body: object, direction: Direction = Direction.SERVER) -> Record:
    return Record(1, direction, Kind.TEXT, 0, 0.0, json.dumps(body).encode())


def folded(records: Sequence[Record], every: int = 1) -> tuple[Sessions, Checkpoints]:
    """The state of these records, and checkpoints of it along the way."""
    checkpoints = Checkpoints(interval=every)
    sessions = Sessions()
    for number, record in enumerate(records, start=1):
        sessions.apply(record)
        checkpoints.note(sessions, number)
    return sessions, checkpoints


def assert_equal_states(restored: Sessions, records: Sequence[Record], at: int, seen: int) -> None:
    """What is restored, and folded up to `at`, is what zero gives; and it goes on in the same way."""
    fresh = fold(records[:at])
    for record in records[seen:at]:
        restored.apply(record)
    assert restored.snapshot() == fresh.snapshot()
    for record in records[at:]:
        assert restored.apply(record) == fresh.apply(record)
    assert restored.snapshot() == fresh.snapshot()
    assert list(restored.calls) == list(fresh.calls)
    for call_id, call in restored.calls.items():
        assert any(call is item for turn in restored.turns for one in turn.responses for item in one.items), (
            call_id
        )


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_moment_of_a_golden_recording_can_be_gone_back_to(path: Path) -> None:
    reading = Reading.whole(path)
    records = list(reading)
    reading.close()
    sessions, checkpoints = Sessions(), Checkpoints()
    for number, record in enumerate(records, start=1):
        checkpoints.keep(sessions, number - 1)
        sessions.apply(record)
    checkpoints.keep(sessions, len(records))
    whole = sessions.snapshot()
    for at in range(0, len(records) + 1, max(1, len(records) // 23)):
        restored, seen = checkpoints.restore(at)
        assert seen == at
        assert_equal_states(restored, records, at, seen)
    assert sessions.snapshot() == whole  # what was restored and went its own way touched nothing here


@given(records=conversations(), every=st.integers(1, 5), data=st.data())
@settings(deadline=None, max_examples=80)
def test_any_conversation_can_be_gone_back_to(records: list[Record], every: int, data: st.DataObject) -> None:
    sessions, checkpoints = folded(records, every)
    whole = sessions.snapshot()
    at = data.draw(st.integers(0, len(records)))
    restored, seen = checkpoints.restore(at)
    assert seen <= at
    assert_equal_states(restored, records, at, seen)
    assert sessions.snapshot() == whole


def test_going_back_and_forth_leads_to_the_same_place() -> None:
    reading = Reading.whole(GOLDEN[1])
    records = list(reading)
    reading.close()
    _, checkpoints = folded(records, every=3)
    for at in (len(records), 4, len(records) - 1, 0, 7):
        restored, seen = checkpoints.restore(at)
        for number in range(seen, at):
            restored.apply(records[number])
            checkpoints.note(restored, number + 1)
        assert restored.snapshot() == fold(records[:at]).snapshot()


def test_without_a_checkpoint_everything_begins_at_zero() -> None:
    sessions, count = Checkpoints().restore(5)
    assert count == 0
    assert sessions.records == 0


def test_a_place_that_is_visited_again_can_be_kept() -> None:
    records = [frame({"type": "response.create", "input": "hi"}, Direction.CLIENT)] * 5
    checkpoints = Checkpoints()
    checkpoints.keep(fold(records[:3]), 3)
    checkpoints.keep(fold(records[:3]), 3)
    checkpoints.keep(fold(records[:2]), 2)
    assert len(checkpoints) == 2
    assert [checkpoints.restore(count)[1] for count in range(5)] == [0, 0, 2, 3, 3]


def test_checkpoints_are_thinned_when_they_become_heavy_and_the_newest_stays() -> None:
    checkpoints = Checkpoints(interval=1, budget=5_000)
    sessions = Sessions()
    for number in range(1, 400):
        sessions.apply(frame({"type": "response.create", "input": "hi"}, Direction.CLIENT))
        checkpoints.note(sessions, number)
        assert checkpoints.weight <= 5_000 + 2 * number or len(checkpoints) < 3
    restored, seen = checkpoints.restore(10**9)
    assert seen > 100
    assert restored.records == seen


def test_what_is_nested_too_deeply_to_be_kept_costs_a_longer_way_and_nothing_else() -> None:
    deep = '{"type":"response.output_item.done","output_index":0,"item":{"id":"i","type":"message","x":'
    payload = (deep + "[" * 900 + "]" * 900 + "}}").encode()
    records = [
        frame({"type": "response.create", "input": "hi"}, Direction.CLIENT),
        frame({"type": "response.created", "response": {"id": "resp_1"}}),
        Record(1, Direction.SERVER, Kind.TEXT, 0, 0.0, payload),
    ]
    _, checkpoints = folded(records)
    restored, seen = checkpoints.restore(3)
    assert_equal_states(restored, records, 3, seen)
