from __future__ import annotations

from typing import Any

import pytest

from sessions.continuation import Forecast, Where, forecast, next_parent, usable_parents
from sessions.profile import ProfileFacts
from sessions.records import Direction, Record
from sessions.reducer import Sessions, fold
from tests import make

NO_LANES = ProfileFacts("azure", lanes=False)
REJECTS = ProfileFacts("localai", lanes=False, in_flight="reject")
DEAD_AFTER_ERROR = ProfileFacts("codex", lanes=False, socket_after_error="dead")
VERCEL = ProfileFacts("vercel", lanes=False, failure_ends_chain=True)


def answered(wire: make.Wire, response_id: str, *, store: bool = False, **fields: Any) -> list[Record]:
    """A turn whose answer echoes its `store`."""
    parent, lane = fields.get("previous_response_id"), fields.get("stream_id")
    return [
        wire.sent(make.create(store=store, **fields)),
        *wire.got_all(make.answer(response_id, store=store, parent=parent, lane=lane)),
    ]


def outlook(
    sessions: Sessions,
    parent: str | None,
    lane: str | None = None,
    *,
    number: int | None = 1,
    profile: ProfileFacts | None = None,
    store: bool = False,
    now: float | None = None,
    answers: tuple[str, ...] | None = None,
) -> Forecast:
    session = sessions.sessions[number] if number is not None else None
    return forecast(
        sessions,
        parent,
        session,
        lane,
        store=store,
        profile=profile or ProfileFacts(),
        now=now,
        answers=answers,
    )


# Where the parent is -----------------------------------------------------------------------------------


def test_no_parent_is_a_new_chain() -> None:
    wire = make.Wire()
    found = outlook(fold([wire.open()]), None)
    assert (found.where, found.works, found.same_socket) == (Where.NEW, True, True)
    assert "nothing of earlier turns" in found.sentence


def test_a_lane_used_again_without_a_parent_is_a_new_chain_all_the_same() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(), *answered(wire, "resp_a", stream_id="plan")])
    found = outlook(sessions, None, "plan")
    assert found.where is Where.NEW
    assert "keeps its order, not its conversation" in found.sentence


def test_the_latest_response_of_a_lane_is_in_memory() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(), *answered(wire, "resp_a")])
    found = outlook(sessions, "resp_a")
    assert (found.where, found.works, found.same_socket, found.warnings) == (Where.MEMORY, True, True, ())


def test_a_stored_response_is_loaded_when_it_left_the_memory() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *answered(wire, "resp_a", store=True),
            *answered(wire, "resp_b", store=True, previous_response_id="resp_a"),
        ]
    )
    found = outlook(sessions, "resp_a", store=True)
    assert (found.where, found.works) == (Where.STORED, True)


def test_what_was_not_stored_is_lost_when_its_lane_moved_on() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *answered(wire, "resp_a", stream_id="Plan"),
            *answered(wire, "resp_b", stream_id="Plan", previous_response_id="resp_a"),
        ]
    )
    found = outlook(sessions, "resp_a", "Plan")
    assert (found.where, found.works) == (Where.LOST, False)
    assert found.sentence.startswith("Lane Plan has moved on from T1")


def test_what_was_not_stored_is_lost_with_its_socket() -> None:
    one, two = make.Wire(1), make.Wire(2, at=5)
    sessions = fold([one.open(), *answered(one, "resp_a"), one.lost(), two.open()])
    found = outlook(sessions, "resp_a", number=2)
    assert (found.where, found.works, found.same_socket) == (Where.LOST, False, False)
    assert "socket 1, which has ended" in found.sentence


def test_a_stored_response_outlives_its_socket() -> None:
    one, two = make.Wire(1), make.Wire(2, at=5)
    sessions = fold([one.open(), *answered(one, "resp_a", store=True), one.close(), two.open()])
    found = outlook(sessions, "resp_a", number=2)
    assert (found.where, found.works, found.same_socket) == (Where.STORED, True, False)


def test_through_another_address_nobody_knows() -> None:
    one, two = make.Wire(1), make.Wire(2, at=5)
    rewritten = "resp_bGl0ZWxsbTpjdXN0b21fbGxt"
    sessions = fold(
        [
            one.open("wss://proxy.example/v1/responses"),
            *answered(one, "resp_a", store=True),
            *answered(one, rewritten, store=True),
            two.open(),
        ]
    )
    assert outlook(sessions, "resp_a", number=2).works is None
    found = outlook(sessions, rewritten, number=2)
    assert found.works is None
    assert "LiteLLM" in found.sentence


