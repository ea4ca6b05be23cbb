"""The life of a response: every move, and every way in which a server fails to say what it should."""

from __future__ import annotations

from typing import Any

import pytest

from sessions.contract import CONTENT, MEANING, MOVES, OVER, Status
from sessions.records import Record
from sessions.reducer import Sessions, What, fold
from tests import make
from tests.make import Body, Wire
from tests.playbook import Playbook, change


def begun(wire: Wire, response_id: str = "resp_1", **fields: Any) -> list[Record]:
    """A socket with one response that has just begun."""
    return [wire.open(), wire.sent(make.create(**fields)), wire.got(make.created(response_id))]


def irregular(sessions: Sessions) -> list[str]:
    """What was against the contract, in words."""
    return [words for turn in sessions.turns for one in turn.responses for _, words in one.irregular]


#: how a response is brought to each status, and an event for each trigger
WAYS: dict[Status, list[Body]] = {
    Status.IN_PROGRESS: [make.created("resp_1")],
    Status.QUEUED: [make.created("resp_1"), make.lifecycle("queued", "resp_1")],
    Status.COMPLETED: [make.created("resp_1"), make.completed("resp_1")],
    Status.INCOMPLETE: [make.created("resp_1"), make.incomplete("resp_1")],
    Status.FAILED: [make.created("resp_1"), make.failed("resp_1")],
    Status.ERRORED: [make.created("resp_1"), make.error("server_error", status=500)],
}
TRIGGERS: dict[str, Body] = {
    "response.created": make.created("resp_1"),
    "response.queued": make.lifecycle("queued", "resp_1"),
    "response.in_progress": make.lifecycle("in_progress", "resp_1"),
    "response.completed": make.completed("resp_1"),
    "response.incomplete": make.incomplete("resp_1"),
    "response.failed": make.failed("resp_1"),
    CONTENT: make.item_added(make.message("msg_1")),
}


@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("status", WAYS)
def test_each_move_is_regular_exactly_where_the_table_has_it(status: Status, trigger: str) -> None:
    wire = Wire()
    sessions = fold([wire.open(), wire.sent(make.create()), *wire.got_all(WAYS[status])])
    assert sessions.turns[0].responses[0].status is status
    changes = sessions.apply(wire.got(TRIGGERS[trigger]))
    is_irregular = any(one.what is What.IRREGULAR for one in changes)
    assert is_irregular == ((status, trigger) not in MOVES)
    if trigger != "response.created":  # one that comes again leaves the response as it is
        assert sessions.turns[0].responses[0].status is MOVES.get(
            (status, trigger), status if status in OVER else MEANING[trigger]
        )


def test_a_lane_goes_on_after_an_answer_without_a_terminal_event() -> None:
    wire = Wire()
    play = (
        Playbook()
        >> begun(wire)
        >> wire.sent(make.create("Next."))
        << change(What.TURN, "sent", turn=2)
        >> wire.got(make.created("resp_2"))
        << change(What.IRREGULAR, "a response began before the one on its lane had ended", turn=1)
        << change(What.RESPONSE, "cut", turn=1, response="resp_1")
        << change(What.RESPONSE, "in_progress", turn=2, response="resp_2")
    )
    assert play
    assert [turn.status for turn in play.sessions.turns] == [Status.CUT, Status.IN_PROGRESS]


def test_a_response_that_begins_again_stays_in_its_turn() -> None:
    wire = Wire()
    sessions = fold([*begun(wire), *wire.got_all(make.answer("resp_2"))])
    (turn,) = sessions.turns
    assert [(one.id, one.status) for one in turn.responses] == [
        ("resp_1", Status.CUT),
        ("resp_2", Status.COMPLETED),
    ]
    assert turn.status is Status.COMPLETED


def test_the_end_of_the_socket_cuts_what_runs_and_what_waits() -> None:
    wire = Wire()
    sessions = fold([*begun(wire), wire.sent(make.create("Queued.")), wire.lost()])
    assert [(turn.status, len(turn.responses)) for turn in sessions.turns] == [
        (Status.CUT, 1),
        (Status.CUT, 0),
    ]
    assert not sessions.sessions[1].live


