"""The two lines above everything, at 80, 120 and 200 cells and below, in every state of a session."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.records import Direction, Kind, Meta, Record
from sessions.reducer import fold
from tests import make
from tui.header import Surroundings, overview_lines, status_lines
from tui.marks import Weights

AROUND = Surroundings(1_234_567, True, (), 212.0)


def lines(records: list[Record], now: float, cells: int, around: Surroundings = AROUND) -> list[str]:
    sessions = fold(records)
    session = sessions.sessions[max(sessions.sessions)] if sessions.sessions else None
    texts = status_lines(sessions, session, now, cells, around)
    assert len(texts) == 2
    assert all(text.cell_len <= cells for text in texts)
    return [text.plain.rstrip() for text in texts]


def conversation(wire: make.Wire) -> list[Record]:
    """One turn that has ended, with usage."""
    bodies = make.answer("resp_1", "Hello, world.")
    bodies[-1]["response"]["usage"] = make.usage(6_100, 1_900, cached=5_200, reasoning=900)
    return [wire.open(), wire.sent(make.create()), *wire.got_all(bodies)]


def running(wire: make.Wire, lane: str | None = None) -> list[Record]:
    """A turn that runs and has said a few words."""
    fields = {"stream_id": lane} if lane else {}
    bodies = make.answer("resp_2", "Hello, all of you.", lane=lane)
    return [wire.sent(make.create(**fields)), *wire.got_all(bodies[:6])]


def test_eighty_cells() -> None:
    wire = make.Wire()
    records = [*conversation(wire), *running(wire)]
    first, second = lines(records, wire.now + 0.1, 80)
    assert first == " OPEN wss://api.openai.com/v1/responses direct                 REC 1.2M key set"
    assert second == " 59:59 left [##########] T2 live 160ms ttft 50ms 18 tok/s sum in 6.1k out 1.9k"


def test_a_size_below_a_thousand_says_its_unit() -> None:
    wire = make.Wire()
    assert "REC 165 B" in lines([wire.open()], wire.now, 80, Surroundings(165))[0]


def test_what_a_killed_writer_left_open_is_not_called_open() -> None:
    wire = make.Wire()
    records = [*conversation(wire), *running(wire)]
    around = Surroundings(is_read=True, is_last_word=True)
    first, second = lines(records, wire.now, 120, around)
    assert first.startswith(" NO END   wss://")
    assert "without an end, the recording stopped before" in second
    assert "T2 unfinished" in second
    assert not any(word in first + second for word in ("OPEN", "LIVE", "left", "live"))
    _, ended = lines([*records, wire.close()], wire.now, 120, around)
    assert "closed 1000" in ended, "what has an end keeps it"
    sums = [one.plain for one in overview_lines(fold(records), wire.now, 120, around)]
    assert sums[0].startswith(" 1 without an end of 1")
    assert "the recording stopped before" in sums[1]
    assert not any(word in sums[1] for word in ("LIVE", "limit"))


def test_a_hundred_and_twenty_cells() -> None:
    wire = make.Wire()
    records = [*conversation(wire), wire.latency(38.2), *running(wire, "plan")]
    first, second = lines(records, wire.now + 0.1, 120)
    assert first.startswith(
        " OPEN   wss://api.openai.com/v1/responses   direct   ping 38ms   profile openai  "
    )
    assert first.endswith("  REC 1.2M   key set")
    assert "T2 lane plan live 160ms" in second
    assert "in 6.1k (5.2k cached)   out 1.9k (900 reasoning)" in second or "in 6.1k   out 1.9k" in second


def test_two_hundred_cells_tell_also_what_was_not_sent() -> None:
    wire = make.Wire()
    records = [*conversation(wire), wire.latency(38.2), *running(wire)]
    first, second = lines(records, wire.now + 0.1, 200)
    assert "deflate off" in first
    assert "limits not sent" in second
    assert "handshake 212ms" in second
    assert "in 6.1k (5.2k cached)   out 1.9k (900 reasoning)" in second
    assert "last frame 100ms ago" in second


def test_limits_that_were_told_are_shown() -> None:
    wire = make.Wire()
    limits = {
        "type": "codex.rate_limits",
        "rate_limits": {"primary": {"used_percent": 12, "window_minutes": 300}},
    }
    _, second = lines([*conversation(wire), wire.got(limits)], wire.now, 200)
    assert "limits primary 12% used of 300 min" in second
    assert "not sent" not in second


def test_no_session_yet() -> None:
    first, second = lines([], 0.0, 80)
    assert first.startswith(" NOT CONNECTED")
    assert second == ""


@pytest.mark.parametrize(
    ("age", "pong", "words"),
    [
        (3.0, None, ""),
        (12.0, None, "silent 12s, no pong yet"),
        (47.0, None, "silent 47s, no pong yet: dead?"),
        (47.0, 44.0, "thinking 47s, pong 3.0s ago"),
        (47.0, 2.0, "silent 47s, no pong for 45s: dead?"),
    ],
)
def test_thinking_or_dead(age: float, pong: float | None, words: str) -> None:
    wire = make.Wire(step=0.0)
    records = [wire.open(), wire.sent(make.create()), wire.got(make.created("resp_1"))]
    if pong is not None:
        wire.wait(pong)
        records.append(wire.latency(30.0))
    _, second = lines(records, age, 120)
    assert words in second
    assert ("dead?" in second) == ("dead?" in words)


def test_an_idle_socket_without_pongs_is_doubted() -> None:
    wire = make.Wire(step=0.0)
    records = [wire.open(), wire.latency(30.0)]
    assert "no pong for 50s" in lines(records, 50.0, 80)[1]
    assert "no pong" not in lines(records, 20.0, 80)[1]


def test_several_lanes_at_once() -> None:
    wire = make.Wire()
    records = [wire.open()]
    for lane in ("plan", "risk"):
        records += [
            wire.sent(make.create(stream_id=lane)),
            wire.got(make.on_lane(make.created(f"resp_{lane}"), lane)),
        ]
    records.append(wire.sent(make.create(stream_id="plan")))
    _, second = lines(records, wire.now, 200)
    assert "LIVE 2 of 16" in second
    assert "queued 1" in second
    assert "T2 lane risk" in second


def test_errors_are_counted() -> None:
    wire = make.Wire()
    records = [wire.open(), wire.sent(make.create()), wire.got(make.error("server_error", status=500))]
    assert "err 1" in lines(records, wire.now, 80)[1]


def test_what_was_found_is_not_counted_a_second_time_as_error_frames() -> None:
    wire = make.Wire()
    records = [wire.open(), wire.sent(make.create()), wire.got(make.error("server_error", status=500))]
    around = AROUND._replace(found=Weights(errors=1))
    second = lines(records, wire.now, 80, around)[1]
    assert "! 1 error" in second
    assert "err 1" not in second


def test_a_count_of_findings_is_never_a_bare_number() -> None:
    wire = make.Wire()
    records = [*conversation(wire), *running(wire)]
    around = AROUND._replace(found=Weights(errors=1, warnings=1))
    for cells in range(60, 200):
        second = lines(records, wire.now, cells, around)[1]
        assert "! 2" not in second or "! 2 findings" in second


def test_tokens_of_several_turns_are_told_as_a_sum() -> None:
    wire = make.Wire()
    records = conversation(wire)
    assert " in 6.1k" in lines(records, wire.now, 80)[1]
    assert "sum in" not in lines(records, wire.now, 80)[1]
    assert "sum in 6.1k" in lines([*records, *running(wire)], wire.now, 80)[1]


def test_an_answer_that_came_in_one_piece_has_no_speed() -> None:
    wire = make.Wire(step=0.0001)
    assert "tok/s" not in lines(conversation(wire), wire.now, 200)[1]


def test_a_close_is_told_with_its_meaning() -> None:
    wire = make.Wire()
    records = [*conversation(wire), wire.close(1008, "policy says no")]
    first, second = lines(records, wire.now + 5, 200)
    assert first.startswith(" CLOSED ")
    assert "closed 1008 policy: the server refuses this client, key, model or first frame" in second
    assert "by the server: policy says no" in second
    assert "5.0s ago" in second
    assert "closed 1008" in lines(records, wire.now + 5, 80)[1]


def test_a_refusal_is_told_with_its_class() -> None:
    wire = make.Wire()
    records = [wire.refused("unauthorized", "no", status=401, body="{}")]
    first, second = lines(records, wire.now, 120)
    assert first.startswith(" REFUSED")
    assert "refused: unauthorized 401. The server does not accept this key, or none was sent." in second
    by_tap = [wire.refused("forbidden", "no token", status=403, by="tap")]
    _, second = lines(by_tap, wire.now, 120)
    assert "refused: forbidden 403. The tap itself refused it; no server was asked." in second


def test_badges_and_missing_recording() -> None:
    wire = make.Wire()
    around = Surroundings(None, False, ("DEMO", "INSECURE"))
    first, _ = lines([wire.open()], wire.now, 80, around)
    assert first.endswith("DEMO INSECURE not recorded no key")
    assert "REC FAILED" in lines([wire.open()], wire.now, 80, Surroundings(5, True, (), None, True))[0]


def test_credentials_are_hidden() -> None:
    wire = make.Wire()
    url = "wss://gateway.example/org-abcdef123456/v1/responses?key=sk-abcdefghijklmnop"
    for cells in (80, 120, 200):
        first, _ = lines([wire.open(url)], 1.0, cells)
        assert "abcdef" not in first


@given(st.integers(1, 260))
def test_any_width_is_kept(cells: int) -> None:
    wire = make.Wire()
    records = [*conversation(wire), *running(wire, "a-rather-long-lane-name"), wire.latency(3.0)]
    lines(records, wire.now + 9, cells, Surroundings(1, True, ("DEMO", "READ-ONLY"), 3.0))


def test_all_connections_together() -> None:
    one, two, three = make.Wire(1), make.Wire(2, at=1.0), make.Wire(3, at=2.0)
    records = [one.open(), *one.turn("resp_1"), two.open(), *running(two), three.refused("dns")]
    sessions = fold(records)
    for cells in (40, 80, 120, 200):
        first, second = overview_lines(sessions, 3000.0, cells, AROUND)
        assert first.cell_len <= cells
        assert second.cell_len <= cells
        assert first.plain.startswith(" 2 open of 3")
        assert "LIVE 1" in second.plain
    first, second = overview_lines(sessions, 3000.0, 200, AROUND)
    assert "wss://api.openai.com/v1/responses" in first.plain
    assert "1 lost or refused" in second.plain
    assert "2 turns" in second.plain
    assert "next limit in 10 min" in second.plain
    assert "on the wire" not in second.plain


def test_no_connection_at_all_is_told_as_such() -> None:
    first, second = overview_lines(fold([]), 0.0, 80)
    assert first.plain.startswith(" 0 open of 0")
    assert "nothing runs" in second.plain


def test_a_name_that_a_person_gave_stands_beside_the_number() -> None:
    wire = make.Wire()
    first, _ = lines([wire.open(name="alpha"), make.Wire(2, at=9.0).open(name="beta")], 10.0, 120)
    assert " c2   beta " in first


def test_over_http_there_is_no_countdown_and_the_time_to_the_headers() -> None:
    wire = make.Wire()
    records = [wire.begun(), *wire.exchange(1, "resp_1")]
    for cells in (80, 120, 200):
        first, second = lines(records, 5.0, cells)
        assert first.startswith(" HTTP ")
        assert "left" not in second
        assert "headers after 400ms" in second
        assert "ping" not in first + second
    assert "no request yet" in lines(records[:1], 5.0, 120)[1]


def test_over_http_silence_is_told_without_a_guess_about_pongs() -> None:
    wire = make.Wire()
    second = lines([wire.begun(), *wire.exchange(1, "resp_1")[:4]], 60.0, 120)[1]
    assert "silent" in second
    assert "dead" not in second


def test_a_session_that_fell_back_says_why() -> None:
    wire = make.Wire()
    records = [
        wire.refused("upgrade_required", status=426),
        wire.begun(said="It was not to be had.", cost_ms=1500.0),
    ]
    assert "HTTP after upgrade_required" in lines(records, 5.0, 80)[0]
    assert "HTTP after upgrade_required, which took 1.5s" in lines(records, 5.0, 120)[0]


def test_over_http_the_end_has_no_close_code() -> None:
    wire = make.Wire()
    note: Meta = {"note": "end", "exchanges": 1}
    records = [wire.begun(), *wire.exchange(1, "resp_1"), wire.record(b"", Kind.NOTE, Direction.LOCAL, note)]
    first, second = lines(records, 5.0, 120)
    assert first.startswith(" HTTP CLOSED")
    assert " closed" in second
    assert "closed 0" not in second
