"""Soundness: whether a recording holds together as a file and as a fold, told line by line as findings.

Its one rule: nothing stops it; every line is looked at, and what is wrong with one is told once. It judges
the recording, not the protocol: what a peer did wrong is found by the judge, who is given what was `taken`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic_core import from_json

from sessions.bodies import event_of
from sessions.changes import Change
from sessions.events import Event, Undecodable, decode
from sessions.finding import Finding, Severity
from sessions.records import Direction, Kind, Record, from_fields
from sessions.reducer import Sessions

FIRST_LINE = 2  # of the file that is a record; the header stands above it
_SESSIONS = range(1 << 24)  # what a reader has room for
_WALLS = range(-(1 << 63), 1 << 63)
_CLOCK_SECONDS = 1.0  # a step of the wall clock against the monotonic one that is worth a note
_FIRST = frozenset({Kind.OPEN, Kind.REFUSED, Kind.REQUEST})
_MESSAGES = frozenset({Kind.TEXT, Kind.BINARY, Kind.SSE})
_ASIDE = frozenset({Kind.NOTE, Kind.MARK})  # they may stand anywhere: nobody's frame, but noticed or marked


class Rule(NamedTuple):
    """What breaking one rule of a sound recording means."""

    severity: Severity
    who: str  #: "" stands for the record's sender
    remedy: str


#: every id that a finding of this module may have
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "damaged-line": Rule(
            Severity.ERROR, "file", "every other line is still read; look for an earlier copy of this file"
        ),
        "cut-end": Rule(
            Severity.ERROR,
            "file",
            "whoever wrote it was killed or the disk was full; all lines before it are whole",
        ),
        "number-jump": Rule(
            Severity.ERROR, "file", "lines were taken out, added or put together; look for an earlier copy"
        ),
        "size-differs": Rule(
            Severity.ERROR,
            "file",
            "the payload was changed after it was recorded; its bytes are not those of the wire",
        ),
        "time-goes-back": Rule(Severity.ERROR, "file", "durations around this record are not to be trusted"),
        "session-without-start": Rule(
            Severity.ERROR, "file", "its beginning is missing; handshake, route and countdown are not known"
        ),
        "session-starts-twice": Rule(
            Severity.ERROR, "file", "two recordings were put together; check each by itself"
        ),
        "record-after-end": Rule(
            Severity.ERROR, "file", "two sessions were mixed up: no socket carries anything after its end"
        ),
        "digest-differs": Rule(
            Severity.ERROR, "tap", "the tap itself changed bytes: please report it, with this recording"
        ),
        "unparsed": Rule(
            Severity.WARNING, "tap", "the bytes were passed on all the same, but are not in this recording"
        ),
        "odd-frame": Rule(
            Severity.WARNING, "", "it is kept as it came; what the other side made of it is not known"
        ),
        "clock-moved": Rule(
            Severity.NOTE, "clock", "the clock was set or the machine slept; durations are not touched by it"
        ),
        "digest-missing": Rule(
            Severity.NOTE, "tap", "the tap was ended before it could compare what it read with what it wrote"
        ),
        "no-end": Rule(
            Severity.NOTE,
            "file",
            "the recording stopped before the session did; what came after is not known",
        ),
    }
)


class Taken(NamedTuple):
    """A record that was read and folded, and what it changed."""

    record: Record
    number: int
    event: Event | Undecodable | None
    changes: tuple[Change, ...]


class _Flaw(NamedTuple):
    """A rule that a record breaks, before it is a finding."""

    id: str
    title: str
    evidence: str


class _Course:
    """How far one session's records have come."""

    __slots__ = ("closed", "elapsed", "has_digest", "is_asking", "is_over", "is_tapped", "last")

    def __init__(self) -> None:
        self.closed: set[Direction] = set()  #: who has sent a close frame
        self.is_asking = False  #: it began with a request over HTTP, and nothing has answered it
        self.is_over = False
        self.is_tapped = False
        self.has_digest = False
        self.elapsed = float("-inf")
        self.last = -1  #: its newest record