@pytest.mark.parametrize(
    "first", ["response.queued", "response.in_progress", "response.completed", "response.failed"]
)
def test_a_missing_created_is_one_irregular_move(first: str) -> None:
    wire = Wire()
    sessions = fold([wire.open(), wire.sent(make.create()), wire.got(TRIGGERS[first])])
    (turn,) = sessions.turns
    assert turn.status is MEANING[first]
    assert not turn.is_forced
    assert irregular(sessions) == ["no response.created before it"]


def test_content_without_created_belongs_to_the_turn_that_waits() -> None:
    wire = Wire()
    bodies = make.message_events("msg_1", "Hi there")
    sessions = fold(
        [wire.open(), wire.sent(make.create()), *wire.got_all(bodies), wire.got(make.completed("resp_1"))]
    )
    (turn,) = sessions.turns
    assert (turn.response_id, turn.status) == ("resp_1", Status.COMPLETED)
    assert turn.responses[0].text == "Hi there"
    assert irregular(sessions) == ["no response.created before it"]


def test_a_created_that_comes_late_names_the_response() -> None:
    wire = Wire()
    first, *rest = make.answer("resp_1", "Hi there")
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create()),
            *wire.got_all(rest[1:3]),
            wire.got(first),
            *wire.got_all(rest[3:]),
        ]
    )
    (turn,) = sessions.turns
    assert (turn.response_id, turn.responses[0].text) == ("resp_1", "Hi there")
    assert irregular(sessions) == ["no response.created before it", "response.created came late"]


def test_missing_sequence_numbers_change_nothing() -> None:
    wire, other = Wire(), Wire()
    numbered = make.answer("resp_1")
    bare = [{key: value for key, value in body.items() if key != "sequence_number"} for body in numbered]
    one = fold([wire.open(), wire.sent(make.create()), *wire.got_all(numbered)]).snapshot()
    two = fold([other.open(), other.sent(make.create()), *other.got_all(bare)]).snapshot()
    assert one["turns"] == two["turns"]


def test_ids_that_repeat_are_turns_of_their_own() -> None:
    wire = Wire()
    records = [wire.open()]
    for text in ("One.", "Two.", "Three."):
        records += [wire.sent(make.create(text)), *wire.got_all(make.answer("resp_same", text))]
    sessions = fold(records)
    assert [(turn.status, turn.responses[0].text) for turn in sessions.turns] == [
        (Status.COMPLETED, "One."),
        (Status.COMPLETED, "Two."),
        (Status.COMPLETED, "Three."),
    ]
    assert irregular(sessions) == []
    assert sessions.responses["resp_same"] is sessions.turns[2].responses[0]


def test_ids_that_repeat_without_created_answer_what_waits() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            *wire.turn("resp_same", "One."),
            wire.sent(make.create("Again.")),
            wire.got(make.completed("resp_same", [make.message("msg_2", "Two.")])),
        ]
    )
    assert [turn.responses[0].text for turn in sessions.turns] == ["One.", "Two."]


def test_an_id_that_changes_is_one_response_found_by_both() -> None:
    wire = Wire()
    sessions = fold([*begun(wire, "resp_1"), wire.got(make.completed("resp_rewritten"))])
    (turn,) = sessions.turns
    (response,) = turn.responses
    assert irregular(sessions) == ["the response's id changed"]
    assert sessions.responses["resp_1"] is sessions.responses["resp_rewritten"] is response
    assert turn.response_id == "resp_rewritten"  # what the finished object says is what can be continued


def test_a_late_failure_without_an_id_belongs_to_the_response_that_erred() -> None:
    wire = Wire()
    failed = make.failed("resp_1")
    del failed["response"]["id"]
    sessions = fold([*begun(wire), wire.got(make.error("overloaded", status=503)), wire.got(failed)])
    (turn,) = sessions.turns
    assert (turn.status, len(turn.responses)) == (Status.FAILED, 1)


