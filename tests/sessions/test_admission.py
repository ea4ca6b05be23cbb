from __future__ import annotations

import pytest

from sessions.admission import Admission, admission, first_ahead, lane_name
from sessions.profile import ProfileFacts
from sessions.reducer import fold
from sessions.session import Session
from tests import make

NO_LANES = ProfileFacts("azure", lanes=False)
REJECTS = ProfileFacts("localai", lanes=False, in_flight="reject")
DEAD = ProfileFacts("codex", lanes=False, socket_after_error="dead")
FIXED = ProfileFacts("vercel", lanes=False, is_model_fixed=True)


def busy() -> Session:
    """A socket with T1 running on the default lane, T2 behind it, and T3 done on another lane."""
    wire = make.Wire()
    records = [
        wire.open(),
        wire.sent(make.create()),
        wire.got(make.created("resp_a")),
        wire.sent(make.create()),
        *wire.turn("resp_p", stream_id="plan"),
    ]
    return fold(records).sessions[1]


def test_an_idle_socket_takes_a_create() -> None:
    wire = make.Wire()
    session = fold([wire.open(), *wire.turn("resp_a")]).sessions[1]
    assert admission(session, None) == Admission()
    assert admission(session, "plan", now=100.0) == Admission()


def test_a_lane_waits_for_what_is_ahead_of_it() -> None:
    session = busy()
    assert [first_ahead(session, lane) for lane in (None, "plan", "new")] == [1, 0, 0]
    assert first_ahead(session, "plan", NO_LANES) == 1
    assert admission(session, None).warnings == (
        "The default lane is busy with T1: this create waits its turn.",
    )
    assert admission(session, "plan") == Admission()


def test_without_lanes_the_socket_is_busy_and_a_lane_is_doubtful() -> None:
    session = busy()
    assert admission(session, None, profile=NO_LANES).warnings == (
        "This socket is busy with T1: this create waits its turn.",
    )
    assert "documents no lanes" in admission(session, "plan", profile=NO_LANES).warnings[0]


def test_some_refuse_a_second_create_and_then_nothing_waits() -> None:
    found = admission(busy(), None, profile=REJECTS)
    assert "refuses a second create" in found.refusal
    assert found.warnings == ()


@pytest.mark.parametrize("lane", ["", "a b", "ü", "x" * 257])
@pytest.mark.parametrize("is_open", [True, False])
def test_a_name_that_is_none_is_refused_on_any_socket(lane: str, is_open: bool) -> None:
    assert "no lane name" in admission(busy() if is_open else None, lane).refusal


def test_thirty_two_names_are_the_limit_and_an_old_one_can_be_used_again() -> None:
    wire = make.Wire()
    records = [wire.open()]
    for number in range(32):
        records += wire.turn(f"resp_{number}", stream_id=f"lane-{number}")
    session = fold(records).sessions[1]
    assert "32 lane names" in admission(session, "one-more").refusal
    assert admission(session, "lane-7") == Admission()
    assert admission(session, None) == Admission()


def test_sixteen_in_flight_are_the_limit() -> None:
    wire = make.Wire()
    records = [wire.open(), *(wire.sent(make.create(stream_id=f"l{number}")) for number in range(16))]
    session = fold(records).sessions[1]
    assert "16 responses are in flight" in admission(session, "l16").warnings[0]
    assert "busy with T3" in admission(session, "l2").warnings[0]


def test_an_error_ends_some_sockets() -> None:
    wire = make.Wire()
    session = fold([wire.open(), wire.sent(make.create()), wire.got(make.error("x"))]).sessions[1]
    assert admission(session, None) == Admission()
    assert "answers nothing after one" in admission(session, None, profile=DEAD).refusal


@pytest.mark.parametrize(
    ("passed", "words", "is_refused"),
    [(2999, "", False), (3001, "10 minutes", False), (3590, "10 seconds", False), (3600, "", True)],
)
def test_the_age_of_the_socket(passed: float, words: str, is_refused: bool) -> None:
    wire = make.Wire()
    session = fold([wire.open(lifetime=3600)]).sessions[1]
    found = admission(session, None, now=session.opened + passed)
    assert bool(found.refusal) is is_refused
    assert (words in found.warnings[0]) if words else found.warnings == ()


def test_a_socket_that_keeps_its_first_model() -> None:
    session = busy()
    found = admission(session, None, profile=FIXED, model="gpt-6-astra")
    assert "keeps the first model of a socket, gpt-5.4" in found.warnings[-1]
    assert len(admission(session, None, profile=FIXED, model="gpt-5.4").warnings) == 1


def test_without_a_socket_a_new_one_comes_first() -> None:
    assert "No socket is open" in admission(None, None).warnings[0]
    assert admission(None, None).refusal == ""


def test_lanes_have_names_in_sentences() -> None:
    assert lane_name(None) == "the default lane"
    assert lane_name("plan") == "lane plan"


def test_over_http_a_lane_carries_one_request_and_nothing_else_counts() -> None:
    wire = make.Wire()
    session = fold([wire.begun(), *wire.exchange(1, "resp_a", lane="l")[:4]]).sessions[1]
    refused = admission(session, "l", profile=NO_LANES, now=1e9)
    assert refused.refusal.startswith("T1 is running on lane l: over HTTP a lane carries one request")
    for profile in (NO_LANES, REJECTS, DEAD, FIXED):
        assert admission(session, None, profile=profile, now=1e9, model="other") == Admission()
