"""What the client or the tap ended or refused is not laid at the door of the way between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from sessions.finding import Finding, Severity
from sessions.fingerprint import Suspects
from sessions.records import Direction, Kind, Record
from tests import make
from tests.make import Wire
from tests.verdict import ids, judged

STOPPED = "the tap was stopped"
CLIENT_ENDED = "the client ended TCP without a close frame"
CLIENT_BROKE = "the client broke the connection without a close frame: [Errno 104] Connection reset by peer"
HALF = "the client ended its half of the connection; then the upstream ended the connection in its answer"
WENT = "the client went before it had an answer"
Ended: TypeAlias = Callable[[Wire, str], list[Record]]


def cut(wire: Wire, detail: str, *, seconds: float = 0.0) -> list[Record]:
    """A socket that ends so in the middle of an answer."""
    begun = [wire.open(), wire.sent(make.create()), *wire.got_all(make.answer("resp_1")[:5])]
    wire.wait(seconds)
    return [*begun, wire.lost(detail)]


def cut_stream(wire: Wire, detail: str) -> list[Record]:
    """The same over HTTP."""
    begun = [wire.asked({"model": "m", "input": "Hi"}), wire.answered()]
    begun += wire.streamed_all(make.answer("resp_1")[:5])
    return [*begun, wire.record(b"", Kind.LOST, Direction.LOCAL, {"detail": detail})]


def one(records: list[Record]) -> Finding:
    """The only finding of these records."""
    (found,) = judged(records)
    return found


@pytest.mark.parametrize("ended", [cut, cut_stream])
def test_a_tap_that_was_stopped_is_noted_and_nobody_s_fault(ended: Ended) -> None:
    found = one(ended(Wire(), STOPPED))
    assert (found.id, found.who, found.severity) == ("cut-by-tap", "nobody", Severity.NOTE)
    assert (found.evidence, found.turn) == ("the tap was stopped, while T1 ran", 1)


@pytest.mark.parametrize(
    ("ended", "detail"),
    [(cut, CLIENT_ENDED), (cut, CLIENT_BROKE), (cut_stream, CLIENT_ENDED), (cut_stream, HALF)],
)
def test_a_client_that_left_is_the_client_s_to_mend(ended: Ended, detail: str) -> None:
    found = one(ended(Wire(), detail))
    assert (found.id, found.who) == ("cut-in-answer", "client")
    assert found.evidence == f"{detail[:120]}, while T1 ran"
    assert "proxies" not in found.remedy


@pytest.mark.parametrize("ended", [cut, cut_stream])
def test_what_the_server_ended_is_still_the_network_s(ended: Ended) -> None:
    assert one(ended(Wire(), "the server ended TCP without a close frame")).who == "network"


def test_a_silence_before_a_client_left_is_told_instead() -> None:
    assert ids(judged(cut(Wire(), CLIENT_ENDED, seconds=60.0))) == {"terminal-missing"}
    wire = Wire()
    asked = [wire.open(), wire.sent(make.create())]
    wire.wait(60.0)
    assert ids(judged([*asked, wire.lost(CLIENT_ENDED)])) == {"app-silent"}


def test_sockets_that_a_stopped_tap_ended_together_did_not_die_of_the_network() -> None:
    wires = [Wire(number) for number in range(1, 5)]
    records = [one for wire in wires for one in cut(wire, STOPPED)]
    assert [found.id for found in judged(records) if found.id != "id-repeated"] == ["cut-by-tap"] * 4


def test_no_setting_of_a_server_is_given_for_a_client_that_left() -> None:
    suspects, wire = Suspects(), Wire()
    suspects.look(wire.open(headers={"Server": "nginx/1.22.1"}))
    left = one(cut(Wire(), CLIENT_ENDED))
    assert suspects.in_words_for(left) == left
    assert "nginx" in suspects.in_words_for(one(cut(Wire(), "the server ended TCP"))).remedy


@pytest.mark.parametrize("meta", [{}, {"by": "client"}])
def test_an_upgrade_that_a_client_gave_up_was_not_answered(meta: dict[str, Any]) -> None:
    found = one([Wire().refused("closed", WENT, upgrade_ms=1995.5, **meta)])
    assert (found.id, found.evidence) == ("upgrade-unanswered", f"{WENT}; it waited 2.0 s")
    assert one([Wire().refused("closed", WENT, **meta)]).evidence == WENT


def test_an_upgrade_that_was_given_up_at_once_or_with_the_tap_is_nobody_s_fault() -> None:
    assert judged([Wire().refused("closed", WENT, upgrade_ms=80.0)]) == []
    assert judged([Wire().refused("closed", STOPPED, upgrade_ms=5000.0, by="tap")]) == []
    assert judged([Wire().refused("closed", "given up while it was being opened")]) == []


@pytest.mark.parametrize(
    ("detail", "meta"),
    [
        ("the tap refused it: foreign Origin https://evil.example", {}),
        ("no token", {"by": "tap"}),
    ],
)
def test_what_the_tap_refused_is_no_refusal_of_the_upstream(detail: str, meta: dict[str, Any]) -> None:
    found = one([Wire().refused("forbidden", detail, status=403, **meta)])
    assert (found.id, found.who, found.evidence) == ("tap-refused", "client", detail)
    assert found.severity is Severity.WARNING


def test_what_the_tap_refused_is_no_try_before_a_fallback() -> None:
    tries = [Wire(n, at=float(n)).refused("forbidden", "no", status=403, by="tap") for n in (1, 2)]
    wire = Wire(3, at=9.0)
    post = [wire.asked({"model": "m", "input": "Hi"}), wire.answered()]
    records = [*tries, *post, *wire.streamed_all(make.answer("resp_1")), wire.ended()]
    assert ids(judged(records)) == {"tap-refused"}
