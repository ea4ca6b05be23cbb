"""The append-only file of a recording, as its writer holds it: a header line, then one line per record.

Its one rule: a record is in the buffer of the file before anyone sees it, and a write that fails is never
silent. It keeps nothing about the records that it has written, so its memory is flat however long it runs;
the file is locked while it writes, so that others can see that it is alive.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sessions.errors import RecordingError
from sessions.records import Record, to_line
from sessions.version import version

FORMAT = "turnscope"
VERSION = 1
FLUSH_SECONDS = 0.1  # what a killed process can lose at most
_FLUSH_BYTES = 1 << 18

_synchronise = getattr(os, "fdatasync", os.fsync)  # macOS has only fsync


class Journal:
    """A recording while it is written: append, flush, close."""

    def __init__(self, descriptor: int, path: Path | None, header: Mapping[str, Any]) -> None:
        self.path = path
        self.header = header
        self.failure: RecordingError | None = None
        self.on_failure: Callable[[RecordingError], None] | None = None
        self.count = 0  #: records
        self.descriptor = descriptor  #: -1 once it is closed
        self.end = 0  #: bytes including the buffer
        self.written = 0  #: bytes that the file system has
        self._buffer = bytearray()
        self._is_timeless = False
        self._timer: asyncio.TimerHandle | None = None
        self._is_syncing = False

    @classmethod
    def create(
        cls, path: Path | None, source: str = "connect", facts: Mapping[str, str | int] | None = None
    ) -> Journal:
        """A new recording at this path, readable by its owner only; None: a temporary file without a name.

        `facts` are further keys of the header line. Raises RecordingError when the file exists already or
        cannot be made.
        """
        header = {
            "format": FORMAT,
            "version": VERSION,
            "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "app": f"turnscope {version()}",
            "source": source,
        }
        header = {**header, **(facts or {}), **header}  # in this order, and no fact in place of our own words
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
        with suppress(OSError):  # some file systems know no locks; nobody sees then that it is written
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        journal = cls(descriptor, path, header)
        line = json.dumps(header, separators=(",", ":")).encode() + b"\n"
        journal._buffer += line
        journal.end = len(line)
        journal.flush()
        if journal.failure:
            journal.close()
            raise journal.failure
        return journal

    def __repr__(self) -> str:
        return f"<Journal of {self.count} records in {self.path or 'a temporary file'}>"

    @property
    def bytes_written(self) -> int:
        """Size of the recording, what waits to be flushed included."""
        return self.end

    def append(self, record: Record, field: bytes = b"") -> int:
        """Store one record and return its number; it reaches the file within a tenth of a second.

        `field` is `records.payload_field` of its payload, for one so large that it was made in a thread.
        Raises RecordingError once a write has failed: traffic never passes unrecorded in silence.
        """
        if self.failure is not None:
            raise self.failure
        number = self.count
        line = to_line(record, number, field)
        buffer = self._buffer
        buffer += line
        self.count = number + 1
        self.end += len(line)
        if self._timer is None and not self._is_timeless:
            self._schedule()
        if len(buffer) >= _FLUSH_BYTES:
            self.flush()
        return number

    def append_all(self, records: Iterable[Record]) -> None:
        """Store records one after another, as `append` does, in less time; raises what it raises."""
        if self.failure is not None:
            raise self.failure
        lines = [to_line(record, number) for number, record in enumerate(records, start=self.count)]
        if not lines:
            return
        block = b"".join(lines)
        self._buffer += block
        self.count += len(lines)
        self.end += len(block)
        if self._timer is None and not self._is_timeless:
            self._schedule()
        if len(self._buffer) >= _FLUSH_BYTES:
            self.flush()

    def append_piece(self, piece: bytes, *, is_last: bool) -> None:
        """Store a piece of a line too large for one step; the last piece ends with the newline.

        Nothing else may be appended between the pieces of one line. Raises RecordingError as `append` does.
        """
        if self.failure is not None:
            raise self.failure
        self._buffer += piece
        self.end += len(piece)
        self.count += is_last
        if self._timer is None and not self._is_timeless:
            self._schedule()
        if self.end - self.written >= _FLUSH_BYTES:
            self.flush()

    def unwritten(self, start: int, end: int) -> bytes:
        """Bytes from this offset of the recording to that one which no write has taken yet."""
        return bytes(self._buffer[max(0, start - self.written) : end - self.written])

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
            self._begin_synchronising(loop)

    def _begin_synchronising(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let a thread ask for the disk; where none can, the next flush asks again."""
        try:
            # a descriptor of its own, for this one may be closed, and its number used again, meanwhile
            descriptor = os.dup(self.descriptor)
        except OSError:  # very many files are open
            return
        self._is_syncing = True  # before the thread, which takes it back, can have ended
        try:
            loop.run_in_executor(None, self._synchronise, descriptor, self.written, loop)
        except RuntimeError:  # the loop is about to end and starts no thread any more
            os.close(descriptor)
            self._is_syncing = False

    def _synchronise(self, descriptor: int, written: int, loop: asyncio.AbstractEventLoop) -> None:
        try:
            _synchronise(descriptor)
            _look_whether_kept(descriptor, written)
        except OSError as error:
            with suppress(RuntimeError):  # the loop has ended, and with it those who could be told
                loop.call_soon_threadsafe(self._fail, error)
        finally:
            os.close(descriptor)
            self._is_syncing = False

    def flush(self) -> None:
        """Hand everything to the operating system; a failure is kept and told to `on_failure`."""
        if not self._buffer or self.failure is not None or self.descriptor < 0:
            return
        view = memoryview(self._buffer)
        done = 0
        try:
            while done < len(view):
                done += os.write(self.descriptor, view[done:])
        except OSError as error:
            self._fail(error)
        finally:
            view.release()
            self.written += done
            del self._buffer[:done]

    def _fail(self, error: OSError) -> None:
        if self.failure is not None:
            return
        where = self.path or "the temporary file"
        self.failure = RecordingError(f"recording to {where} failed: {error.strerror}")
        if self.on_failure is not None:
            self.on_failure(self.failure)

    def close(self) -> None:
        """Flush, unlock and let go of the file."""
        if self.descriptor < 0:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.flush()
        os.close(self.descriptor)
        self.descriptor = -1


def _look_whether_kept(descriptor: int, written: int) -> None:
    """Raise OSError when what was written is not there any more: a write to a removed file does not fail."""
    found = os.fstat(descriptor)
    if not found.st_nlink:
        raise OSError(errno.ENOENT, "somebody has removed the file")
    if found.st_size < written:
        raise OSError(errno.EIO, "somebody has cut the file")
