"""Which turns read differently after a change: the turn itself, its caller, those that wait, those cut."""

from __future__ import annotations

from collections.abc import Sequence

from sessions.changes import What
from sessions.records import Record
from sessions.reducer import Sessions
from tests import make
from tui.touched import turns_touched


def touched(records: Sequence[Record], what: What) -> set[int]:
    """The turns touched by those changes of the last record that are of this kind."""
    sessions = Sessions()
    changes = [sessions.apply(record) for record in records][-1]
    found = [change for change in changes if change.what is what]
    assert found, changes
    return {number for change in found for number in turns_touched(sessions, change)}


def test_a_delta_touches_its_own_turn_only() -> None:
    wire = make.Wire()
    records = [wire.open(), *wire.turn("resp_1"), wire.sent(make.create()), wire.got(make.created("resp_2"))]
    records += wire.got_all([make.item_added(make.message("m", status="in_progress")), make.part_added("m")])
    assert touched([*records, wire.got(make.text_delta("m", "word"))], What.TEXT) == {2}


def test_an_answer_touches_the_turn_that_made_the_call() -> None:
    wire = make.Wire()
    call = make.function_call("fc_1", "call_1")
    output = {"type": "function_call_output", "call_id": "call_1", "output": "12"}
    records = [
        wire.open(),
        wire.sent(make.create()),
        wire.got(make.created("resp_1")),
        *wire.got_all(make.call_events("fc_1", "call_1", "get_weather", "{}")),
        wire.got(make.completed("resp_1", [call])),
        wire.sent(make.create([output], previous_response_id="resp_1")),
    ]
    assert touched(records, What.ANSWER) == {1, 2}


def test_a_turn_that_waits_is_touched_by_the_turn_before_it() -> None:
    wire = make.Wire()
    records = [wire.open(), wire.sent(make.create()), wire.sent(make.create())]
    assert touched([*records, wire.got(make.created("resp_1"))], What.RESPONSE) == {1, 2}


def test_the_end_of_a_socket_touches_every_turn_that_it_cut() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        *wire.turn("resp_1"),
        wire.sent(make.create(stream_id="a")),
        wire.got({**make.created("resp_2"), "stream_id": "a"}),
        wire.sent(make.create(stream_id="b")),
        wire.got({**make.created("resp_3"), "stream_id": "b"}),
        wire.lost(),
    ]
    assert {2, 3} <= touched(records, What.SESSION)
    assert 1 not in touched(records, What.SESSION)
