from __future__ import annotations

from sessions.memory import find, forgotten, is_remembered, is_stored
from sessions.profile import OPENAI, ProfileFacts
from sessions.reducer import fold
from tests import make

NO_LANES = ProfileFacts("azure", lanes=False)


def test_each_lane_keeps_its_latest_response() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            *wire.turn("resp_a", store=False),
            *wire.turn("resp_b", store=False, stream_id="plan"),
            *wire.turn("resp_c", store=False, previous_response_id="resp_a"),
        ]
    )
    session = sessions.sessions[1]
    kept = {name: is_remembered(session, session.responses[name]) for name in session.responses}
    assert kept == {"resp_a": False, "resp_b": True, "resp_c": True}


def test_without_lanes_only_the_newest_response_of_the_socket_is_kept() -> None:
    wire = make.Wire()
    sessions = fold([wire.open(), *wire.turn("resp_a"), *wire.turn("resp_b", stream_id="plan")])
    session = sessions.sessions[1]
    assert not is_remembered(session, session.responses["resp_a"], NO_LANES)
    assert is_remembered(session, session.responses["resp_b"], NO_LANES)


def test_another_socket_remembers_nothing_of_it() -> None:
    one, two = make.Wire(1), make.Wire(2)
    sessions = fold([one.open(), *one.turn("resp_a"), two.open()])
    response = find(sessions, "resp_a", sessions.sessions[2])
    assert response is not None
    assert not is_remembered(sessions.sessions[2], response)
    assert is_remembered(sessions.sessions[1], response)


def test_what_the_server_echoes_counts_more_than_what_was_asked() -> None:
    wire = make.Wire()
    sessions = fold(
        [
            wire.open(),
            wire.sent(make.create()),
            *wire.got_all(make.answer("resp_forced", store=False)),
            wire.sent(make.create(store=False)),
            *wire.got_all(make.answer("resp_silent", store=None)),
        ]
    )
    responses = sessions.responses
    assert not is_stored(sessions, responses["resp_forced"])
    assert not is_stored(sessions, responses["resp_silent"])
    assert is_stored(sessions, responses["resp_silent"], ProfileFacts(stores="always"))


def test_find_prefers_the_session_whose_id_it_is() -> None:
    one, two = make.Wire(1), make.Wire(2)
    sessions = fold([one.open(), *one.turn("resp_same"), two.open(), *two.turn("resp_same")])
    found = find(sessions, "resp_same", sessions.sessions[1])
    assert found is not None
    assert found.session == 1
    assert find(sessions, None) is None
    assert find(sessions, "resp_none") is None
    assert OPENAI.lanes


def test_http_remembers_nothing_and_forgets_what_was_not_stored() -> None:
    wire = make.Wire()
    sessions = fold(
        [wire.begun(), *wire.exchange(1, "resp_a", store=False), *wire.exchange(2, "resp_b", store=True)]
    )
    session = sessions.sessions[1]
    assert not is_remembered(session, session.responses["resp_a"])
    assert forgotten(sessions, session, "resp_a") is sessions.turns[0]
    assert forgotten(sessions, session, "resp_b") is None
    assert forgotten(sessions, session, "resp_nobody_saw") is None
    assert forgotten(sessions, session, None) is None
    assert forgotten(sessions, session, "resp_b", ProfileFacts("codex", stores="never")) is None
    socket = make.Wire(2)
    sessions = fold([socket.open(), *socket.turn("resp_c", store=False)])
    assert forgotten(sessions, sessions.sessions[2], "resp_c") is None
