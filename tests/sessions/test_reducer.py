"""The reducer as a whole: every type of event, known or not, changes something and loses nothing."""

from __future__ import annotations

import pytest

from sessions.contract import FAMILIES, LISTED, FailureClass, Family, Status, family
from sessions.events import decode
from sessions.records import Direction, Kind
from sessions.reducer import Sessions, What, fold
from tests import make
from tests.make import Wire


def running(wire: Wire) -> Sessions:
    """A response that runs, with one message announced."""
    return fold(
        [
            wire.open(),
            wire.sent(make.create()),
            wire.got(make.created("resp_1")),
            wire.got(make.item_added(make.message("msg_1"))),
            wire.got(make.part_added("msg_1")),
        ]
    )


@pytest.mark.parametrize("event_type", sorted(FAMILIES))
def test_every_known_type_changes_something_even_without_fields(event_type: str) -> None:
    wire = Wire()
    sessions = running(wire)
    changes = sessions.apply(wire.got({"type": event_type}))
    assert changes
    assert sessions.type_at(sessions.records - 1) == event_type
    sessions.snapshot()


@pytest.mark.parametrize("event_type", sorted(LISTED - {"error"}))
def test_no_official_type_is_unknown_to_the_state(event_type: str) -> None:
    wire = Wire()
    sessions = running(wire)
    sessions.apply(
        wire.got({"type": event_type, "response": {"id": "resp_1"}, "item_id": "msg_1", "output_index": 0})
    )
    assert sessions.sessions[1].unknown_types == {}


@pytest.mark.parametrize(
    "event_type", ["of.next.month", "response.new_tool.delta", "", "Response.Created", "ü" * 300]
)
def test_unknown_types_are_kept_counted_and_shown(event_type: str) -> None:
    wire = Wire()
    sessions = running(wire)
    record = wire.got({"type": event_type, "anything": [1]})
    for _ in range(2):
        (change,) = sessions.apply(record)
        assert (change.what, change.detail, change.turn) == (What.UNKNOWN, event_type, 1)
    assert sessions.sessions[1].unknown_types == {event_type[:200]: 2}
    assert sessions.type_at(sessions.records - 1) == event_type[:200]
    assert sessions.turns[0].status is Status.IN_PROGRESS


def test_unknown_fields_stay_in_the_body() -> None:
    wire = Wire()
    sessions = running(wire)
    sessions.apply(wire.got(make.item_done({**make.message("msg_1", "x"), "from_the_future": {"a": 1}})))
    assert sessions.turns[0].responses[0].items[0].body["from_the_future"] == {"a": 1}


@pytest.mark.parametrize(
    "event_type", [name for name, kind in FAMILIES.items() if kind in (Family.VENDOR, Family.INJECT)]
)
def test_types_of_vendors_belong_to_what_runs_and_change_no_state(event_type: str) -> None:
    wire = Wire()
    sessions = running(wire)
    before = sessions.snapshot()["turns"]
    (change,) = sessions.apply(wire.got({"type": event_type, "sequence_number": 9}))
    assert (change.what, change.detail, change.turn) == (What.OTHER, event_type, 1)
    assert sessions.snapshot()["turns"] == before


def test_codex_rate_limits_are_kept() -> None:
    wire = Wire()
    sessions = running(wire)
    limits = {"primary": {"used_percent": 40, "window_minutes": 300}}
    (change,) = sessions.apply(wire.got({"type": "codex.rate_limits", "rate_limits": limits}))
    assert change.what is What.LIMITS
    assert sessions.sessions[1].limits == {"primary": "40% used of 300 min"}


def test_deltas_are_attributed_by_lane_not_by_id() -> None:
    wire = Wire()
    lanes = ("a", "b", None)
    sessions = fold([wire.open(), *(wire.sent(make.create(stream_id=lane)) for lane in lanes)])
    for number, lane in enumerate(lanes):
        for body in (
            make.created(f"resp_{number}"),
            make.item_added(make.message("msg_same")),
            make.part_added("msg_same"),
        ):
            sessions.apply(wire.got(make.on_lane(body, lane)))
    for word in ("one ", "two"):
        for lane in reversed(lanes):
            (change,) = sessions.apply(wire.got(make.on_lane(make.text_delta("msg_same", f"{word}"), lane)))
            assert change.what is What.TEXT
    assert [turn.responses[0].text for turn in sessions.turns] == ["one two"] * 3
    assert [turn.responses[0].deltas for turn in sessions.turns] == [2, 2, 2]


