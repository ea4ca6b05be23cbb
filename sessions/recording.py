"""The recording: an append-only file of records, with a few small columns in memory.

Its one rule: a record is in the file's buffer before anyone sees it (`sessions.journal`); records are read
back on demand through a bounded cache, so memory grows by some thirty bytes a record whatever crosses the
wire. A file that somebody else wrote is a `sessions.reading.Reading`.
"""

from __future__ import annotations

import os
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sessions.bodies import event_of
from sessions.errors import RecordingError
from sessions.events import Event, Undecodable
from sessions.journal import Journal
from sessions.records import Direction, Kind, Record, from_line

_CACHED = 512  # records and events read back lately
_CACHED_BYTES = 1 << 16  # larger ones are read again each time they are asked for
_LARGEST = (1 << 32) - 1  # what a column of sizes can say

LABELS = tuple((direction, kind) for direction in Direction for kind in Kind)
LABEL: Mapping[tuple[str, str], int] = {label: code for code, label in enumerate(LABELS)}
MAX_SESSION = (1 << 24) - 1  # sessions of one recording; a label has eight bits for direction and kind


class Problem(NamedTuple):
    """A line of a recording that cannot be read; everything around it is kept."""

    line: int  #: from 1
    reason: str


def new_path(folder: Path, name: str, wall: int) -> Path:
    """A dated path for a new recording in this folder; `wall` is microseconds since the epoch.

    `name` is what it is about (a profile); it is made safe as a file name and never comes from the network.
    """
    moment = datetime.fromtimestamp(wall / 1_000_000, UTC).strftime("%Y-%m-%d-%H%M%S")
    clean = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in name)
    return folder / f"{moment}-{clean or 'session'}-{wall % 1_000_000:06d}.jsonl"


def mark_path(path: Path) -> Path:
    """The empty file beside a recording that says it is to be kept, whatever its age."""
    return path.with_name(f"{path.name}.keep")


