"""Openings, refusals, closes and losses in words: every fact, its meaning, and no credential."""

from __future__ import annotations

from sessions.records import Record
from tests import make
from tui.cells import width
from tui.socket_rows import socket_rows


def words(record: Record, cells: int = 100) -> str:
    """All rows as text."""
    return "\n".join(row.plain for row in socket_rows(record, cells))


def test_an_opening_shows_heads_and_timings() -> None:
    shown = words(make.Wire().open(tls_ms=3.25, tls="TLSv1.3", headers={"x-request-id": "req_1"}))
    assert shown.startswith("the socket is open")
    for fact in ("wss://api.openai.com/v1/responses", "direct", "TLSv1.3", "3.2 ms", "16.8 ms"):
        assert fact in shown
    assert shown.index("request head") < shown.index("Bearer ***") < shown.index("response head")
    assert "x-request-id       req_1" in shown


def test_a_refusal_shows_cause_evidence_remedy_and_body() -> None:
    shown = words(make.Wire().refused("forbidden", "bare 403", status=403, body='{"detail":"no"}'), 60)
    assert "cause              The server refused the upgrade" in shown
    assert "remedy" in shown
    assert "evidence           bare 403" in shown
    assert '{"detail":"no"}' in shown
    assert all(width(line) <= 60 for line in shown.splitlines())
    by_tap = words(make.Wire().refused("forbidden", "the tap refused it: no token", status=403, by="tap"))
    assert "the tap itself refused this" in by_tap
    assert "cause" not in by_tap
    own = words(make.Wire().refused("dns", "no such host", remedy="Spell it right."))
    assert "Spell it right." in own


def test_an_unknown_failure_class_is_shown_as_it_is() -> None:
    assert "what failed        brand_new" in words(make.Wire().refused("brand_new", "odd"))


def test_endings() -> None:
    wire = make.Wire()
    closed = words(wire.close(1008, "no entitlement"))
    assert closed.startswith("closed by the server")
    assert "1008  policy" in closed
    assert "no entitlement" in closed
    lost = words(wire.lost("reset by peer"))
    assert lost.startswith("lost\n")
    assert "1006" in lost
    assert "reset by peer" in lost
    assert "12.3 ms" in words(wire.latency(12.3))


def test_hostile_words_do_nothing() -> None:
    shown = words(
        make.Wire().refused(
            "forbidden", "\x1b]0;x\x07\x9b2J", status=403, body="\x1b[2J\r\n\tsk-abcdefghijklmn"
        )
    )
    assert not any(char != "\n" and (ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0) for char in shown)
    assert "abcdefghijklmn" not in shown


def test_a_large_body_is_cut_and_says_so() -> None:
    shown = words(make.Wire().refused("http_status", "odd", status=500, body="line\n" * 10_000))
    assert "bytes more: see raw" in shown


def test_an_exchange() -> None:
    wire = make.Wire()
    asked = words(wire.asked(b"hello", client="codex", pair="s-1", masked="authorization"))
    assert asked.startswith("a request of the client")
    for fact in ("POST /v1/responses HTTP/1.1", "codex", "client's own id    s-1", "authorization", "hello"):
        assert fact in asked
    answer = words(wire.answered("gone", status=404, media_type="text/plain"))
    assert "404" in answer
    assert "after, ms          400.0" in answer
    assert "bytes of body      1000" in words(wire.ended(1000))
    lost = words(wire.lost("the upstream ended")._replace(meta={"detail": "the upstream ended"}))
    assert "the upstream ended" in lost
    assert "1006" not in lost


def test_an_event_of_a_stream() -> None:
    wire = make.Wire()
    shown = words(wire.streamed(": hi\nevent: e\nid: 7\nretry: 5\nodd: x\ndata: {}"))
    for fact in ("comment            hi", "event              e", "id                 7", "5 ms", "x"):
        assert fact in shown
    assert "in the middle" in words(wire.streamed("data: {", cut=1))
