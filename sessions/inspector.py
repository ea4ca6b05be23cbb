"""The inspector: every record is stored, then applied, judged, and told to whoever follows; in that order.

`feed` has no await in it, so the order is total. The log is the queue: a follower takes everything since its
last look in one batch, so a slow one cannot slow the wire.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from time import perf_counter
from typing import NamedTuple, Protocol, runtime_checkable

from sessions.bodies import event_of
from sessions.events import LARGE, Event, Undecodable, decode
from sessions.finding import Finding
from sessions.findings.judge import Judge
from sessions.masking import Masks
from sessions.profiles import known_deviations
from sessions.reading import Reading
from sessions.recording import Recording
from sessions.records import Kind, Record, payload_field
from sessions.reducer import Change, Sessions, What
from sessions.source import Source

_KEPT_CHANGES = 20_000  # of a follower that does not look; beyond it only the records' range is told
_SLICE_SECONDS = 0.003  # a key goes through some five tasks; each of them may wait for one slice
_CHECKED = 64  # records between two looks at the clock


@runtime_checkable
class Batched(Protocol):
    """A source that can hand over everything that arrived since the last look."""

    def batches(self) -> AsyncIterator[tuple[Record, ...]]: ...


class Batch(NamedTuple):
    """What happened since a follower last looked: records [first, last) and the changes they made.

    Text changes of one item are merged into the newest; `is_complete` is False when so many changes came that
    they were dropped, and the follower should look at the state afresh.
    """

    first: int
    last: int
    changes: tuple[Change, ...]
    is_complete: bool = True
    findings: tuple[Finding, ...] = ()  #: what these records prove to be wrong


class Follower:
    """A cursor on the log, held by one reader."""

    def __init__(self, inspector: Inspector, start: int) -> None:
        self._inspector = inspector
        self._cursor = start
        self._changes: list[Change] = []
        self._findings: list[Finding] = []
        self._texts: dict[tuple[int, str], Change] = {}
        self._news = asyncio.Event()
        self._dropped = False
        if start < len(inspector.recording):
            self._news.set()

    def _add(self, changes: tuple[Change, ...], findings: tuple[Finding, ...]) -> None:
        if findings:
            self._findings.extend(findings)
        for change in changes:
            if change.what is What.TEXT:
                self._texts[(change.turn, change.item)] = change
            elif len(self._changes) < _KEPT_CHANGES:
                self._changes.append(change)
            else:
                self._dropped = True
        self._news.set()

    async def wait(self) -> None:
        """Wait until there is something to take."""
        await self._news.wait()

    def take(self) -> Batch:
        """Everything since the last take; empty (first == last) when nothing came."""
        last = len(self._inspector.recording)
        changes = (*self._changes, *self._texts.values())
        batch = Batch(self._cursor, last, changes, not self._dropped, tuple(self._findings))
        self._cursor = last
        self._changes.clear()
        self._findings.clear()
        self._texts.clear()
        self._dropped = False
        self._news.clear()
        return batch

    def close(self) -> None:
        """Stop following."""
        self._inspector._followers.discard(self)


class Inspector:
    """One recording, the state it adds up to, and those who follow it."""

    def __init__(
        self,
        recording: Recording,
        secrets: Iterable[str] = (),
        *,
        sessions: Sessions | None = None,
        judge: Judge | None = None,
        habits: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """`habits` are what profiles are known for; those of the built-in ones when they are not given."""
        self.recording = recording
        self.sessions = Sessions() if sessions is None else sessions  #: a restored state, or an empty one
        known = known_deviations() if habits is None else habits
        self.judge = Judge(self.sessions, known) if judge is None else judge
        self.judge.go_on_with(self.sessions)
        if isinstance(recording, Reading):  # while a doctor runs, its own checks judge what they provoke
            self.judge.is_probed = recording.header.get("source") == "doctor"
        #: what is wrong with what was fed or shown so far; only grows
        self.findings: list[Finding] = self.judge.before(len(recording))
        self._masks = Masks(secrets)
        self._followers: set[Follower] = set()

    def __repr__(self) -> str:
        return f"<Inspector of {len(self.recording)} records>"

    def add_secret(self, secret: str) -> None:
        """Mask this exact text in every payload from now on."""
        self._masks.add(secret)

    def feed(self, record: Record) -> tuple[Change, ...]:
        """Store one record, apply it, tell the followers; raises RecordingError when it cannot be stored."""
        payload = record.payload
        for needle in self._masks.needles:  # looked for here, because a call for each record is dear
            if needle in payload:
                record = self._masks.clean(record)
                payload = record.payload
                break
        self.recording.append(record)
        kind = record.kind
        event = decode(payload) if kind is Kind.TEXT or kind is Kind.BINARY else None
        return self._take(record, event)

    def _take(self, record: Record, event: Event | Undecodable | None) -> tuple[Change, ...]:
        """Apply one record, judge it, tell the followers."""
        if event is None and record.kind is Kind.SSE:
            event = event_of(record)
        sessions = self.sessions
        number = sessions.records
        changes = sessions.apply(record, event)
        if findings := self.judge.judge(record, number, event, changes):
            self.findings.extend(findings)
        for follower in self._followers:
            follower._add(changes, findings)
        return changes

    def show_on(self, limit: int, seconds: float) -> int:
        """Show what a Reading has read already, up to this number and for at most this time; how many.

        Each record is applied and told as `feed` does, but stored nowhere: it is in the file. One record
        is taken whole, however large. Raises TypeError for an inspector that writes its recording.
        """
        reading = self.recording
        if not isinstance(reading, Reading):
            raise TypeError("only a Reading is shown; what is recorded here is fed")
        first = number = len(reading)
        end = perf_counter() + seconds
        take, holes = self._take, reading.holes
        try:
            for record in reading.records(first, min(limit, reading.known)):
                if number in holes:
                    self.judge.tear(number)
                number += 1
                is_message = record.kind is Kind.TEXT or record.kind is Kind.BINARY
                take(record, decode(record.payload) if is_message else None)
                if (not number % _CHECKED or len(record.payload) > LARGE) and perf_counter() >= end:
                    break
        finally:
            reading.show(number)
        return number - first

    def _prepare(self, record: Record) -> tuple[Record, bytes, Event | Undecodable]:
        """What is slow about a large message; touches no state, for it runs in a thread."""
        record = self._masks.clean(record)
        return record, payload_field(record.payload), decode(record.payload)

    def feed_all(self, records: Iterable[Record]) -> None:
        """Feed many records in their order."""
        for record in records:
            self.feed(record)

    async def run(self, source: Source) -> None:
        """Feed everything that a source yields, until it ends; raises RecordingError when storing fails.

        Others on the loop, keys first, get their turn every few milliseconds, however much is waiting.
        """
        if isinstance(source, Batched):
            async for batch in source.batches():
                rest = deque(batch)
                try:
                    while rest:
                        if _is_large(rest[0]):
                            record, field, event = await asyncio.to_thread(self._prepare, rest[0])
                            rest.popleft()
                            self.recording.append(record, field)
                            self._take(record, event)
                        else:
                            self._feed_some(rest)
                        if rest:
                            await asyncio.sleep(0)
                except asyncio.CancelledError:
                    self.feed_all(rest)  # these have crossed the wire
                    raise
        else:
            end = perf_counter() + _SLICE_SECONDS
            async for record in source:
                self.feed(record)
                if perf_counter() >= end:
                    await asyncio.sleep(0)
                    end = perf_counter() + _SLICE_SECONDS

    def _feed_some(self, records: deque[Record]) -> None:
        """Feed for a slice of time, up to a large message."""
        feed, take = self.feed, records.popleft
        end = perf_counter() + _SLICE_SECONDS
        while records and perf_counter() < end:
            for _ in range(min(_CHECKED, len(records))):
                if len(records[0].payload) > LARGE and _is_large(records[0]):
                    return
                feed(take())

    def follow(self, start: int = 0) -> Follower:
        """A new follower that begins at this record."""
        follower = Follower(self, start)
        self._followers.add(follower)
        return follower


def _is_large(record: Record) -> bool:
    return len(record.payload) > LARGE and record.kind in (Kind.TEXT, Kind.BINARY)
