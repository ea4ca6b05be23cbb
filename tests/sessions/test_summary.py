"""One row for every kind of record: what stands out is in words, and nothing the wire sent can break it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sessions.inspector import Inspector
from sessions.recording import Recording
from sessions.records import Direction, Kind, Record
from sessions.summary import LARGE_BYTES, Row, Tone, gap_before, lane_words, summarize
from tests import make


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    recording = Recording.create(None)
    yield Inspector(recording)
    recording.close()


def rows_of(inspector: Inspector, *records: Record) -> list[Row]:
    """The rows of these records, all fed first."""
    inspector.feed_all(records)
    return [summarize(inspector.recording, inspector.sessions, n) for n in range(len(inspector.recording))]


def test_a_turn_from_create_to_completed(inspector: Inspector) -> None:
    wire = make.Wire()
    rows = rows_of(inspector, wire.open(), *wire.turn("resp_1", "Hello there."))
    opened, create = rows[0], rows[1]
    assert (opened.type, opened.turn, opened.since_turn, opened.tone) == ("open", 0, None, Tone.SOCKET)
    assert opened.note == "101 in 14 ms, direct"
    assert (create.type, create.direction, create.note) == ("response.create", Direction.CLIENT, "1 item")
    assert create.since_turn == 0.0
    deltas = [row for row in rows if row.type == "response.output_text.delta"]
    assert "".join(row.note for row in deltas) == "Hello there."
    assert {row.tone for row in deltas} == {Tone.DELTA}
    assert rows[-1].type == "response.completed"
    assert (rows[-1].note, rows[-1].tone) == ("in 20, out 8", Tone.ENDING)
    assert {row.turn for row in rows[1:]} == {1}
    assert [row.number for row in rows] == list(range(len(rows)))


def test_gaps_are_between_neighbours_and_never_negative(inspector: Inspector) -> None:
    wire = make.Wire(step=0.5)
    first, second = wire.open(), wire.got({"type": "keepalive"})
    back = second._replace(elapsed=0.1)
    inspector.feed_all([first, second, back])
    assert [gap_before(inspector.recording, n) for n in range(3)] == [0.0, 0.5, 0.0]


def test_a_create_says_its_parent_items_tools_and_store(inspector: Inspector) -> None:
    wire = make.Wire()
    items = [make.function_output("call_1"), make.function_output("call_2")]
    create = make.create(items, previous_response_id="resp_1", store=False, tools=[{"type": "web_search"}])
    foreign = make.create("x", previous_response_id="resp_unknown", generate=False)
    rows = rows_of(inspector, wire.open(), *wire.turn("resp_1"), wire.sent(create), wire.sent(foreign))
    assert rows[-2].note == "parent T1, 2 items, 1 tool, store off"
    assert rows[-1].note == "parent resp_unknown, warm-up, 1 item"


def test_what_is_odd_is_said_in_words(inspector: Inspector) -> None:
    wire = make.Wire()
    rows = rows_of(
        inspector,
        wire.open(),
        wire.got({"type": "codex.brand_new"}),
        wire.got({"no": "type"}),
        wire.got("{not json"),
        wire.sent({"type": "response.unheard_of"}),
        wire.got(make.text_delta("msg_1", "lost")),
        wire.got(make.error("rate_limit_exceeded", "Slow down.", status=429)),
        wire.got(make.error("x", status=400) | {"status_code": 400}),
    )
    notes = [row.note for row in rows[1:]]
    assert notes[0] == "? unknown type"
    assert notes[1] == "? no type"
    assert rows[2].type == "(no type)"
    assert notes[2].startswith("! not JSON")
    assert notes[3] == "? unknown type"
    assert {row.tone for row in rows[1:5]} == {Tone.ODD}
    assert notes[5] == "429 rate_limit_exceeded: Slow down."
    assert rows[6].tone is Tone.ERROR


def test_dialects_and_irregular_moves_are_named(inspector: Inspector) -> None:
    wire = make.Wire()
    rows = rows_of(
        inspector,
        wire.open(),
        wire.sent({"type": "response.create", "response": {"input": "Hi"}}),
        wire.got(make.created("resp_1")),
        wire.got(make.created("resp_1")),
        wire.got({"type": "response.content_part.delta", "delta": {"content": "Hi"}}),
        wire.got({"type": "response.done", "response": {"id": "resp_1", "status": "completed"}}),
        wire.got("data: [DONE]"),
        wire.sent(make.create()),
        wire.got(make.created("resp_2")),
        wire.got(make.item_added(make.message("msg_2"))),
        wire.got({"type": "response.content_part.delta", "item_id": "msg_2", "delta": {"content": "Hi"}}),
    )
    assert rows[1].note.startswith("~ nested create")
    assert (rows[3].note, rows[3].tone) == ("! response.created came twice", Tone.ODD)
    assert (rows[4].note, rows[4].tone) == ("! the item was not announced", Tone.ODD)
    assert rows[5].note.startswith("~ response.done")
    assert rows[5].tone is Tone.DIALECT
    assert rows[6].note == "~ [DONE]"
    assert rows[10].note == "~ response.content_part.delta, object delta   Hi"


def test_endings_of_a_socket(inspector: Inspector) -> None:
    one, two, three, four = (make.Wire(session=n) for n in (1, 2, 3, 4))
    rows = rows_of(
        inspector,
        one.open(),
        one.latency(12.34),
        one.close(1000),
        two.open(),
        two.close(1008, "no entitlement"),
        three.open(),
        three.lost("reset by peer"),
        four.refused("forbidden", "bare 403", status=403),
    )
    assert [(row.type, row.note, row.tone) for row in rows if row.type not in ("open",)] == [
        ("note", "pong after 12.3 ms", Tone.SOCKET),
        ("close", "1000 normal end", Tone.ENDING),
        (
            "close",
            "1008 policy: the server refuses this client, key, model or first frame: no entitlement",
            Tone.ERROR,
        ),
        ("lost", "1006 reset by peer", Tone.ERROR),
        ("refused", "forbidden 403: bare 403", Tone.ERROR),
    ]


def test_endings_of_a_response(inspector: Inspector) -> None:
    wire = make.Wire()
    rows = rows_of(
        inspector,
        wire.open(),
        wire.sent(make.create()),
        wire.got(make.created("resp_1")),
        wire.got(make.incomplete("resp_1")),
        wire.sent(make.create()),
        wire.got(make.created("resp_2")),
        wire.got(make.failed("resp_2", "server_error", "It broke.")),
    )
    assert rows[3].note.startswith("max_output_tokens")
    assert rows[3].tone is Tone.ODD
    assert (rows[6].note, rows[6].tone) == ("server_error: It broke.", Tone.ERROR)


def test_lanes_in_words(inspector: Inspector) -> None:
    wire = make.Wire()
    rows = rows_of(inspector, wire.open(), wire.sent(make.create()), wire.sent(make.create(stream_id="plan")))
    assert [lane_words(row) for row in rows] == ["-", "default", "plan"]


def test_a_large_record_is_not_read_for_its_row(inspector: Inspector) -> None:
    wire = make.Wire()
    body = {"type": "codex.large", "data": "x" * LARGE_BYTES}
    rows = rows_of(inspector, wire.open(), wire.got(body))
    assert rows[1].note == "large: open it to read"
    assert rows[1].size == len(json.dumps(body, separators=(",", ":")))


def test_no_such_record(inspector: Inspector) -> None:
    with pytest.raises(IndexError):
        summarize(inspector.recording, inspector.sessions, 0)


_JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_TYPES = some.sampled_from(
    [
        "response.create", "response.steer", "response.created", "response.completed", "response.failed",
        "response.incomplete", "error", "response.output_item.added", "response.output_text.delta",
        "response.steer.failed", "codex.rate_limits", "response.done", "", "x",
    ]
)  # fmt: skip
_FIELDS = (
    "input",
    "tools",
    "error",
    "item",
    "delta",
    "response",
    "steer",
    "rate_limits",
    "stream_id",
    "status",
)


@given(
    bodies=some.lists(
        some.tuples(
            _TYPES, some.dictionaries(some.sampled_from(_FIELDS), _JSON, max_size=4), some.booleans()
        ),
        max_size=6,
    )
)
def test_no_body_breaks_a_row(bodies: list[tuple[str, dict[str, object], bool]]) -> None:
    recording = Recording.create(None)
    try:
        inspector, wire = Inspector(recording), make.Wire()
        for event_type, fields, is_sent in bodies:
            body = {**fields, "type": event_type}
            inspector.feed(wire.sent(body) if is_sent else wire.got(body))
        rows = [summarize(recording, inspector.sessions, n) for n in range(len(recording))]
        assert [row.number for row in rows] == list(range(len(bodies)))
        assert all(row.type for row in rows)
        assert all(one.elapsed < two.elapsed for one, two in pairwise(rows))
    finally:
        recording.close()


def test_binary_frames_are_a_dialect_or_bytes(inspector: Inspector) -> None:
    wire = make.Wire()
    rows = rows_of(
        inspector,
        wire.open(),
        wire.got({"type": "keepalive"}, Kind.BINARY),
        wire.got(b"\xff\xfe\x00", Kind.BINARY),
    )
    assert rows[1].note == "~ binary frame"
    assert rows[2].note.startswith("! ")


def test_an_exchange_in_rows(inspector: Inspector) -> None:
    wire = make.Wire()
    body = {"model": "m", "input": [make.function_output("c")], "previous_response_id": "resp_0"}
    rows = rows_of(
        inspector,
        wire.asked(body),
        wire.answered(encoding="gzip"),
        wire.streamed(": keep-alive"),
        *wire.streamed_all(make.answer("resp_1", "Hello there.")),
        wire.streamed("data: [DONE]"),
        wire.streamed("retry: 5"),
        wire.streamed("data: {"),
        wire.streamed('data: {"type', cut=1),
        wire.ended(1234),
    )
    assert (rows[0].type, rows[0].note) == ("request", "POST /v1/responses, parent resp_0, 1 item")
    assert (rows[1].type, rows[1].note, rows[1].turn) == ("response", "200 text/event-stream 0.4s gzip", 1)
    assert (rows[2].type, rows[2].note) == ("sse", "comment: keep-alive")
    deltas = [row for row in rows if row.type == "response.output_text.delta"]
    assert "".join(row.note for row in deltas) == "Hello there."
    assert {row.tone for row in deltas} == {Tone.DELTA}
    done, retry, broken, cut, end = rows[-5:]
    assert (done.type, done.note) == ("[DONE]", "end of the stream")
    assert retry.note == "no data"
    assert broken.tone is Tone.ODD
    assert "ended in the middle" in cut.note
    assert (end.note, end.tone) == ("complete after 0.9s, 1,234 bytes of body", Tone.ENDING)


def test_requests_without_turns_and_failed_ones(inspector: Inspector) -> None:
    one, two, three = make.Wire(1), make.Wire(2), make.Wire(3)
    rows = rows_of(
        inspector,
        one.asked(method="GET", target="/v1/models"),
        one.answered({"data": []}),
        two.asked({"model": "m"}),
        two.answered({"error": {"message": "No key."}}, status=401),
        three.asked(method="GET", target="/v1/models"),
        three.answered("gone", status=404, media_type="text/plain"),
        three.lost("the upstream ended")._replace(meta={"detail": "the upstream ended"}),
    )
    assert rows[0].note == "GET /v1/models"
    assert (rows[1].note, rows[1].tone) == ("200 application/json 0.4s", Tone.SOCKET)
    assert (rows[3].note, rows[3].tone, rows[3].turn) == (
        "401 application/json 0.4s: No key.",
        Tone.ERROR,
        1,
    )
    assert rows[5].note == "404 text/plain 0.4s: gone"
    assert rows[6].note == "the upstream ended"


@pytest.mark.parametrize(
    ("meta", "note", "tone"),
    [
        (
            {"note": "digest", "agrees": 1, "client_bytes": 1200, "server_bytes": 7},
            "relayed unchanged: 1,200 bytes up, 7 down",
            Tone.SOCKET,
        ),
        ({"note": "digest", "agrees": 0}, "! what was relayed is not what was read", Tone.ERROR),
        (
            {"note": "unparsed", "direction": "server", "detail": "bad deflate"},
            "! bytes of the server not read from here on, passed on all the same: bad deflate",
            Tone.ODD,
        ),
        ({"note": "tap", "said": "a foreign Origin was refused"}, "a foreign Origin was refused", Tone.ODD),
        ({"note": "end"}, "complete", Tone.ENDING),
        ({"note": "latency", "ms": "soon"}, "pong after 0.0 ms", Tone.SOCKET),
    ],
)
def test_what_a_tap_notices(
    inspector: Inspector, meta: dict[str, str | int | float], note: str, tone: Tone
) -> None:
    (row,) = rows_of(inspector, make.record(kind=Kind.NOTE, direction=Direction.LOCAL, meta=meta))
    assert (row.note, row.tone) == (note, tone)


def test_a_mark_is_its_words(inspector: Inspector) -> None:
    mark = make.record(kind=Kind.MARK, direction=Direction.LOCAL, meta={"mark": "here it went wrong"})
    (row,) = rows_of(inspector, mark)
    assert (row.type, row.note) == ("mark", "here it went wrong")


def test_a_way_over_http_is_told_in_words(inspector: Inspector) -> None:
    wire = make.Wire()
    note = {"note": "removed", "fields": "generate", "said": "generate left out, HTTP refuses it."}
    rows = rows_of(
        inspector,
        wire.begun(),
        wire.record(b"", Kind.NOTE, Direction.LOCAL, note),
        wire.record(b"", Kind.NOTE, Direction.LOCAL, {"note": "end", "exchanges": 2}),
    )
    assert [row.note for row in rows] == [
        "HTTP, direct",
        "~ generate left out, HTTP refuses it.",
        "ended by hand after 2 requests",
    ]
    (row,) = rows_of(
        Inspector(Recording.create(None)), make.Wire().begun(said="WebSocket was not to be had.")
    )
    assert row.note == "WebSocket was not to be had."
