from __future__ import annotations

from typing import Any

import pytest

from sessions.profile import ProfileFacts
from sessions.records import Record
from sessions.reducer import Sessions, fold
from sessions.ways import Trouble, Way, WayKind, trouble, trouble_sentence, ways_on
from tests import make

CODEX = ProfileFacts("codex", lanes=False, socket_after_error="dead")


def answered(wire: make.Wire, response_id: str, *, store: bool, **fields: Any) -> list[Record]:
    parent = fields.get("previous_response_id")
    return [
        wire.sent(make.create(store=store, **fields)),
        *wire.got_all(make.answer(response_id, store=store, parent=parent, lane=fields.get("stream_id"))),
    ]


def ways(
    records: list[Record], *, now: float | None = None, profile: ProfileFacts | None = None
) -> tuple[Way, ...]:
    sessions = fold(records)
    session = sessions.sessions[max(sessions.sessions)]
    return ways_on(
        sessions, session, None, read_record=records.__getitem__, now=now, profile=profile or ProfileFacts()
    )


def verdicts(found: tuple[Way, ...]) -> dict[WayKind, bool | None]:
    return {way.kind: way.works for way in found}


def current(
    sessions: Sessions, now: float | None = None, profile: ProfileFacts | None = None
) -> Trouble | None:
    session = sessions.sessions[max(sessions.sessions)]
    return trouble(sessions, session, None, now=now, profile=profile or ProfileFacts())


def test_nothing_is_wrong_with_a_chain_that_goes_on() -> None:
    wire = make.Wire()
    records = [wire.open(), *answered(wire, "resp_a", store=False)]
    assert current(fold(records)) is None
    assert trouble(fold(records), None, None) is None
    assert ways(records)[0].kind is WayKind.SAME_SOCKET


def test_after_a_typo_under_store_false_a_replay_on_the_same_socket_is_the_way() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        *answered(wire, "resp_a", store=False),
        wire.sent(make.create(store=False, previous_response_id="resp_a")),
        wire.got(make.error("invalid_value")),
    ]
    assert current(fold(records)) is Trouble.PARENT_GONE
    found = ways(records)
    assert [way.kind for way in found] == [
        WayKind.REPLAY_SAME,
        WayKind.REPLAY_NEW_SOCKET,
        WayKind.NEW_CHAIN,
        WayKind.SAME_SOCKET,
        WayKind.NEW_SOCKET_STORED,
    ]
    assert found[0].works is True
    assert found[0].turn == 1
    assert (found[0].cost.items, found[0].cost.is_estimate) == (2, False)
    assert found[0].is_replay
    assert not found[0].needs_new_socket
    assert "T2 failed" in found[3].reason


def test_the_server_says_that_the_parent_is_not_there() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        *answered(wire, "resp_a", store=True),
        wire.sent(make.create(previous_response_id="resp_a")),
        wire.got(make.error("previous_response_not_found")),
    ]
    assert current(fold(records)) is Trouble.PARENT_NOT_FOUND
    found = verdicts(ways(records))
    assert found[WayKind.SAME_SOCKET] is False
    assert found[WayKind.NEW_SOCKET_STORED] is False
    assert found[WayKind.REPLAY_SAME] is True


def test_where_an_error_kills_the_socket_only_a_new_one_works() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        *answered(wire, "resp_a", store=False),
        wire.sent(make.create(store=False, previous_response_id="resp_a")),
        wire.got(make.error("previous_response_not_found")),
    ]
    assert current(fold(records), profile=CODEX) is Trouble.SOCKET_DEAD
    found = ways(records, profile=CODEX)
    assert found[0].kind is WayKind.REPLAY_NEW_SOCKET
    assert verdicts(found)[WayKind.REPLAY_SAME] is False
    assert found[0].needs_new_socket


@pytest.mark.parametrize("store", [True, False])
def test_after_a_lost_socket(store: bool) -> None:
    wire = make.Wire()
    records = [wire.open(), *answered(wire, "resp_a", store=store), wire.lost()]
    assert current(fold(records)) is Trouble.LOST
    found = ways(records)
    assert found[0].kind is (WayKind.NEW_SOCKET_STORED if store else WayKind.REPLAY_NEW_SOCKET)
    assert verdicts(found)[WayKind.SAME_SOCKET] is False
    assert found[0].parent == ("resp_a" if store else None)


def test_a_new_socket_beside_a_chain_that_died_with_the_old_one() -> None:
    one, two = make.Wire(1), make.Wire(2, at=9)
    records = [one.open(), *answered(one, "resp_a", store=False), one.lost(), two.open()]
    assert current(fold(records)) is Trouble.PARENT_GONE
    found = ways(records)
    assert found[0].kind is WayKind.REPLAY_SAME
    assert found[0].works is True


def test_an_answer_that_was_cut_goes_on_from_its_parent() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        *answered(wire, "resp_a", store=True),
        wire.sent(make.create(previous_response_id="resp_a")),
        wire.got(make.created("resp_b")),
        wire.lost(),
    ]
    found = ways(records)
    assert (found[0].kind, found[0].parent, found[0].turn) == (WayKind.NEW_SOCKET_STORED, "resp_a", 1)


