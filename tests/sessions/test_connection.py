"""The socket's part: how a session opens, closes, is refused or lost, whatever its meta says."""

from __future__ import annotations

from typing import Any

import pytest

from sessions.contract import FailureClass
from sessions.records import Direction, Kind
from sessions.reducer import What, fold
from sessions.session import Phase
from tests import make
from tests.make import Wire
from tests.playbook import Playbook, change


def test_an_opening_brings_its_facts_and_limits() -> None:
    wire = Wire()
    record = wire.open(
        "wss://host/v1/responses?model=m", headers={"X-RateLimit-Remaining-Requests": "5"}, lifetime=780
    )
    session = fold([record]).sessions[1]
    assert (session.phase, session.opened, session.handshake) == (Phase.OPEN, record.elapsed, 0)
    assert (session.url, session.route, session.profile) == (
        "wss://host/v1/responses?model=m",
        "direct",
        "openai",
    )
    assert (session.lifetime, session.status, session.compression) == (780.0, 101, "off")
    assert session.limits == {"x-ratelimit-remaining-requests": "5"}


def test_our_close_and_its_answer() -> None:
    wire = Wire()
    play = (
        Playbook()
        >> [wire.open(), wire.sent(make.create())]
        >> wire.close(1000, "done", by=Direction.CLIENT)
        << change(What.SESSION, "closing")
        >> wire.close(1000, "bye")
        << change(What.TURN, "cut", turn=1)
        << change(What.SESSION, "closed", turn=0)
        >> wire.lost()
        << change(What.OTHER)
    )
    assert play
    session = play.sessions.sessions[1]
    assert (session.phase, session.close_code, session.close_reason, session.closed_by) == (
        Phase.CLOSED,
        1000,
        "done",
        "client",
    )


def test_the_servers_close_ends_it_at_once() -> None:
    wire = Wire()
    session = fold([wire.open(), wire.close(1008, "policy"), wire.close(1008, by=Direction.CLIENT)]).sessions[
        1
    ]
    assert (session.phase, session.close_code, session.closed_by, session.end_record) == (
        Phase.CLOSED,
        1008,
        "server",
        1,
    )


def test_a_lost_connection_has_no_closer() -> None:
    wire = Wire()
    session = fold([wire.open(), wire.lost("reset by peer")]).sessions[1]
    assert (session.phase, session.close_code, session.close_reason, session.closed_by) == (
        Phase.LOST,
        1006,
        "reset by peer",
        "",
    )


def test_a_close_that_is_never_answered_is_a_close() -> None:
    wire = Wire()
    session = fold([wire.open(), wire.close(1000, by=Direction.CLIENT), wire.lost()]).sessions[1]
    assert (session.phase, session.close_code, session.closed_by) == (Phase.CLOSED, 1000, "client")


def test_a_close_without_meta_is_read_from_its_frame() -> None:
    wire = Wire()
    session = fold([wire.open(), wire.record(b"\x03\xf3bad\xff", Kind.CLOSE)]).sessions[1]
    assert (session.close_code, session.close_reason) == (1011, "bad\ufffd")
    assert fold([wire.open(), wire.record(b"", Kind.CLOSE)]).sessions[1].close_code == 1005


@pytest.mark.parametrize("failure_class", FailureClass)
def test_a_refused_opening(failure_class: FailureClass) -> None:
    wire = Wire()
    session = fold([wire.refused(failure_class.value, "no", status=403, body="{}")]).sessions[1]
    assert (session.phase, session.failure_class, session.status) == (Phase.REFUSED, failure_class, 403)
    assert (session.opened, session.end_record) == (-1.0, 0)


def test_an_unknown_failure_class_is_a_protocol_failure() -> None:
    assert fold([Wire().refused("new-in-2030")]).sessions[1].failure_class is FailureClass.PROTOCOL


def test_an_opening_that_the_tap_refused_names_the_tap() -> None:
    by_tap = fold([Wire().refused("forbidden", "no", status=403, by="tap")]).sessions[1]
    assert (by_tap.phase, by_tap.closed_by) == (Phase.REFUSED, "tap")
    stopped = fold([Wire().refused("closed", "the tap was stopped", by="tap")]).sessions[1]
    assert stopped.closed_by == ""


def test_opening_twice_is_irregular() -> None:
    wire = Wire()
    sessions = fold([wire.open()])
    assert [one.detail for one in sessions.apply(wire.open())] == ["opened while open", "opened"]
    sessions.apply(wire.close())
    assert [one.detail for one in sessions.apply(wire.open())] == ["opened while closed"]
    assert sessions.sessions[1].phase is Phase.CLOSED


def test_latency_from_a_note_and_from_a_pong() -> None:
    wire = Wire()
    sessions = fold([wire.open(), wire.latency(12.5)])
    session = sessions.sessions[1]
    assert (session.latency_ms, session.last_pong) == (12.5, wire.now)
    (only,) = sessions.apply(wire.record(b"", Kind.PONG))
    assert (only.what, session.last_pong, session.latency_ms) == (What.LATENCY, wire.now, 12.5)


WRONG: list[Any] = ["x", "", -1, float("nan"), float("inf"), 10**400, True]


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("kind", [Kind.OPEN, Kind.REFUSED, Kind.CLOSE, Kind.LOST, Kind.NOTE, Kind.PONG])
def test_meta_of_any_kind_never_raises(kind: Kind, wrong: Any) -> None:
    wire = Wire()
    keys = (
        "url",
        "route",
        "status",
        "lifetime",
        "code",
        "reason",
        "detail",
        "ms",
        "failure_class",
        "compression",
    )
    for meta in (dict.fromkeys(keys, wrong), {**dict.fromkeys(keys, wrong), "note": "latency"}):
        assert fold([wire.open()]).apply(wire.record(b"", kind, Direction.SERVER, meta))


def test_counts_of_frames_and_bytes() -> None:
    wire = Wire()
    sent, got = wire.sent(make.create()), wire.got(make.created("resp_1"))
    session = fold([wire.open(), sent, got, wire.got(b"\x00\x01", Kind.BINARY)]).sessions[1]
    assert (session.frames_out, session.bytes_out) == (1, len(sent.payload))
    assert (session.frames_in, session.bytes_in) == (2, len(got.payload) + 2)
    assert (session.largest, session.last_frame) == (len(got.payload), wire.now)


def test_a_tapped_opening_says_who_speaks() -> None:
    wire = Wire()
    who = {
        "client": "codex_cli_rs/0.169.0",
        "peer": "127.0.0.1:51234",
        "pair": "s-1",
        "thread": "t-1",
        "name": "left",
    }
    session = fold([wire.open(headers=None, **who)]).sessions[1]
    assert {name: getattr(session, name) for name in who} == who
    assert not session.is_http
    refused = fold([Wire().refused("forbidden", status=403, **who)]).sessions[1]
    assert {name: getattr(refused, name) for name in who} == who


def test_bytes_on_the_wire_are_counted_beside_the_messages() -> None:
    wire = Wire()
    sent = wire.sent(make.create())._replace(meta={"wire": 40})
    got = wire.got({"type": "response.created", "response": {"id": "resp_1"}})._replace(meta={"wire": 30})
    plain = wire.got({"type": "ping"})
    session = fold([wire.open(), sent, got, plain, wire.got(b"x", Kind.BINARY)]).sessions[1]
    assert (session.wire_out, session.wire_in) == (40, 30 + len(plain.payload) + 1)
    assert session.bytes_in == len(got.payload) + len(plain.payload) + 1
    assert fold([sent._replace(meta={"wire": "much"})]).sessions[1].wire_out == len(sent.payload)
