"""HTTP exchanges in the state: the same turns and failures as over a socket, whatever the answer's form."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from sessions.contract import FailureClass, Status
from sessions.records import Direction, Kind, Meta, Record
from sessions.reducer import Sessions, What, fold
from sessions.session import Phase
from tests import make
from tests.make import Wire
from tests.playbook import Playbook, change

WHO = {"client": "OpenAI/Python 3.52.0", "peer": "127.0.0.1:5", "pair": "s-1", "tap": "http://127.0.0.1:9/v1"}


def posted(fields: dict[str, Any] | None = None) -> dict[str, Any]:
    """The body of a POST: a create without its type."""
    body = make.create(stream=True, **(fields or {}))
    del body["type"]
    return body


def streamed(wire: Wire, response_id: str = "resp_1", text: str = "Hello, world.") -> list[Record]:
    return [
        wire.asked(posted(), **WHO),
        wire.answered(),
        *wire.streamed_all(make.answer(response_id, text)),
        wire.ended(),
    ]


def object_of(response_id: str, status: str = "completed", text: str = "Hi.") -> dict[str, Any]:
    """A response as one JSON object."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}
    return {
        "id": response_id, "object": "response", "status": status, "model": "gpt-5.4", "output": [message],
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
    }  # fmt: skip


def plain(sessions: Sessions) -> dict[str, Any]:
    """A turn as a reader sees it, without what tells one transport from the other."""
    turn = sessions.turns[0]
    response = turn.response
    assert response is not None
    return {
        "status": turn.status,
        "model": turn.model,
        "text": response.text,
        "usage": response.usage,
        "deltas": response.deltas,
        "items": [(item.id, item.type, item.status) for item in response.items],
        "irregular": [words for _, words in response.irregular],
        "dialects": response.dialects,
    }


def test_a_stream_is_the_turn_that_a_socket_would_have_made() -> None:
    over_http = fold(streamed(Wire()))
    socket = Wire()
    over_socket = fold([socket.open(), *socket.turn("resp_1")])
    assert plain(over_http) == plain(over_socket)
    session = over_http.sessions[1]
    assert session.is_http
    assert (session.phase, session.status, session.media_type) == (Phase.CLOSED, 200, "text/event-stream")
    assert (session.client, session.peer, session.pair) == (WHO["client"], WHO["peer"], WHO["pair"])
    assert (session.method, session.target) == ("POST", "/v1/responses")
    assert over_http.turns[0].create == 0
    assert over_http.type_at(0) == "request"
    assert over_http.type_at(2) == "response.created"


def test_the_steps_of_an_exchange_are_changes() -> None:
    wire = Wire()
    play = (
        Playbook()
        >> wire.asked(posted())
        << change(What.SESSION, "asked")
        << change(What.TURN, "sent", turn=1)
        >> wire.answered()
        << change(What.SESSION, "answered", turn=1)
        >> wire.streamed(make.created("resp_1"))
        << change(What.RESPONSE, "in_progress", turn=1)
        >> wire.streamed(": keep-alive")
        << change(What.OTHER)
        >> wire.streamed("data: [DONE]")
        << change(What.OTHER)
        >> wire.streamed("data: {broken")
        << change(What.UNDECODABLE)
        >> wire.streamed(b'data: {"type":"resp', cut=1)
        << change(What.OTHER)
        >> wire.streamed({"type": "response.brand_new"})
        << change(What.UNKNOWN, "response.brand_new")
        >> wire.ended()
        << change(What.RESPONSE, "cut", turn=1)
        << change(What.SESSION, "closed", turn=0)
    )
    assert play
    assert play.sessions.sessions[1].undecodable == 1


