"""The roster: one row per connection in the order of arrival, its state in words."""

from __future__ import annotations

import pytest

from sessions.reducer import Sessions, fold
from sessions.roster import Mood, Row, label, roster, row
from tests.make import (
    Wire,
    call_answer,
    completed,
    create,
    created,
    error,
    function_output,
    item_added,
    message,
    text_delta,
)


def row_of(*records: object, now: float = 100.0) -> Row:
    state = fold(records)  # type: ignore[arg-type]  # records of one Wire
    (only,) = roster(state, now)
    return only


def test_a_row_tells_age_countdown_lanes_turns_and_bytes() -> None:
    wire = Wire(step=0.0, at=10.0)
    opened = wire.open(client="codex_cli_rs 0.153.4", pair="019e", name="alpha")
    turn = wire.turn("resp_1", "Hello.")
    told = row_of(opened, *turn, now=70.0)
    assert (told.number, told.label, told.client, told.name) == (1, "c1", "codex_cli_rs 0.153.4", "alpha")
    assert (told.age, told.left, told.quiet) == (60.0, 3540.0, 60.0)
    assert (told.lanes, told.live, told.turns) == (1, 0, 1)
    sent, *got = turn
    assert (told.bytes_out, told.bytes_in) == (len(sent.payload), sum(len(one.payload) for one in got))
    assert told.pair == "019e"
    assert told.is_open
    assert not told.is_http


def test_what_crossed_the_wire_is_counted_apart_from_what_it_meant() -> None:
    wire = Wire()
    opened = wire.open(compression="permessage-deflate")
    sent = wire.sent(create("Hi " * 100))
    told = row_of(opened, sent._replace(meta={"wire": 40}))
    assert (told.bytes_out, told.wire_out) == (len(sent.payload), 40)


@pytest.mark.parametrize("code", [1000, 1008, 4001])
def test_a_close_says_its_code_and_who(code: int) -> None:
    wire = Wire()
    told = row_of(wire.open(), *wire.turn("resp_1"), wire.close(code))
    assert told.state == f"closed {code} by the server"
    assert told.mood is (Mood.OVER if code == 1000 else Mood.WRONG)
    assert told.left is None
    assert told.quiet is None


def test_what_a_killed_writer_left_open_has_no_end() -> None:
    wire = Wire()
    running = [wire.open(), wire.sent(create("Hi")), wire.got(created("resp_1"))]
    (told,) = roster(fold(running), 100.0, is_last_word=True)
    assert (told.state, told.mood) == ("without an end in T1", Mood.CUT)
    assert (told.left, told.quiet, told.live, told.is_open) == (None, None, 0, False)
    (idle,) = roster(fold([Wire().open()]), 100.0, is_last_word=True)
    assert idle.state == "without an end"
    wire = Wire()
    ended = fold([wire.open(), wire.close(1000)])
    assert roster(ended, 100.0, is_last_word=True) == roster(ended, 100.0)


def test_what_runs_says_which_turn_and_whether_words_have_come() -> None:
    wire = Wire()
    records = [wire.open(), wire.sent(create("Hi"))]
    assert row_of(*records).state == "T1 sent"
    records.append(wire.got(created("resp_1")))
    assert row_of(*records).state == "thinking T1"
    records.append(wire.got(item_added(message("msg_1", status="in_progress"))))
    records.append(wire.got(text_delta("msg_1", "He")))
    told = row_of(*records)
    assert (told.state, told.mood, told.live) == ("streaming T1", Mood.BUSY, 1)
    records += [wire.sent(create("Hi", stream_id="b")), wire.got({**created("resp_2"), "stream_id": "b"})]
    assert row_of(*records).state == "2 lanes live"


def test_what_rests_says_why() -> None:
    wire = Wire()
    assert row_of(wire.open()).state == "idle"
    warm = [wire.open(), wire.sent(create([], generate=False)), wire.got(created("resp_1"))]
    warm.append(wire.got(completed("resp_1")))
    assert row_of(*warm).state == "idle after warm-up"
    wire = Wire()
    calls = [
        wire.open(),
        wire.sent(create("Weather?")),
        *wire.got_all(call_answer("resp_1", {"call_1": "{}"})),
    ]
    told = row_of(*calls)
    assert (told.state, told.mood) == ("waiting for tool outputs T1", Mood.WAITING)
    calls += wire.turn("resp_2", input=[function_output("call_1")], previous_response_id="resp_1")
    assert row_of(*calls).state == "idle after T2"
    calls += [wire.sent(create("More", previous_response_id="resp_2")), wire.got(error("server_error"))]
    told = row_of(*calls)
    assert (told.state, told.mood, told.errors) == ("idle, T3 failed", Mood.WRONG, 1)


def test_ends_without_agreement_say_how() -> None:
    wire = Wire()
    assert row_of(wire.refused("upgrade_required", status=426)).state == "refused 426"
    assert row_of(Wire().refused("dns", "no such name")).state == "refused dns"
    wire = Wire()
    records = [wire.open(), *wire.turn("resp_1")]
    wire.wait(100.2)
    told = row_of(*records, wire.lost(), now=500.0)
    assert (told.state, told.mood) == ("1006 after 100s of silence", Mood.WRONG)
    assert told.age == pytest.approx(100.33, abs=0.2)
    wire = Wire()
    assert row_of(wire.open(), *wire.turn("resp_1"), wire.lost()).state == "1006 lost"


def test_rows_stand_in_the_order_of_arrival() -> None:
    first, second = Wire(3), Wire(1, at=5.0)
    state: Sessions = fold([first.open(), second.open()])
    assert [one.number for one in roster(state, 9.0)] == [3, 1]
    assert [label(one) for one in state.sessions.values()] == ["c3", "c1"]
    assert row(state.sessions[1], 9.0) == roster(state, 9.0)[1]


def test_a_session_of_our_own_over_http_is_idle_between_two_requests() -> None:
    wire = Wire()
    records = [wire.begun(), *wire.exchange(1, "resp_1")]
    assert row(fold(records[:1]).sessions[1], 5.0).state == "idle"
    (found,) = roster(fold(records), 5.0)
    assert (found.label, found.state, found.left, found.is_open) == ("h1", "idle after T1", None, True)