def test_a_failed_continuation_evicts_its_parent() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *answered(wire, "resp_a"),
            wire.sent(make.create(store=False, previous_response_id="resp_a")),
            wire.got(make.error("invalid_value")),
        ]
    )
    found = outlook(sessions, "resp_a")
    assert (found.where, found.works) == (Where.EVICTED, False)
    assert "when T2 failed" in found.sentence
    assert "previous_response_not_found" in found.sentence


def test_a_failed_fork_from_another_lane_keeps_the_parent() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *answered(wire, "resp_a"),
            wire.sent(make.create(store=False, previous_response_id="resp_a", stream_id="fork")),
            wire.got(make.error("invalid_value", stream_id="fork")),
        ]
    )
    assert outlook(sessions, "resp_a").where is Where.MEMORY


def test_an_evicted_response_that_was_stored_is_still_a_parent() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *answered(wire, "resp_a", store=True),
            wire.sent(make.create(previous_response_id="resp_a")),
            wire.got(make.error("invalid_value")),
        ]
    )
    assert outlook(sessions, "resp_a").where is Where.STORED


def test_an_id_nobody_has_seen_is_unknown_until_the_server_denies_it() -> None:
    wire = make.Wire()
    sessions = fold([wire.open()])
    found = outlook(sessions, "resp_z")
    assert (found.where, found.works) == (Where.UNKNOWN, None)
    sessions.apply(wire.sent(make.create(previous_response_id="resp_z")))
    sessions.apply(wire.got(make.error("previous_response_not_found")))
    found = outlook(sessions, "resp_z")
    assert (found.where, found.works) == (Where.LOST, False)
    assert "record 2" in found.sentence


def test_a_running_response_is_no_parent_yet() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(), wire.sent(make.create()), wire.got(make.created("resp_a"))])
    assert outlook(sessions, "resp_a", "other").works is False
    found = outlook(sessions, "resp_a")
    assert (found.where, found.works) == (Where.RUNNING, None)
    assert "waits until it has ended" in found.sentence


def test_a_failed_response_promises_nothing() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *answered(wire, "resp_a"),
            wire.sent(make.create(previous_response_id="resp_a")),
            wire.got(make.created("resp_b")),
            wire.got(make.failed("resp_b")),
        ]
    )
    found = outlook(sessions, "resp_b")
    assert (found.where, found.works) == (Where.FAILED, None)
    assert "T1" in found.sentence
    assert outlook(sessions, "resp_b", profile=VERCEL).works is False


def test_where_a_failure_ends_the_chain_earlier_ids_are_gone_too() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *answered(wire, "resp_a", store=True),
            wire.sent(make.create(previous_response_id="resp_a")),
            wire.got(make.created("resp_b")),
            wire.got(make.failed("resp_b")),
        ]
    )
    assert outlook(sessions, "resp_a", profile=VERCEL).works is False
    assert outlook(sessions, "resp_a").works is True


def test_an_incomplete_response_is_kept_but_promises_nothing() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create(store=False)),
            wire.got(make.created("resp_a", store=False)),
            wire.got(make.incomplete("resp_a", store=False)),
        ]
    )
    found = outlook(sessions, "resp_a")
    assert (found.where, found.works) == (Where.MEMORY, None)
    assert "max_output_tokens" in found.sentence


@pytest.mark.parametrize(
    ("store", "where", "works"), [(True, Where.STORED, None), (False, Where.LOST, False)]
)
def test_a_cut_response(store: bool, where: Where, works: bool | None) -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create(store=store)),
            wire.got(make.created("resp_a", store=store)),
            wire.lost(),
        ]
    )
    found = outlook(sessions, "resp_a")
    assert (found.where, found.works) == (where, works)


def test_a_warm_up_is_a_parent_like_any_other() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create([], store=False, generate=False)),
            wire.got(make.created("resp_w", store=False)),
            wire.got(make.completed("resp_w", store=False)),
        ]
    )
    assert outlook(sessions, "resp_w").where is Where.MEMORY


# What else is said -------------------------------------------------------------------------------------


def test_without_a_socket_a_new_one_comes_first() -> None:
    wire = make.Wire()
    sessions = fold(
        [wire.open(), *answered(wire, "resp_a"), *answered(wire, "resp_s", store=True), wire.close()]
    )
    assert outlook(sessions, "resp_a", number=None).works is False
    found = outlook(sessions, "resp_s", number=None)
    assert (found.where, found.works, found.same_socket) == (Where.STORED, True, False)
    assert "No socket is open" in found.warnings[0]
    assert outlook(sessions, "resp_s", number=1).warnings == found.warnings