def test_a_late_failure_of_a_turn_that_never_began_brings_its_response() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create()),
            wire.got(make.error("overloaded", status=503)),
            wire.got(make.failed("resp_1")),
        ]
    )
    (turn,) = sessions.turns
    assert (turn.status, turn.response_id, irregular(sessions)) == (Status.FAILED, "resp_1", [])


def test_a_second_ending_is_irregular_and_changes_nothing() -> None:
    wire = Wire()
    sessions = fold([*begun(wire), wire.got(make.completed("resp_1")), wire.got(make.failed("resp_1"))])
    (turn,) = sessions.turns
    assert turn.status is Status.COMPLETED
    assert irregular(sessions) == ["response.failed after the response had ended"]


def test_a_response_nobody_asked_for_is_a_turn_all_the_same() -> None:
    wire = Wire()
    sessions = fold([wire.open(), *wire.got_all(make.answer("resp_1", "Surprise."))])
    (turn,) = sessions.turns
    assert (turn.is_forced, turn.create, turn.responses[0].text) == (True, -1, "Surprise.")
    assert irregular(sessions) == ["nobody asked for this response"]


def test_a_continuation_that_fails_on_its_parents_lane_evicts_the_parent() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            *wire.turn("resp_1", store=False),
            wire.sent(make.create("More.", previous_response_id="resp_1", store=False)),
        ]
    )
    changes = sessions.apply(wire.got(make.error("invalid_prompt")))
    assert [(one.what, one.detail) for one in changes if one.what is What.EVICTED] == [
        (What.EVICTED, "resp_1")
    ]
    assert list(sessions.sessions[1].evicted) == ["resp_1"]


def test_a_fork_that_fails_on_another_lane_keeps_the_parent() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            *wire.turn("resp_1", store=False),
            wire.sent(make.create("Fork.", previous_response_id="resp_1", stream_id="side")),
            wire.got(make.error("previous_response_not_found", stream_id="side")),
        ]
    )
    session = sessions.sessions[1]
    assert session.evicted == {}
    assert list(session.not_found) == ["resp_1"]


def test_a_lane_that_is_not_echoed_is_found_when_there_is_only_one() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create(stream_id="plan")),
            *wire.got_all(make.answer("resp_1", "Hi there")),
        ]
    )
    (turn,) = sessions.turns
    assert (turn.lane, turn.status, turn.responses[0].text) == ("plan", Status.COMPLETED, "Hi there")


def test_an_event_on_the_wrong_lane_follows_its_response_id() -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create(stream_id="a")),
            wire.sent(make.create(stream_id="b")),
            wire.got(make.on_lane(make.created("resp_a"), "a")),
            wire.got(make.on_lane(make.created("resp_b"), "b")),
            wire.got(make.on_lane(make.completed("resp_b"), "a")),
        ]
    )
    assert [turn.status for turn in sessions.turns] == [Status.IN_PROGRESS, Status.COMPLETED]
    assert irregular(sessions) == ["it came on another lane"]


def test_lanes_that_only_a_server_names_are_not_counted() -> None:
    wire = Wire()
    stray = [make.on_lane(make.text_delta("msg_1", "x"), f"lane{n}") for n in range(100)]
    sessions = fold([wire.open(), *wire.got_all(stray)])
    assert sessions.sessions[1].named_lanes == 0
    assert sessions.turns == []


def test_a_hostile_number_of_lanes_does_not_slow_the_search_for_one() -> None:
    wire = Wire()
    opened = [make.on_lane(make.created(f"resp_{n}"), f"lane{n}") for n in range(20_000)]
    sessions = fold([wire.open(), *wire.got_all(opened)])
    assert sessions.sessions[1].busy == ()
    for _ in range(5_000):
        changes = sessions.apply(wire.got(make.text_delta("msg_x", "x")))
        assert [one.detail for one in changes] == ["it belongs to no response"]
        sessions.apply(wire.got(make.error("server_error", status=500)))
    assert sessions.sessions[1].errors == 5_000