class Soundness:
    """Takes the lines behind a recording's header, in their order, and tells what is wrong with each."""

    def __init__(self) -> None:
        self.sessions = Sessions()
        self.taken: Taken | None = None  #: the record of the newest line, None when that is none
        self.seconds = 0.0  #: the greatest recording time so far
        self._courses: dict[int, _Course] = {}
        self._number = -1  #: the newest record's own number
        self._unread = 0  #: damaged lines since that record
        self._drift: float | None = None  #: wall clock minus recording time, in seconds

    def take(self, line: bytes, place: int) -> list[Finding]:
        """What is wrong with this line; `place` is its number in the file, from 1. Never raises."""
        self.taken = None
        if not line.endswith(b"\n"):
            return [_of_line("cut-end", place, "the last line is cut", f"it ends after {len(line):,} bytes")]
        try:
            fields = _fields(line)
            record = from_fields(fields)
            if record.session not in _SESSIONS or record.wall not in _WALLS:
                raise ValueError("not a record: conn or t is out of range")
        except RecursionError:
            return [self._damaged(place, line, "nested too deeply")]
        except ValueError as error:
            return [self._damaged(place, line, str(error).removeprefix("not a record: "))]
        number = self.sessions.records
        flaws = () if self._goes_on(fields, record) else (*self._flaws(fields, record),)
        kind = record.kind
        event = (
            decode(record.payload) if kind is Kind.TEXT else event_of(record) if kind in _MESSAGES else None
        )
        self.taken = Taken(record, number, event, self.sessions.apply(record, event))
        return [_of_record(flaw, record, number, place) for flaw in flaws] if flaws else []

    def end(self, *, is_growing: bool = False) -> list[Finding]:
        """What only the end of the recording tells; nothing while it `is_growing`."""
        found: list[Finding] = []
        for session, course in sorted(() if is_growing else self._courses.items()):
            if not (course.is_over or course.closed):
                flaw = _Flaw("no-end", f"session {session} has no end", f"record {course.last} is its last")
            elif course.is_tapped and not course.has_digest:
                flaw = _Flaw(
                    "digest-missing", f"session {session} has no digest", "no note compares its bytes"
                )
            else:
                continue
            found.append(_finding(flaw, session, (course.last,), 0, ""))
        return found

    def _damaged(self, place: int, line: bytes, reason: str) -> Finding:
        self._unread += 1
        zeros = line.count(0)
        if zeros > len(line) // 2:
            reason = f"{zeros:,} of its {len(line):,} bytes are zero, as after a power cut"
        return _of_line("damaged-line", place, "a line that is no record", reason)

    def _goes_on(self, fields: Mapping[str, Any], record: Record) -> bool:
        """Whether a message simply follows what was there, as nearly all do; it is then noted."""
        session, direction, kind, wall, elapsed, payload, _ = record
        course = self._courses.get(session)
        if course is None or kind not in _MESSAGES or self._unread or course.is_over:
            return False
        number, drift = fields.get("n"), wall / 1_000_000 - elapsed
        if (
            type(number) is not int
            or number != self._number + 1
            or fields.get("size") != len(payload)
            or elapsed < course.elapsed
            or self._drift is None
            or abs(drift - self._drift) > _CLOCK_SECONDS
            or direction in course.closed
        ):
            return False
        self._number, self._drift = number, drift
        if elapsed > self.seconds:
            self.seconds = elapsed
        course.elapsed = elapsed
        course.last = self.sessions.records
        return True

    def _flaws(self, fields: Mapping[str, Any], record: Record) -> Iterator[_Flaw]:
        """What is wrong with a record where it stands; notes how far the recording has come."""
        yield from self._number_flaw(fields.get("n"))
        if (size := fields.get("size")) != len(record.payload):
            evidence = f"size is {size!r}, the payload has {len(record.payload)} bytes"
            yield _Flaw("size-differs", "the payload is not as long as its size says", evidence)
        yield from self._time_flaw(record)
        if record.kind is Kind.NOTE:
            yield from _note_flaw(record)
        yield from self._order_flaw(record)

    def _number_flaw(self, number: object) -> Iterator[_Flaw]:
        if type(number) is not int:
            yield _Flaw("number-jump", "a record without a number", f"its n is {number!r}")
            return
        before, unread = self._number, self._unread
        self._number, self._unread = number, 0
        evidence = f"number {number} stands after {before}" if before >= 0 else f"it begins with {number}"
        if number <= before or number < 0:
            yield _Flaw("number-jump", "the numbers go back", evidence)
        elif (missing := number - before - 1 - unread) > 0:
            title = "a record is missing" if missing == 1 else f"{missing:,} records are missing"
            yield _Flaw("number-jump", title, evidence)

    def _time_flaw(self, record: Record) -> Iterator[_Flaw]:
        self.seconds = max(self.seconds, record.elapsed)
        drift = record.wall / 1_000_000 - record.elapsed
        before, self._drift = self._drift, drift
        course = self._courses.get(record.session)  # sockets side by side are stored as they are served
        if course is not None and record.elapsed < course.elapsed:
            evidence = (
                f"{record.elapsed:.6f} s stands after {course.elapsed:.6f} s in session {record.session}"
            )
            yield _Flaw("time-goes-back", "the recording time goes back", evidence)
        elif before is not None and abs(drift - before) > _CLOCK_SECONDS:
            title = f"the wall clock moved by {drift - before:+,.1f} s"
            yield _Flaw("clock-moved", title, "measured against the recording time")

    def _order_flaw(self, record: Record) -> Iterator[_Flaw]:
        session, direction, kind = record.session, record.direction, record.kind
        course = self._courses.get(session)
        if kind in _ASIDE:
            if course is not None and kind is Kind.NOTE:
                course.has_digest |= record.meta.get("note") == "digest"
                course.is_over |= record.meta.get("note") == "end" and "exchange" not in record.meta
            return
        if course is None:
            course = self._courses[session] = _Course()
            course.is_tapped = kind is Kind.OPEN and "tap" in record.meta
            course.is_asking = kind is Kind.REQUEST and "exchange" not in record.meta
            if kind not in _FIRST:
                title = f"session {session} does not begin with an opening"
                yield _Flaw("session-without-start", title, f"its first record is {_named(record)}")
        elif _is_way_after_socket(record, course):
            course.is_over = False  # the same session goes on over HTTP
            course.closed.clear()
        elif kind is Kind.REFUSED and course.is_asking and not course.is_over:
            pass  # its request is known, and the upstream was not to be reached
        elif kind in _FIRST and "exchange" not in record.meta:
            title = f"session {session} begins a second time"
            yield _Flaw("session-starts-twice", title, f"{_named(record)} after record {course.last}")
        elif course.is_over or direction in course.closed:
            title = f"session {session} had ended before this record"
            yield _Flaw("record-after-end", title, f"{_named(record)} after record {course.last}")
        course.is_asking &= kind is not Kind.RESPONSE
        if kind is Kind.CLOSE:
            course.closed.add(direction)
        course.is_over |= kind in (Kind.LOST, Kind.REFUSED) and "exchange" not in record.meta
        course.elapsed = max(course.elapsed, record.elapsed)
        course.last = self.sessions.records


