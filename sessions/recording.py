"""The recording: an append-only file of records, with a few small columns in memory.

Its one rule: a record is in the buffer of the file before anyone sees it, and a write that fails is never
silent. A header line, then one line per record (`sessions.records`); records are read back on demand through
a bounded cache, so memory grows by some thirty bytes a record whatever crosses the wire.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sessions.errors import Damaged, RecordingError, TooNew
from sessions.events import Event, Undecodable, decode
from sessions.records import Direction, Kind, Record, from_line, to_line
from sessions.version import version

FORMAT = "turnscope"
VERSION = 1
FLUSH_SECONDS = 0.1  # what a killed process can lose at most
_FLUSH_BYTES = 1 << 18
_CACHED = 512  # records and events read back lately
_CACHED_BYTES = 1 << 16  # larger ones are read again each time they are asked for

_synchronise = getattr(os, "fdatasync", os.fsync)  # macOS has only fsync
_LABELS = tuple((direction, kind) for direction in Direction for kind in Kind)
_LABEL = {label: code for code, label in enumerate(_LABELS)}


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


class Recording:
    """The records of one run, on disk and by number."""

    def __init__(
        self, descriptor: int, path: Path | None, header: dict[str, Any], start: int, *, is_ours: bool
    ) -> None:
        self.path = path
        self.header = header
        self.problems: list[Problem] = []
        self.failure: RecordingError | None = None
        self.on_failure: Callable[[RecordingError], None] | None = None
        self._descriptor = descriptor
        self._is_ours = is_ours
        self._buffer = bytearray()
        self._written = start  #: bytes that the file system has
        self._end = start  #: bytes including the buffer
        self._offsets = array("q", [start])
        self._elapsed = array("d")
        self._wall = array("q")
        self._sizes = array("Q")
        self._labels = array("I")  #: session, direction and kind of each record, packed
        self._is_timeless = False
        self._timer: asyncio.TimerHandle | None = None
        self._is_syncing = False
        self._records: OrderedDict[int, Record] = OrderedDict()
        self._events: OrderedDict[int, Event | Undecodable] = OrderedDict()

    # Making and opening ------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path | None, source: str = "connect") -> Recording:
        """A new recording at this path, readable by its owner only; None: a temporary file without a name.

        Raises RecordingError when the file exists already or cannot be made.
        """
        header = {
            "format": FORMAT,
            "version": VERSION,
            "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "app": f"turnscope {version()}",
            "source": source,
        }
        line = json.dumps(header, separators=(",", ":")).encode() + b"\n"
        try:
            if path is None:
                descriptor, name = tempfile.mkstemp(prefix="turnscope-", suffix=".jsonl")
                os.unlink(name)
            else:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except FileExistsError as error:
            raise RecordingError(f"{path} exists already; name another file with --record") from error
        except OSError as error:
            raise RecordingError(
                f"cannot record to {path}: {error.strerror}; name another file with --record, or --no-record"
            ) from error
        recording = cls(descriptor, path, header, 0, is_ours=True)
        recording._buffer += line
        recording._end = len(line)
        recording._offsets[0] = len(line)
        recording.flush()
        if recording.failure:
            raise recording.failure
        return recording

    @classmethod
    def open(cls, path: Path) -> Recording:
        """An existing recording, to be read; a cut last line is tolerated, a damaged one is a problem.

        Raises Damaged when it is no recording, TooNew when a newer turnscope wrote it, RecordingError when
        it cannot be read at all.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise RecordingError(f"cannot read {path}: {error.strerror}") from error
        with os.fdopen(os.dup(descriptor), "rb") as lines:
            first = lines.readline()
            header = _header(first)
            if header is None:
                os.close(descriptor)
                raise Damaged(f"{path} is not a recording of turnscope: its first line is no header")
            if header["version"] > VERSION:
                os.close(descriptor)
                raise TooNew(
                    f"{path} was written by {header.get('app', 'a newer turnscope')} in format version "
                    f"{header['version']}; this one reads up to {VERSION}: please update"
                )
            recording = cls(descriptor, path, header, len(first), is_ours=False)
            offset = len(first)
            for number, line in enumerate(lines, start=2):
                if not line.endswith(b"\n"):
                    recording.problems.append(Problem(number, "the last line is cut"))
                    break
                try:
                    record = from_line(line)
                except ValueError as error:
                    recording.problems.append(Problem(number, str(error)))
                else:
                    recording._offsets[-1] = offset
                    recording._index(record)
                    recording._offsets.append(offset + len(line))
                offset += len(line)
            recording._written = recording._end = offset
        return recording

    # Writing -----------------------------------------------------------------------------------------

    def append(self, record: Record, field: str = "") -> int:
        """Store one record and return its number; it reaches the file within a tenth of a second.

        `field` is `records.payload_field` of its payload, for one so large that it was made in a thread.
        Raises RecordingError once a write has failed: traffic never passes unrecorded in silence.
        """
        if self.failure is not None:
            raise self.failure
        number = len(self._elapsed)
        line = to_line(record, number, field)
        self._buffer += line
        end = self._end = self._end + len(line)
        self._offsets.append(end)
        self._index(record)
        if self._timer is None and not self._is_timeless:
            self._schedule()
        if end - self._written >= _FLUSH_BYTES:
            self.flush()
        return number

    def _index(self, record: Record) -> None:
        session, direction, kind, wall, elapsed, payload, _ = record
        self._elapsed.append(elapsed)
        self._wall.append(wall)
        self._sizes.append(len(payload))
        self._labels.append((session & 0xFFFF) << 8 | _LABEL[direction, kind])

    def _schedule(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._is_timeless = True  # without a loop the buffer's size, a look back or the end flushes
            return
        self._timer = loop.call_later(FLUSH_SECONDS, self._flush_on_time, loop)

    def _flush_on_time(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        self.flush()
        if not self._is_syncing and self.path is not None and self.failure is None:
            self._is_syncing = True
            loop.run_in_executor(None, self._sync)

    def _sync(self) -> None:
        try:
            _synchronise(self._descriptor)
        except OSError as error:
            self._fail(error)
        finally:
            self._is_syncing = False

    def flush(self) -> None:
        """Hand everything to the operating system; a failure is kept and told to `on_failure`."""
        if not self._buffer or self.failure is not None or self._descriptor < 0:
            return
        view = memoryview(self._buffer)
        done = 0
        try:
            while done < len(view):
                done += os.write(self._descriptor, view[done:])
        except OSError as error:
            self._fail(error)
        finally:
            view.release()
            self._written += done
            del self._buffer[:done]

    def _fail(self, error: OSError) -> None:
        where = self.path or "the temporary file"
        self.failure = RecordingError(f"recording to {where} failed: {error.strerror}")
        if self.on_failure is not None:
            self.on_failure(self.failure)

    def close(self) -> None:
        """Flush and let go of the file; records can no longer be read back."""
        if self._descriptor < 0:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_ours:
            self.flush()
        os.close(self._descriptor)
        self._descriptor = -1

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
        start, end = self._offsets[number], self._offsets[number + 1]
        if end > self._written:
            self.flush()
        if end <= self._written:
            line = os.pread(self._descriptor, end - start, start)
            if self._is_ours:
                return line
            return line[: line.index(b"\n") + 1]  # a damaged line may stand before the next record
        unwritten = start - self._written  # a failed write keeps its lines here
        return bytes(self._buffer[max(0, unwritten) : end - self._written])

    def event(self, number: int) -> Event | Undecodable:
        """The decoded payload of this record."""
        if (known := self._events.get(number)) is not None:
            self._events.move_to_end(number)
            return known
        payload = self.record(number).payload
        event = decode(payload)
        if len(payload) <= _CACHED_BYTES:
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
        return _LABELS[self._labels[number] & 0xFF][1]

    def direction_at(self, number: int) -> Direction:
        """Who sent it."""
        return _LABELS[self._labels[number] & 0xFF][0]

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
        except OSError as error:
            raise RecordingError(f"cannot write {path}: {error.strerror}") from error

    @property
    def bytes_written(self) -> int:
        """Size of the recording, what waits to be flushed included."""
        return self._end


def _header(line: bytes) -> dict[str, Any] | None:
    try:
        header = json.loads(line)
    except ValueError:
        return None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        return None
    return header if isinstance(header.get("version"), int) else None