class Recording:
    """The records of one run, on disk and by number."""

    def __init__(self, descriptor: int, path: Path | None, header: Mapping[str, Any], start: int) -> None:
        """`start` is where its first record begins, in bytes."""
        self.path = path
        self.header = header
        self.problems: list[Problem] = []
        self._journal: Journal | None = None
        self._descriptor = descriptor
        self._offsets = array("q", [start])
        self._elapsed = array("d")
        self._wall = array("q")
        self._sizes = array("I")
        self._labels = array("I")  #: session, direction and kind of each record, packed
        self._records: OrderedDict[int, Record] = OrderedDict()
        self._events: OrderedDict[int, Event | Undecodable] = OrderedDict()

    # Writing -----------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls, path: Path | None, source: str = "connect", facts: Mapping[str, str | int] | None = None
    ) -> Recording:
        """A new recording at this path, readable by its owner only; None: a temporary file without a name.

        Raises RecordingError when the file exists already or cannot be made.
        """
        journal = Journal.create(path, source, facts)
        recording = Recording(journal.descriptor, path, journal.header, journal.end)
        recording._journal = journal
        return recording

    def append(self, record: Record, field: bytes = b"") -> int:
        """Store one record and return its number; it reaches the file within a tenth of a second.

        `field` is `records.payload_field` of its payload, for one so large that it was made in a thread.
        Raises RecordingError once a write has failed: traffic never passes unrecorded in silence.
        """
        journal = self._journal
        if journal is None:
            raise RecordingError(f"{self.path} is being read; nothing is written to it")
        number = journal.append(record, field)
        session, direction, kind, wall, elapsed, payload, _ = record
        size = len(payload)
        self._offsets.append(journal.end)
        self._elapsed.append(elapsed)
        self._wall.append(wall)
        self._sizes.append(size if size < _LARGEST else _LARGEST)
        self._labels.append((session & MAX_SESSION) << 8 | LABEL[direction, kind])
        return number

    def flush(self) -> None:
        """Hand everything to the operating system; a failure is kept and told to `on_failure`."""
        if self._journal is not None:
            self._journal.flush()

    @property
    def failure(self) -> RecordingError | None:
        """Why nothing more can be written; None while all is well."""
        return self._journal.failure if self._journal else None

    @property
    def on_failure(self) -> Callable[[RecordingError], None] | None:
        """Who is told when a write fails."""
        return self._journal.on_failure if self._journal else None

    @on_failure.setter
    def on_failure(self, told: Callable[[RecordingError], None] | None) -> None:
        if self._journal is not None:
            self._journal.on_failure = told

    @property
    def bytes_written(self) -> int:
        """Size of the recording, what waits to be flushed included."""
        return self._journal.end if self._journal else self._offsets[-1]

    def close(self) -> None:
        """Flush and let go of the file; records can no longer be read back."""
        if self._descriptor < 0:
            return
        if self._journal is not None:
            self._journal.close()
        else:
            os.close(self._descriptor)
        self._descriptor = -1

    # Keeping -----------------------------------------------------------------------------------------

    @property
    def is_kept(self) -> bool:
        """Whether it is marked to be kept, so that no retention removes it."""
        return self.path is not None and mark_path(self.path).exists()

    def keep(self, is_wanted: bool = True) -> None:
        """Mark it to be kept, or take the mark back; raises RecordingError when that cannot be written."""
        if self.path is None:
            raise RecordingError(
                "this run is in a temporary file, which goes when it ends; save it to keep it"
            )
        mark = mark_path(self.path)
        try:
            if is_wanted:
                mark.touch(mode=0o600)
            else:
                mark.unlink(missing_ok=True)
        except OSError as error:
            raise RecordingError(f"cannot write {mark}: {error.strerror}") from error

    # Reading -----------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._elapsed)

    def __iter__(self) -> Iterator[Record]:
        return (self.record(number) for number in range(len(self)))

    def record(self, number: int) -> Record:
        """The record of this number, read back from the file; IndexError when there is none."""
        if (known := self._records.get(number)) is not None:
            self._records.move_to_end(number)
            return known
        record = from_line(self.line(number))
        if len(record.payload) <= _CACHED_BYTES:
            self._records[number] = record
            if len(self._records) > _CACHED:
                self._records.popitem(last=False)
        return record

    def line(self, number: int) -> bytes:
        """The line of this number exactly as it stands in the file, newline included."""
        if not 0 <= number < len(self._elapsed):
            raise IndexError(number)
        start, end = self._span(number)
        journal = self._journal
        if journal is not None:
            if end > journal.written:
                journal.flush()
            if end > journal.written:  # a failed write keeps its lines
                written = os.pread(self._descriptor, max(0, journal.written - start), start)
                return written + journal.unwritten(start, end)
        return os.pread(self._descriptor, end - start, start)

    def _span(self, number: int) -> tuple[int, int]:
        """Where the line of this number begins and ends, in bytes."""
        return self._offsets[number], self._offsets[number + 1]

    def event(self, number: int) -> Event | Undecodable:
        """The event that this record is, whatever it travelled in."""
        if (known := self._events.get(number)) is not None:
            self._events.move_to_end(number)
            return known
        record = self.record(number)
        event = event_of(record)
        if len(record.payload) <= _CACHED_BYTES:
            self._events[number] = event
            if len(self._events) > _CACHED:
                self._events.popitem(last=False)
        return event

    def elapsed_at(self, number: int) -> float:
        """Recording time of a record, in seconds."""
        return self._elapsed[number]

    def wall_at(self, number: int) -> int:
        """Wall time of a record, in microseconds since the epoch, UTC."""
        return self._wall[number]

    def size_at(self, number: int) -> int:
        """Bytes of a record's payload."""
        return self._sizes[number]

    def session_at(self, number: int) -> int:
        """Which session a record belongs to."""
        return self._labels[number] >> 8

    def kind_at(self, number: int) -> Kind:
        """What kind of record it is."""
        return LABELS[self._labels[number] & 0xFF][1]

    def direction_at(self, number: int) -> Direction:
        """Who sent it."""
        return LABELS[self._labels[number] & 0xFF][0]

    def save_as(self, path: Path) -> None:
        """Copy the recording so far to a new file of the owner's; raises RecordingError when it cannot."""
        self.flush()
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as copy:
                offset = 0
                while chunk := os.pread(self._descriptor, 1 << 20, offset):
                    copy.write(chunk)
                    offset += len(chunk)
                if self._journal is not None:  # what a failed write has kept
                    copy.write(self._journal.unwritten(offset, self._journal.end))
        except OSError as error:
            raise RecordingError(f"cannot write {path}: {error.strerror}") from error