def test_the_rollover_is_offered_ten_minutes_before_the_end() -> None:
    wire = make.Wire()
    records = [wire.open(lifetime=3600), *answered(wire, "resp_a", store=True)]
    sessions = fold(records)
    start = sessions.sessions[1].opened
    assert current(sessions, now=start + 2900) is None
    assert current(sessions, now=start + 3001) is Trouble.NEAR_LIMIT
    found = ways(records, now=start + 3001)
    assert [way.kind for way in found][:3] == [
        WayKind.NEW_SOCKET_STORED,
        WayKind.REPLAY_NEW_SOCKET,
        WayKind.STAY,
    ]
    assert "10 minutes are left" in found[2].reason
    assert "27 seconds are left" in ways(records, now=start + 3573)[2].reason
    assert current(sessions, now=start + 3600) is Trouble.AGE_LIMIT


def test_a_socket_that_ended_at_its_limit_is_told_from_one_that_was_closed() -> None:
    wire = make.Wire()
    records = [wire.open(lifetime=90), *answered(wire, "resp_a", store=False)]
    early = [*records, wire.close(1000)]
    wire.wait(90)
    late = [*records, wire.got(make.error("websocket_connection_limit_reached")), wire.close(1000)]
    assert current(fold(early)) is Trouble.CLOSED
    assert current(fold(late)) is Trouble.AGE_LIMIT


def test_a_server_that_ends_the_socket_early_names_the_age_limit_itself() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        *answered(wire, "resp_a", store=True),
        wire.got(make.error("websocket_connection_limit_reached")),
    ]
    assert current(fold(records), now=wire.now) is Trouble.AGE_LIMIT


def test_an_opening_that_was_refused() -> None:
    wire = make.Wire()
    records = [wire.refused("forbidden", status=403)]
    assert current(fold(records)) is Trouble.REFUSED
    assert [way.kind for way in ways(records)] == [WayKind.NEW_CHAIN]


def test_a_chain_whose_beginning_is_unknown_cannot_be_replayed_whole() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        *answered(wire, "resp_b", store=False, previous_response_id="resp_before"),
        wire.lost(),
    ]
    found = ways(records)
    by_kind = {way.kind: way for way in found}
    assert by_kind[WayKind.REPLAY_NEW_SOCKET].works is None
    assert "resp_before" in by_kind[WayKind.REPLAY_NEW_SOCKET].reason
    sessions = fold(records)
    guessed = {way.kind: way for way in ways_on(sessions, sessions.sessions[1], None)}
    assert guessed[WayKind.REPLAY_NEW_SOCKET].works is None
    assert guessed[WayKind.REPLAY_NEW_SOCKET].cost.is_estimate


def test_a_parent_this_recording_never_saw_leaves_only_guesses_and_a_new_chain() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        wire.sent(make.create(previous_response_id="resp_z")),
        wire.got(make.error("previous_response_not_found")),
    ]
    found = ways(records)
    assert found[0].kind is WayKind.NEW_CHAIN
    assert verdicts(found) == {
        WayKind.NEW_CHAIN: True,
        WayKind.SAME_SOCKET: False,
        WayKind.NEW_SOCKET_STORED: False,
    }


def test_the_turn_to_go_on_from_can_be_chosen() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        *answered(wire, "resp_a", store=True),
        *answered(wire, "resp_b", store=True, previous_response_id="resp_a"),
    ]
    sessions = fold(records)
    found = ways_on(sessions, sessions.sessions[1], None, turn=sessions.turns[0])
    assert {way.turn for way in found if way.kind is not WayKind.NEW_CHAIN} == {1}


@pytest.mark.parametrize("kind", list(Trouble))
def test_every_trouble_has_a_sentence(kind: Trouble) -> None:
    assert trouble_sentence(kind).endswith(".")


def test_a_new_chain_that_failed_leaves_the_old_one_to_go_on() -> None:
    wire = make.Wire()
    records = [
        wire.open(),
        *answered(wire, "resp_a", store=False),
        wire.sent(make.create(store=False)),
        wire.got(make.error("server_is_overloaded", status=503)),
    ]
    best, *_ = ways(records)
    assert (best.kind, best.parent, best.turn, best.works) == (WayKind.SAME_SOCKET, "resp_a", 1, True)


def test_staying_stands_for_the_same_socket_near_its_limit() -> None:
    wire = make.Wire()
    records = [wire.open(lifetime=3600), *answered(wire, "resp_a", store=False)]
    found = ways(records, now=3500)
    assert [way.kind for way in found] == [
        WayKind.REPLAY_NEW_SOCKET,
        WayKind.STAY,
        WayKind.REPLAY_SAME,
        WayKind.NEW_CHAIN,
        WayKind.NEW_SOCKET_STORED,
    ]


def test_over_http_only_a_parent_that_the_server_denies_is_trouble() -> None:
    wire = make.Wire()
    records = [wire.begun(), *wire.exchange(1, "resp_a", store=False)]
    sessions = fold(records)
    assert trouble(sessions, sessions.sessions[1], None, now=1e9, profile=CODEX) is None
    meta: dict[str, Any] = {"exchange": 2}
    body = make.create(previous_response_id="resp_x")
    wrong = {"error": {"message": "No.", "code": "previous_response_not_found"}}
    records += [wire.asked(body, **meta), wire.answered(wrong, status=400, **meta)]
    sessions = fold(records)
    assert trouble(sessions, sessions.sessions[1], None) is Trouble.PARENT_NOT_FOUND