def test_open_calls_are_warned_of_and_judged_once_the_answers_are_known() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create()),
            *wire.got_all(make.call_answer("resp_a", {"call_1": "{}", "call_2": "{}"})),
        ]
    )
    found = outlook(sessions, "resp_a")
    assert found.works is True
    assert "2 calls of T1 wait" in found.warnings[-1]
    assert "forgets T1" in found.warnings[-1]
    half = outlook(sessions, "resp_a", answers=("call_1",))
    assert half.works is False
    assert "1 call of T1 waits for an answer (get_weather):" in half.warnings[-1]
    both = outlook(sessions, "resp_a", answers=())
    assert "2 calls of T1 wait for an answer (get_weather x2):" in both.warnings[-1]
    whole = outlook(sessions, "resp_a", answers=("call_2", "call_1"))
    assert (whole.works, whole.warnings) == (True, ())


def test_a_busy_lane_queues_or_refuses() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *answered(wire, "resp_a", store=True),
            wire.sent(make.create(previous_response_id="resp_a")),
        ]
    )
    found = outlook(sessions, "resp_a", store=True)
    assert found.works is True
    assert any("busy with T2" in warning for warning in found.warnings)
    assert not outlook(sessions, "resp_a", "other", store=True).warnings
    refused = outlook(sessions, "resp_a", "other", profile=REJECTS)
    assert refused.works is False
    assert "refuses a second create" in refused.sentence


def test_a_parent_in_memory_may_be_replaced_before_the_queue_gets_to_it() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *answered(wire, "resp_a"),
            wire.sent(make.create(store=False, previous_response_id="resp_a")),
            wire.got(make.created("resp_b", store=False)),
        ]
    )
    found = outlook(sessions, "resp_a")
    assert (found.where, found.works) == (Where.MEMORY, None)
    assert "T2 goes first" in found.sentence
    fork = outlook(sessions, "resp_a", "fork")
    assert fork.works is True
    assert any("takes the place of T1" in warning for warning in fork.warnings)
    assert any("wait for its response.in_progress" in warning for warning in fork.warnings)


def test_lanes_have_names_and_limits() -> None:
    wire = make.Wire()
    names = [f"lane-{number}" for number in range(32)]
    sessions = fold([wire.open(), *(r for n in names for r in answered(wire, f"resp_{n}", stream_id=n))])
    assert outlook(sessions, None, "one-more").works is False
    assert outlook(sessions, None, "lane-3").works is True
    assert outlook(sessions, None, "").works is False
    assert outlook(sessions, None, "with space").works is False
    assert any("documents no lanes" in one for one in outlook(sessions, None, "x", profile=NO_LANES).warnings)


def test_sixteen_in_flight_make_the_next_one_wait() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(), *(wire.sent(make.create(stream_id=f"l{number}")) for number in range(16))])
    found = outlook(sessions, None, "l16")
    assert any("16 responses are in flight" in warning for warning in found.warnings)


def test_after_an_error_some_sockets_are_dead() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(), wire.sent(make.create()), wire.got(make.error("server_error", status=500))])
    assert outlook(sessions, None).works is True
    found = outlook(sessions, None, profile=DEAD_AFTER_ERROR)
    assert found.works is False
    assert "open a new one" in found.sentence


def test_the_age_limit_is_told_before_it_comes() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(lifetime=3600)])
    start = sessions.sessions[1].opened
    assert outlook(sessions, None, now=start + 1000).warnings == ()
    assert any("9 minutes" in one for one in outlook(sessions, None, now=start + 3060).warnings)
    assert any("60 seconds" in one for one in outlook(sessions, None, now=start + 3540).warnings)
    assert outlook(sessions, None, now=start + 3601).works is False


def test_storing_on_top_of_what_was_not_stored_is_doubtful() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(), *answered(wire, "resp_a")])
    assert any("was not stored" in one for one in outlook(sessions, "resp_a", store=True).warnings)


def test_a_server_that_does_not_store_although_asked_is_named() -> None:
    wire = make.Wire()
    sessions = fold(
        [wire.open(), wire.sent(make.create(store=True)), *wire.got_all(make.answer("resp_a", store=False))]
    )
    assert any("although it was asked to" in one for one in outlook(sessions, "resp_a").warnings)


def test_a_waiting_steer_is_not_to_be_repeated() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create()),
            wire.got(make.created("resp_a")),
            wire.sent(make.steer("resp_a")),
            wire.got(
                {"type": "response.steer.accepted", "steer": {"id": "s", "previous_response_id": "resp_a"}}
            ),
            *wire.got_all(make.call_events("fc_1", "call_1", "get_weather", "{}")),
            wire.got(make.completed("resp_a", [make.function_call("fc_1", "call_1", arguments="{}")])),
        ]
    )
    assert any("do not repeat it" in one for one in outlook(sessions, "resp_a", answers=("call_1",)).warnings)


