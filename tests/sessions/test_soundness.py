"""What is wrong with a recording is told with its line, once; what is sound is not spoken of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.changes import What
from sessions.events import Event
from sessions.finding import Finding, Severity
from sessions.records import Direction, Kind, Meta, Record, to_line
from sessions.reducer import fold
from sessions.soundness import RULES, Soundness
from tests import make, transcripts
from tests.make import Wire

FIRST_LINE = 2  # the header is line 1


def lines_of(records: Iterable[Record]) -> list[bytes]:
    """Their lines as a recording holds them."""
    return [to_line(record, number) for number, record in enumerate(records)]


def examine(lines: Iterable[bytes], *, is_growing: bool = False) -> list[Finding]:
    """Every finding of these lines, in the order in which they are told."""
    soundness = Soundness()
    found = [
        finding for place, line in enumerate(lines, FIRST_LINE) for finding in soundness.take(line, place)
    ]
    return found + soundness.end(is_growing=is_growing)


def ids(found: Iterable[Finding]) -> list[tuple[str, int]]:
    """Their ids and lines."""
    return [(finding.id, finding.line) for finding in found]


def changed(line: bytes, **fields: Any) -> bytes:
    """The same line with other fields."""
    return json.dumps({**json.loads(line), **fields}).encode() + b"\n"


@pytest.fixture
def talk() -> list[Record]:
    """A socket with one turn, closed by both sides."""
    wire = Wire()
    return [wire.open(), *wire.turn("resp_1"), wire.close(by=Direction.CLIENT), wire.close()]


def errors(found: Iterable[Finding]) -> list[str]:
    """The ids of those that make a check fail."""
    return [finding.id for finding in found if finding.severity is Severity.ERROR]


def test_a_whole_recording_has_no_findings(talk: list[Record]) -> None:
    assert examine(lines_of(talk)) == []


@pytest.mark.parametrize("name", transcripts.TRANSCRIPTS)
def test_golden_recordings_are_sound(name: str, golden: Path) -> None:
    lines = (golden / f"{name}.jsonl").read_bytes().splitlines(keepends=True)[1:]
    assert errors(examine(lines)) == []


def test_the_fold_is_that_of_its_records(talk: list[Record]) -> None:
    soundness = Soundness()
    for place, line in enumerate(lines_of(talk), FIRST_LINE):
        soundness.take(line, place)
    assert soundness.sessions.snapshot() == fold(talk).snapshot()
    assert soundness.seconds == talk[-1].elapsed


@pytest.mark.parametrize(
    ("line", "evidence"),
    [
        (b'{"n":1,"t":\n', "Expecting value"),
        (b"[]\n", "no object but a list"),
        (b"null\n", "no object but null"),
        (b'"raw"\n', "no object but a string"),
        (b"\n", "Expecting value"),
        (b"\xff\xfe\n", "can't decode"),
        (b"\0" * 4096 + b"\n", "4,096 of its 4,097 bytes are zero"),
        (b"[" * 100_000 + b"\n", "nested too deeply"),
        (b'{"n":1,"t":1,"mono":1,"conn":1,"dir":"sideways","kind":"text","size":0,"raw":""}\n', "sideways"),
        (b'{"n":1,"t":1,"mono":NaN,"conn":1,"dir":"client","kind":"text","size":0,"raw":""}\n', "mono"),
        (b'{"n":1,"t":1,"mono":1,"conn":1,"dir":"client","kind":"text","size":0,"b64":"*"}\n', ""),
    ],
)
def test_a_damaged_line_is_told_by_number(talk: list[Record], line: bytes, evidence: str) -> None:
    """It stands for the record that it was; nothing else is missing then."""
    lines = lines_of(talk)
    lines[5] = line
    (finding,) = [one for one in examine(lines) if one.severity is Severity.ERROR]
    assert (finding.id, finding.line, finding.records, finding.session) == ("damaged-line", 7, (), 0)
    assert evidence in finding.evidence


def test_lines_that_were_put_in_are_damage_alone(talk: list[Record]) -> None:
    lines = lines_of(talk)
    assert ids(examine([*lines[:4], b"junk\n", b"junk\n", *lines[4:]])) == [
        ("damaged-line", 6),
        ("damaged-line", 7),
    ]


def test_a_cut_end_is_told(talk: list[Record]) -> None:
    """Even when only the newline is missing: a reader would not count that line."""
    lines = lines_of(talk)
    for last in (lines[-1][:20], lines[-1][:-1]):
        (finding,) = examine([*lines[:-1], last])
        assert (finding.id, finding.line) == ("cut-end", len(lines) + 1)


def test_missing_records_are_counted(talk: list[Record]) -> None:
    lines = lines_of(talk)
    (finding,) = [one for one in examine([*lines[:4], *lines[6:]]) if one.id == "number-jump"]
    assert (finding.line, finding.records) == (6, (4,))
    assert (finding.title, finding.evidence) == ("2 records are missing", "number 6 stands after 3")
    (finding,) = [one for one in examine([*lines[:4], *lines[5:]]) if one.id == "number-jump"]
    assert finding.title == "a record is missing"


def test_a_missing_beginning_is_told(talk: list[Record]) -> None:
    found = examine(lines_of(talk)[1:])
    assert ids(found)[:2] == [("number-jump", 2), ("session-without-start", 2)]
    assert found[0].evidence == "it begins with 1"
    assert found[1].evidence == "its first record is text of the client"


def test_damaged_lines_explain_only_as_many_missing_numbers(talk: list[Record]) -> None:
    lines = lines_of(talk)
    found = examine([*lines[:4], b"junk\n", *lines[7:]])
    assert errors(found) == ["damaged-line", "number-jump"]
    assert found[1].title == "2 records are missing"


@pytest.mark.parametrize("number", [None, "5", 5.0, True])
def test_a_record_without_a_number_is_told(talk: list[Record], number: object) -> None:
    lines = lines_of(talk)
    lines[-1] = changed(lines[-1], n=number)
    assert ids(examine(lines)) == [("number-jump", len(lines) + 1)]


def test_numbers_that_go_back_are_told_once(talk: list[Record]) -> None:
    """A file appended to another one: its numbers, times and openings begin again, each told once."""
    lines = lines_of(talk)
    found = examine([*lines, *lines])
    place = len(lines) + FIRST_LINE
    assert ids(found)[:3] == [
        ("number-jump", place),
        ("time-goes-back", place),
        ("session-starts-twice", place),
    ]
    assert [finding.title for finding in found if finding.id == "number-jump"] == ["the numbers go back"]


def test_a_request_whose_upstream_is_not_reached_is_refused_and_begins_nothing_again() -> None:
    wire = Wire()
    records = [wire.asked({"model": "m"}), wire.refused("tcp", "connection refused")]
    assert examine(lines_of(records)) == []
    twice = [*records, wire.refused("tcp", "connection refused")]
    assert ids(examine(lines_of(twice))) == [("session-starts-twice", FIRST_LINE + 2)]


def test_a_refusal_behind_an_answer_begins_a_second_time() -> None:
    wire = Wire()
    records = [wire.asked({"model": "m"}), wire.answered({}), wire.refused("tcp", "connection refused")]
    assert ids(examine(lines_of(records))) == [("session-starts-twice", FIRST_LINE + 2)]


def test_a_size_that_differs_is_told(talk: list[Record]) -> None:
    lines = lines_of(talk)
    lines[1] = lines[1].replace(b"Hi", b"Hello")
    (finding,) = examine(lines)
    assert (finding.id, finding.line, finding.records) == ("size-differs", 3, (1,))
    size = len(talk[1].payload)
    assert finding.evidence == f"size is {size}, the payload has {size + 3} bytes"


def test_time_goes_back_in_a_session_only() -> None:
    """Sockets side by side are stored as they are served: between them a step back is no fault."""
    one, other = Wire(1), Wire(2, at=5.0)
    apart = [one.open(), other.open(), one.close(), other.close()]
    assert examine(lines_of(apart)) == []
    late = one.lost()._replace(elapsed=0.001)
    assert "time-goes-back" in errors(examine(lines_of([*apart[:2], one.sent("{}"), late])))


def test_a_clock_that_was_set_is_a_note(talk: list[Record]) -> None:
    later = [record._replace(wall=record.wall + 3_600_000_000) for record in talk[5:]]
    (finding,) = examine(lines_of([*talk[:5], *later]))
    assert (finding.id, finding.severity, finding.line) == ("clock-moved", Severity.NOTE, 7)
    assert finding.title == "the wall clock moved by +3,600.0 s"


def test_nothing_stands_after_the_end() -> None:
    wire = Wire()
    ended = [wire.open(), wire.close(by=Direction.CLIENT), wire.close()]
    for late in (wire.got("{}"), wire.sent("{}"), wire.close(), wire.record(b"", Kind.PING)):
        assert ids(examine(lines_of([*ended, late])))[0] == ("record-after-end", 5)
    wire = Wire()
    lost = [wire.open(), wire.lost(), wire.got(make.created("resp_1"))]
    (finding, *_) = examine(lines_of(lost))
    assert (finding.id, finding.evidence) == ("record-after-end", "text of the server after record 1")


def test_the_other_side_may_go_on_after_one_close_frame() -> None:
    """What had left before the close frame arrived is no fault; nor is TCP that ends without the answer."""
    wire = Wire()
    racing = [wire.open(), wire.close(), wire.sent(make.create()), wire.lost()]
    assert errors(examine(lines_of(racing))) == []
    again = [*racing[:2], wire.got("{}")]
    assert "record-after-end" in errors(examine(lines_of(again)))


def test_notes_and_marks_may_stand_anywhere(talk: list[Record]) -> None:
    wire = Wire(at=60.0)
    mark = wire.record(b"", Kind.MARK, Direction.LOCAL, {"mark": "here"})
    note = wire.record(
        b"", Kind.NOTE, Direction.LOCAL, {"note": "tap", "said": "a foreign Origin was refused"}
    )
    assert examine(lines_of([note._replace(session=0, elapsed=0.0, wall=make.WALL), *talk, mark])) == []


def test_a_session_without_an_end_is_a_note(talk: list[Record]) -> None:
    (finding,) = examine(lines_of(talk[:-2]))
    assert (finding.id, finding.severity, finding.line) == ("no-end", Severity.NOTE, 0)
    assert finding.records == (len(talk) - 3,)
    assert examine(lines_of(talk[:-2]), is_growing=True) == []


def test_a_refused_opening_is_a_whole_session() -> None:
    assert examine(lines_of([Wire().refused("forbidden", status=403)])) == []


def exchange(wire: Wire) -> list[Record]:
    """A streamed turn over HTTP."""
    return [
        wire.record(
            b'POST /v1/responses HTTP/1.1\r\n\r\n{"model":"m","input":"Hi"}',
            Kind.REQUEST,
            Direction.CLIENT,
            {"method": "POST", "target": "/v1/responses", "head": 31},
        ),
        wire.record(b"HTTP/1.1 200 OK\r\n\r\n", Kind.RESPONSE, meta={"status": 200, "head": 19}),
        *(
            wire.record(b"data: " + make.payload_of(body), Kind.SSE)
            for body in make.answer("resp_1", "Hello.")
        ),
        wire.record(b"", Kind.NOTE, Direction.LOCAL, {"note": "end", "ms": 3.0}),
    ]


def test_an_http_exchange_is_a_whole_session() -> None:
    wire = Wire()
    records = exchange(wire)
    assert examine(lines_of(records)) == []
    late = wire.record(b"data: {}", Kind.SSE)
    assert errors(examine(lines_of([*records, late]))) == ["record-after-end"]
    assert examine(lines_of([*records[:-1], wire.lost()])) == []


DIGEST: Meta = {
    "note": "digest", "client_bytes": 10, "client_read": "aa", "client_written": "aa",
    "server_bytes": 20, "server_read": "bb", "server_written": "bb", "agrees": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("difference", "title"),
    [
        ({"client_written": "ab"}, "the server did not get the bytes that the client sent"),
        ({"server_read": "cc", "agrees": 0}, "the client did not get the bytes that the server sent"),
        ({"agrees": 0}, "the tap says that its digests differ"),
    ],
)
def test_digests_that_differ_are_told(difference: dict[str, str | int], title: str) -> None:
    wire = Wire()
    ended = [wire.open(tap="http://127.0.0.1:1/v1"), wire.lost()]
    sound = wire.record(b"", Kind.NOTE, Direction.LOCAL, DIGEST)
    assert examine(lines_of([*ended, sound])) == []
    (finding,) = examine(lines_of([*ended, sound._replace(meta={**DIGEST, **difference})]))
    assert (finding.id, finding.severity, finding.title) == ("digest-differs", Severity.ERROR, title)
    assert finding.who == "tap"


def test_a_tapped_socket_without_a_digest_is_a_note() -> None:
    wire = Wire()
    (finding,) = examine(lines_of([wire.open(tap="http://127.0.0.1:1/v1"), wire.lost()]))
    assert (finding.id, finding.severity) == ("digest-missing", Severity.NOTE)


def test_bytes_that_were_not_read_as_frames_are_a_warning() -> None:
    wire = Wire()
    meta: Meta = {
        "note": "unparsed",
        "direction": "server",
        "detail": "the deflate stream is broken",
        "at": 9,
    }
    (finding,) = examine(
        lines_of([wire.open(), wire.record(b"", Kind.NOTE, Direction.LOCAL, meta), wire.lost()])
    )
    assert (finding.id, finding.severity) == ("unparsed", Severity.WARNING)
    assert "server" in finding.title
    assert finding.evidence == "the deflate stream is broken"


def test_a_frame_that_is_no_message_is_a_warning() -> None:
    wire = Wire()
    meta: Meta = {"note": "frame", "direction": "client", "detail": "opcode 3 is reserved", "at_byte": 9}
    opened = wire.open()
    note = wire.record(b"?", Kind.NOTE, Direction.LOCAL, meta)
    (finding,) = examine(lines_of([opened, note, wire.lost()]))
    assert (finding.id, finding.severity, finding.who) == ("odd-frame", Severity.WARNING, "client")
    assert finding.evidence == "opcode 3 is reserved"


def test_what_a_peer_did_wrong_is_left_to_the_judge() -> None:
    wire = Wire()
    records = [wire.open(), wire.sent(make.create()), wire.got(make.text_delta("msg_1", "Hi"))]
    records += [wire.got("not json"), wire.sent("neither"), wire.close()]
    assert examine(lines_of(records)) == []


def test_what_was_taken_is_handed_on_with_what_it_changed() -> None:
    wire = Wire()
    soundness = Soundness()
    create = wire.sent(make.create())
    for place, line in enumerate(lines_of([wire.open(), create]), FIRST_LINE):
        soundness.take(line, place)
    assert soundness.taken is not None
    record, number, event, changes = soundness.taken
    assert (record, number) == (create, 1)
    assert isinstance(event, Event)
    assert event.type == "response.create"
    assert [change.what for change in changes] == [What.TURN]
    soundness.take(b"junk\n", 4)
    assert soundness.taken is None


def test_every_rule_has_a_remedy() -> None:
    assert all(rule.remedy and rule.remedy[0].islower() and rule.remedy[-1] != "." for rule in RULES.values())


LINES = lines_of([wire_record for wire in [Wire()] for wire_record in [wire.open(), *wire.turn("resp_1")]])


@given(
    st.lists(
        st.one_of(
            st.sampled_from(LINES),
            st.binary(max_size=80),
            st.builds(
                lambda line, at, byte: line[: at % len(line)] + bytes([byte]) + line[at % len(line) + 1 :],
                st.sampled_from(LINES),
                st.integers(0, 10_000),
                st.integers(0, 255),
            ),
        ),
        max_size=12,
    )
)
def test_any_lines_are_taken_without_raising(lines: list[bytes]) -> None:
    for finding in examine(lines):
        assert finding.id in RULES
        json.dumps(finding.plain())


def test_a_session_over_http_is_sound_and_so_is_one_that_fell_back() -> None:
    wire = Wire()
    end: Meta = {"note": "end", "exchanges": 2}
    records = [
        wire.refused("upgrade_required", status=426),
        wire.begun(),
        *wire.exchange(1, "resp_1"),
        *wire.exchange(2, "resp_2"),
        wire.record(b"", Kind.NOTE, Direction.LOCAL, end),
    ]
    assert examine(lines_of(records)) == []
    assert examine(lines_of(records[1:])) == []
    assert ids(examine(lines_of([*records, wire.got(make.created("r"))])))[0][0] == "record-after-end"