def test_a_whole_answer_is_folded_like_its_ending() -> None:
    wire = Wire()
    sessions = fold([wire.asked(posted()), wire.answered(object_of("resp_1")), wire.ended()])
    turn = sessions.turns[0]
    assert turn.response is not None
    assert (turn.status, turn.response.text, turn.response.irregular) == (Status.COMPLETED, "Hi.", [])
    assert turn.response.usage is not None
    assert turn.response.usage.output_tokens == 2


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("completed", Status.COMPLETED),
        ("incomplete", Status.INCOMPLETE),
        ("failed", Status.FAILED),
        ("queued", Status.CUT),
        ("in_progress", Status.CUT),
    ],
)
def test_the_status_of_a_whole_answer(status: str, expected: Status) -> None:
    wire = Wire()
    sessions = fold([wire.asked(posted()), wire.answered(object_of("resp_1", status)), wire.ended()])
    assert sessions.turns[0].status is expected
    assert sessions.turns[0].response is not None
    assert sessions.turns[0].response.irregular == []


def test_an_answer_without_a_body_says_nothing_and_events_may_follow() -> None:
    wire = Wire()
    records = [wire.asked(posted()), wire.answered(media_type="text/plain")]
    sessions = fold([*records, *wire.streamed_all(make.answer("resp_1")), wire.ended()])
    assert (sessions.turns[0].status, sessions.sessions[1].undecodable) == (Status.COMPLETED, 0)


def test_an_encoded_answer_is_read() -> None:
    wire = Wire()
    body = gzip.compress(json.dumps(object_of("resp_1")).encode())
    sessions = fold(
        [
            wire.asked(posted()),
            wire.answered(body, media_type="application/json", encoding="gzip"),
            wire.ended(),
        ]
    )
    assert sessions.turns[0].status is Status.COMPLETED


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (401, {"error": {"code": "invalid_api_key", "message": "No."}}, "invalid_api_key", "No."),
        (429, {"detail": "slow down"}, "", "slow down"),
        (500, "<html>Oops</html>", "", "<html>Oops</html>"),
        (503, "", "", "503 X"),
        (307, "", "", "307 X"),
        (400, object_of("resp_1", "failed"), "", None),
    ],
)
def test_an_error_status_fails_the_turn_in_its_own_words(
    status: int, body: Any, code: str, message: str | None
) -> None:
    wire = Wire()
    sessions = fold(
        [
            wire.asked(posted()),
            wire.answered(body, status=status, media_type="application/json"),
            wire.ended(),
        ]
    )
    turn = sessions.turns[0]
    assert turn.status is Status.ERRORED
    assert turn.failure is not None
    assert (turn.failure.status, turn.failure.code) == (status, code)
    if message is not None:
        assert turn.failure.message == message
    assert sessions.sessions[1].phase is Phase.CLOSED
    assert sessions.sessions[1].errors == 1


def test_an_error_in_a_stream_fails_the_turn() -> None:
    wire = Wire()
    error = {"type": "error", "code": "server_error", "message": "Oops", "param": None, "sequence_number": 3}
    sessions = fold([wire.asked(posted()), wire.answered(), wire.streamed(error), wire.ended()])
    failure = sessions.turns[0].failure
    assert failure is not None
    assert (failure.code, failure.message) == ("server_error", "Oops")


def test_an_event_that_only_its_field_names() -> None:
    wire = Wire()
    created = make.created("resp_1")
    name = created.pop("type")
    block = f"event: {name}\ndata: {json.dumps(created)}"
    sessions = fold([wire.asked(posted()), wire.answered(), wire.streamed(block)])
    assert sessions.turns[0].response_id == "resp_1"


def test_what_breaks_off_cuts_the_turn() -> None:
    wire = Wire()
    sessions = fold(
        [wire.asked(posted()), wire.answered(), wire.streamed(make.created("r")), wire.lost("gone")]
    )
    session = sessions.sessions[1]
    assert (sessions.turns[0].status, session.phase, session.close_reason) == (Status.CUT, Phase.LOST, "gone")
    assert session.close_code == 0


def test_an_upstream_that_was_not_reached_fails_the_turn() -> None:
    wire = Wire()
    sessions = fold([wire.asked(posted(), **WHO), wire.refused("tcp", "Connection refused")])
    session, failure = sessions.sessions[1], sessions.turns[0].failure
    assert session.phase is Phase.REFUSED
    assert session.client == WHO["client"]
    assert failure is not None
    assert (failure.code, failure.message) == ("tcp", "Connection refused")
    assert sessions.turns[0].status is Status.ERRORED


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v1/models"),
        ("GET", "/v1/responses"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/responses/resp_1/cancel"),
    ],
)
def test_other_requests_are_sessions_without_turns(method: str, target: str) -> None:
    wire = Wire()
    sessions = fold([wire.asked(method=method, target=target), wire.answered({"data": []}), wire.ended(11)])
    session = sessions.sessions[1]
    assert sessions.turns == []
    assert (session.is_http, session.phase, session.method) == (True, Phase.CLOSED, method)