def test_the_quick_way_and_the_long_way_agree() -> None:
    """A delta that the hot path takes leaves the state as the same delta does that it cannot take."""
    quick, long = Wire(), Wire()
    one, two = running(quick), running(long)
    delta = make.text_delta("msg_1", "word ")
    without_id = {key: value for key, value in delta.items() if key != "item_id"}
    assert one.apply(quick.got(delta)) == two.apply(long.got(without_id))
    assert one.snapshot()["turns"] == two.snapshot()["turns"]
    assert one.type_column == two.type_column


def test_several_sessions_are_kept_apart() -> None:
    one, two = Wire(1), Wire(2)
    sessions = fold([one.open(), two.open(), one.sent(make.create()), two.sent(make.create())])
    sessions.apply(two.got(make.created("resp_2")))
    sessions.apply(one.got(make.created("resp_1")))
    assert [turn.response_id for turn in sessions.turns] == ["resp_1", "resp_2"]
    sessions.apply(one.lost())
    assert [turn.status for turn in sessions.turns] == [Status.CUT, Status.IN_PROGRESS]


def test_a_parent_from_another_session_is_found() -> None:
    one, two = Wire(1), Wire(2)
    sessions = fold(
        [
            one.open(),
            *one.turn("resp_1"),
            one.close(),
            two.open(),
            *two.turn("resp_2", previous_response_id="resp_1"),
        ]
    )
    assert [turn.number for turn in sessions.chain(sessions.turns[1])] == [1, 2]


@pytest.mark.parametrize("kind", [Kind.PING, Kind.MARK, Kind.SSE, Kind.NOTE])
@pytest.mark.parametrize("direction", Direction)
def test_kinds_without_a_meaning_for_the_state_are_noted(kind: Kind, direction: Direction) -> None:
    wire = Wire()
    (change,) = fold([wire.open()]).apply(wire.record(b"\xff", kind, direction))
    assert change.what is What.OTHER


def test_numbers_of_any_size_and_kind_are_taken() -> None:
    wire = Wire()
    sessions = running(wire)
    for number in ("1e999", "9" * 400, "-1", "true", "1.5", '"0"', "[]", "null"):
        for field in ("sequence_number", "output_index", "content_index"):
            sessions.apply(
                wire.got(
                    f'{{"type":"response.output_text.delta","item_id":"msg_1","delta":"x","{field}":{number}}}'
                )
            )
    assert sessions.turns[0].responses[0].items
    sessions.snapshot()


def test_a_hostile_number_of_types_and_lanes_is_bounded() -> None:
    wire = Wire()
    sessions = fold([wire.open()])
    for number in range(61_000):
        sessions.apply(wire.got(b'{"type":"t%d","stream_id":"s%d"}' % (number, number)))
    assert len(sessions.type_names) <= 60_000
    assert len(sessions.sessions[1].unknown_types) == 1_000
    assert len(sessions.sessions[1].lanes) == 0


def test_a_hostile_number_of_irregular_moves_is_bounded() -> None:
    wire = Wire()
    sessions = running(wire)
    sessions.apply(wire.got(make.completed("resp_1")))
    for _ in range(3_000):
        assert sessions.apply(wire.got(make.text_delta("msg_1", "x")))[0].what is What.IRREGULAR
    assert len(sessions.turns[0].responses[0].irregular) == 1_000
    assert len(sessions.turns[0].responses[0].text) == 3_000


def test_a_very_large_completed_is_counted_without_being_read_whole() -> None:
    wire = Wire()
    sessions = running(wire)
    logprobs = [{"token": "x", "logprob": -0.5, "bytes": [1]} for _ in range(40_000)]
    content = [{"type": "output_text", "text": "Cut short by the reader?", "logprobs": logprobs}]
    output = [{**make.message("msg_1"), "content": content}]
    sessions.apply(wire.got(make.text_delta("msg_1", "The streamed text.")))
    record = wire.got(make.completed("resp_1", output))
    event = decode(record.payload)
    assert getattr(event, "is_partial", False)
    sessions.apply(record, event)
    (turn,) = sessions.turns
    assert (turn.status, turn.responses[0].text) == (Status.COMPLETED, "The streamed text.")
    assert turn.responses[0].usage is not None


def test_family_unknown_is_the_only_one_without_types() -> None:
    assert {family(name) for name in FAMILIES} == set(Family) - {Family.UNKNOWN}


def test_a_policy_close_right_after_the_101_is_a_refusal() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(), wire.close(1008, "not you")])
    assert sessions.sessions[1].failure_class is FailureClass.POLICY_CLOSE
    later = make.Wire()
    records = [later.open()]
    later.wait(1.5)
    assert fold([*records, later.close(1008)]).sessions[1].failure_class is None
    spoken = make.Wire()
    assert fold([spoken.open(), *spoken.turn("resp_1"), spoken.close(1008)]).sessions[1].failure_class is None