# Parents to choose from ----------------------------------------------------------------------------------


def test_usable_parents_are_those_that_may_work_newest_first() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *answered(wire, "resp_lost"),
            *answered(wire, "resp_stored", store=True, previous_response_id="resp_lost"),
            *answered(wire, "resp_head", previous_response_id="resp_stored"),
            wire.sent(make.create(stream_id="x")),
        ]
    )
    found = usable_parents(sessions, sessions.sessions[1], None)
    assert [(turn.number, one.where) for turn, one in found] == [(3, Where.MEMORY), (2, Where.STORED)]
    found = usable_parents(sessions, None, None)
    assert [turn.number for turn, _ in found] == [2]


def test_the_next_parent_is_what_the_lane_answered_last_here_or_before() -> None:
    one, two = make.Wire(1), make.Wire(2, at=9)
    records = [
        one.open(),
        *answered(one, "resp_a"),
        *answered(one, "resp_p", stream_id="plan"),
        one.lost(),
        two.open(),
    ]
    sessions = fold(records)
    assert next_parent(sessions, sessions.sessions[2], None) == "resp_a"
    assert next_parent(sessions, sessions.sessions[2], "plan") == "resp_p"
    assert next_parent(sessions, sessions.sessions[2], "new") is None
    for record in answered(two, "resp_b"):
        sessions.apply(record)
    assert next_parent(sessions, sessions.sessions[2], None) == "resp_b"
    assert next_parent(sessions, sessions.sessions[1], None) == "resp_a"
    assert next_parent(sessions, None, None) == "resp_b"


def test_closing_counts_as_closed() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(), *answered(wire, "resp_a"), wire.close(by=Direction.CLIENT)])
    assert outlook(sessions, "resp_a").works is False


def test_a_socket_that_keeps_its_first_model_is_told_of() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(), *answered(wire, "resp_a")])
    session = sessions.sessions[1]
    fixed = ProfileFacts("vercel", lanes=False, is_model_fixed=True)
    found = forecast(sessions, None, session, None, profile=fixed, model="gpt-6-astra")
    assert any("keeps the first model of a socket, gpt-5.4" in one for one in found.warnings)
    assert forecast(sessions, None, session, None, profile=fixed, model="gpt-5.4").warnings == ()
    assert forecast(sessions, None, session, None, model="gpt-6-astra").warnings == ()


def test_a_fork_without_answers_is_refused_but_forgets_nothing() -> None:
    wire = make.Wire()
    sessions = fold(
        [wire.open(), wire.sent(make.create()), *wire.got_all(make.call_answer("resp_a", {"call_1": "{}"}))]
    )
    assert "forgets" in outlook(sessions, "resp_a").warnings[-1]
    assert "forgets" not in outlook(sessions, "resp_a", "fork", store=True).warnings[-1]


def test_without_lanes_whatever_runs_takes_the_place_of_the_parent() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(), *answered(wire, "resp_a"), wire.sent(make.create(store=False))])
    found = outlook(sessions, "resp_a", profile=NO_LANES)
    assert (found.where, found.works) == (Where.MEMORY, None)


def test_a_named_session_goes_on_from_its_own_sockets_only() -> None:
    plan, code, again, plain = make.Wire(1), make.Wire(2, at=1.0), make.Wire(3, at=2.0), make.Wire(4, at=3.0)
    records = [plan.open(name="plan"), *plan.turn("resp_p"), code.open(name="code"), *code.turn("resp_c")]
    sessions = fold([*records, again.open(name="plan"), plain.open()])
    known = sessions.sessions
    assert next_parent(sessions, known[3], None) == "resp_p"
    assert next_parent(sessions, known[2], None) == "resp_c"
    assert next_parent(sessions, known[4], None) is None


def test_over_http_a_parent_is_stored_or_lost() -> None:
    wire, socket = make.Wire(), make.Wire(2, at=5.0)
    sessions = fold(
        [
            wire.begun(),
            *wire.exchange(1, "resp_kept", store=True),
            *wire.exchange(2, "resp_gone", store=False),
            socket.open(),
            *answered(socket, "resp_socket", store=True),
        ]
    )
    kept = outlook(sessions, "resp_kept")
    assert (kept.where, kept.works) == (Where.STORED, True)
    assert kept.sentence == "T1 was stored: over HTTP the server loads it for each request."
    gone = outlook(sessions, "resp_gone")
    assert (gone.where, gone.works) == (Where.LOST, False)
    assert "HTTP remembers nothing between requests and T2 was not stored" in gone.sentence
    assert outlook(sessions, "resp_socket").works is True  # the same server, whatever the way
    assert outlook(sessions, "resp_kept", number=2).works is True