@pytest.mark.parametrize("target", ["/v1/responses/", "/codex/responses?x=1", "/responses"])
def test_paths_that_end_in_responses_are_creates(target: str) -> None:
    assert len(fold([Wire().asked(posted(), target=target)]).turns) == 1


def test_a_create_that_cannot_be_read_is_a_turn_all_the_same() -> None:
    wire = Wire()
    sessions = fold([wire.asked(b"\x28\xb5\x2f\xfd", encoding="zstd"), wire.answered(), wire.ended()])
    assert sessions.turns[0].status is Status.CUT
    assert sessions.sessions[1].undecodable == 1


def test_a_parent_is_found_across_transports() -> None:
    socket, http = Wire(1), Wire(2, at=10.0)
    sessions = fold(
        [
            socket.open(),
            *socket.turn("resp_1"),
            http.asked(posted({"previous_response_id": "resp_1"})),
            http.answered(),
            *http.streamed_all(make.answer("resp_2", parent="resp_1")),
            http.ended(),
            *socket.turn("resp_3", previous_response_id="resp_2"),
        ]
    )
    assert [turn.number for turn in sessions.chain(sessions.turns[2])] == [1, 2, 3]


def test_bytes_are_counted_as_text_and_as_they_crossed_the_wire() -> None:
    wire = Wire()
    records = [
        wire.asked(posted()),
        wire.answered(encoding="gzip"),
        *wire.streamed_all(make.answer("resp_1")),
    ]
    session = fold([*records, wire.ended(100)]).sessions[1]
    inward = sum(len(one.payload) for one in records[1:])
    assert (session.bytes_in, session.bytes_out) == (inward, len(records[0].payload))
    assert session.wire_in == len(records[1].payload) + 100
    assert session.frames_in == len(records) - 2


def test_rate_limits_of_the_answer_are_kept() -> None:
    wire = Wire()
    limits = {"x-ratelimit-remaining-requests": "9"}
    session = fold([wire.asked(posted()), wire.answered(headers=limits)]).sessions[1]
    assert session.limits == limits


@pytest.mark.parametrize("kind", [Kind.REQUEST, Kind.RESPONSE, Kind.SSE])
@pytest.mark.parametrize("payload", [b"", b"\x00\xff", b"\r\n\r\n", b"HTTP/1.1", b"data: [1]", b"{}"])
def test_no_bytes_of_another_program_raise(kind: Kind, payload: bytes) -> None:
    told: Meta = {
        "head": 10**9, "status": "x", "method": "POST", "target": "/responses", "encoding": "gzip",
    }  # fmt: skip
    for meta in ({}, told):
        end = make.record(meta={"note": "end", "bytes": "x"}, kind=Kind.NOTE)
        records = [make.record(payload, kind=kind, meta=meta), end]
        sessions = fold([*records, *records])
        assert sessions.records == 4
        assert len(sessions.snapshot()["types"]) == 4


# Many requests on one session ----------------------------------------------------------------------------


def test_one_session_spans_many_requests_and_ends_when_a_person_ends_it() -> None:
    wire = Wire()
    records = [
        wire.begun(),
        *wire.exchange(1, "resp_1"),
        *wire.exchange(2, "resp_2", previous_response_id="resp_1"),
    ]
    sessions = fold(records)
    session = sessions.sessions[1]
    assert (session.phase, session.is_http, session.spans_requests) == (Phase.OPEN, True, True)
    assert [turn.status for turn in session.turns] == [Status.COMPLETED] * 2
    assert sessions.turns[1].parent_turn == 1
    assert session.handshake == 0
    sessions.apply(wire.record(b"", Kind.NOTE, Direction.LOCAL, {"note": "end", "exchanges": 2}))
    assert session.phase is Phase.CLOSED