def _is_way_after_socket(record: Record, course: _Course) -> bool:
    """Whether this is HTTP after a socket that was not to be had."""
    is_http = record.kind is Kind.OPEN and record.meta.get("transport") == "http"
    return is_http and (course.is_over or bool(course.closed))


def _fields(line: bytes) -> Any:
    """The decoded line; raises ValueError, with the better words of the slower parser, or RecursionError."""
    try:
        return from_json(line)
    except ValueError:
        return json.loads(line)


def _note_flaw(record: Record) -> Iterator[_Flaw]:
    """What a tap's own notes say against it."""
    meta = record.meta
    if meta.get("note") == "digest":
        for sender, receiver in (("client", "server"), ("server", "client")):
            read, written = meta.get(f"{sender}_read"), meta.get(f"{sender}_written")
            if read != written:
                title = f"the {receiver} did not get the bytes that the {sender} sent"
                yield _Flaw("digest-differs", title, f"read {read}, written {written}")
                return
        if meta.get("agrees") != 1:
            yield _Flaw("digest-differs", "the tap says that its digests differ", "both pairs look alike")
    elif meta.get("note") == "frame":
        title = f"the {meta.get('direction', 'peer')} sent what is no message"
        yield _Flaw("odd-frame", title, str(meta.get("detail", "no reason was written")))
    elif meta.get("note") == "unparsed":
        title = f"what the {meta.get('direction', 'peer')} sent from here on could not be read as frames"
        yield _Flaw("unparsed", title, str(meta.get("detail", "no reason was written")))


def _named(record: Record) -> str:
    who = "" if record.direction is Direction.LOCAL else f" of the {record.direction.value}"
    return record.kind.value + who


def _of_line(name: str, place: int, title: str, evidence: str) -> Finding:
    return _finding(_Flaw(name, title, evidence), 0, (), place, "")


def _of_record(flaw: _Flaw, record: Record, number: int, place: int) -> Finding:
    is_seen = record.direction is Direction.LOCAL  # a tap's note says whose bytes it is about
    sender = str(record.meta.get("direction", "tap")) if is_seen else record.direction.value
    return _finding(flaw, record.session, (number,), place, sender)


def _finding(flaw: _Flaw, session: int, records: tuple[int, ...], place: int, sender: str) -> Finding:
    rule = RULES[flaw.id]
    who = rule.who or sender
    return Finding(
        flaw.id, rule.severity, session, records, place, who, flaw.title, flaw.evidence, rule.remedy
    )