def test_answers_side_by_side_are_told_apart_by_the_lane_that_was_noted() -> None:
    wire = Wire()
    left, right = wire.exchange(1, "resp_l", lane="l"), wire.exchange(2, "resp_r", lane="r")
    mixed = [record for pair in zip(left, right, strict=True) for record in pair]
    sessions = fold([wire.begun(), *mixed])
    assert [(turn.lane, turn.response_id) for turn in sessions.turns] == [("l", "resp_l"), ("r", "resp_r")]
    assert [turn.status for turn in sessions.turns] == [Status.COMPLETED] * 2
    assert not any(response.irregular for response in sessions.responses.values())


def test_a_broken_exchange_cuts_its_own_turn_only() -> None:
    wire = Wire()
    left, right = wire.exchange(1, "resp_l", lane="l"), wire.exchange(2, "resp_r", lane="r")
    broken = wire.record(b"", Kind.LOST, Direction.LOCAL, {"detail": "it broke", "exchange": 1, "lane": "l"})
    sessions = fold([wire.begun(), *left[:6], *right[:6], broken, *right[6:]])
    assert [turn.status for turn in sessions.turns] == [Status.CUT, Status.COMPLETED]
    assert sessions.turns[0].failure is not None
    assert sessions.turns[0].failure.message == "it broke"
    assert sessions.sessions[1].phase is Phase.OPEN
    assert sessions.turn_column[13] == 1


def test_an_answer_that_ends_without_its_end_is_cut() -> None:
    wire = Wire()
    *events, _, end = wire.exchange(1, "resp_1")
    sessions = fold([wire.begun(), *events, end])
    assert sessions.turns[0].status is Status.CUT


def test_a_refusal_on_a_lane_ends_the_turn_of_that_lane() -> None:
    wire = Wire()
    meta: dict[str, Any] = {"exchange": 1, "lane": "l"}
    ask = wire.asked(posted(), **meta)
    other = wire.exchange(2, "resp_r")[:4]
    wrong = wire.answered({"error": {"message": "Slow down.", "code": "slow"}}, status=429, **meta)
    sessions = fold([wire.begun(), ask, *other, wrong])
    assert [turn.status for turn in sessions.turns] == [Status.ERRORED, Status.IN_PROGRESS]
    assert sessions.turns[0].failure is not None
    assert sessions.turns[0].failure.status == 429


def test_a_server_that_was_not_reached_ends_nothing() -> None:
    wire = Wire()
    meta: Meta = {"exchange": 1, "failure_class": "tcp", "detail": "refused"}
    refused = wire.record(b"", Kind.REFUSED, Direction.LOCAL, meta)
    sessions = fold([wire.begun(), refused, *wire.exchange(2, "resp_1")])
    assert sessions.sessions[1].failure_class is FailureClass.TCP
    assert sessions.turns[0].status is Status.COMPLETED


def test_http_after_a_socket_that_was_refused_is_the_same_session() -> None:
    wire = Wire()
    said = "WebSocket was not to be had (upgrade_required); finding out took 3 ms."
    records = [
        wire.refused("upgrade_required", status=426),
        wire.begun(said=said),
        *wire.exchange(1, "resp_1"),
    ]
    session = fold(records).sessions[1]
    assert (session.phase, session.fallback) == (Phase.OPEN, said)
    assert session.failure_class is FailureClass.UPGRADE_REQUIRED
    assert session.ended < 0


def test_http_in_the_middle_of_an_open_socket_is_irregular_and_changes_nothing() -> None:
    wire = Wire()
    sessions = fold([wire.open()])
    (found,) = sessions.apply(wire.begun())
    assert found.what is What.IRREGULAR
    assert not sessions.sessions[1].is_http


def test_an_address_that_is_taken_as_it_is_asks_for_turns_all_the_same() -> None:
    wire = Wire()
    target = "/forward?target=http://backend"
    sessions = fold([wire.begun(), wire.asked(posted(), target=target, exchange=1)])
    assert len(sessions.turns) == 1
