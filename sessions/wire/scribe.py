"""What the relays of a tap have copied, read and written down afterwards: in order, in small slices of time.

Its one rule: it comes after the traffic and never holds it up. Between two slices the loop passes bytes on; a
large message is read in a thread; only when too much is waiting does it ask the relays to read less.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from json.encoder import encode_basestring
from time import perf_counter
from typing import NamedTuple, TypeAlias

from sessions.errors import RecordingError
from sessions.journal import Journal
from sessions.masking import Masks
from sessions.records import Direction, Record, to_line
from sessions.safe import safe_json
from sessions.source import Clock
from sessions.wire.watch import Watch

_SLICE_SECONDS = 0.001
_PIECE_BYTES = 16_384  # read between two looks at the clock; some hundred small frames
_LARGE_BYTES = 1 << 18  # an unfinished message of this size is read in a thread
_FULL_BYTES = 64 << 20  # copies that may wait; the relays read nothing while there are more
_ROOM_BYTES = 16 << 20
_TEXT_CHARACTERS = 1 << 16
_B64_BYTES = 3 << 16  # a multiple of three: the pieces need no padding between them

_Line: TypeAlias = list[bytes]


class _Copied(NamedTuple):
    """A chunk that was passed on, and when."""

    watch: Watch
    direction: Direction
    chunk: bytes
    wall: int
    elapsed: float
    at: int = 0  #: so much of it has been read

    def read(self, piece: bytes) -> list[Record]:
        """What a piece of it completes."""
        return self.watch.read(self.direction, piece, self.wall, self.elapsed)


class Scribe:
    """The queue between the relays of a tap and its journal."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.journal = journal
        self.on_full: Callable[[], None] = lambda: None
        self.on_room: Callable[[], None] = lambda: None
        self.is_full = False
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Copied | Callable[[], None]] = deque()
        self._waiting_bytes = 0
        self._is_busy = False  # a slice is due, or a thread reads
        self._idle = asyncio.Event()
        self._idle.set()

    def copy(self, watch: Watch, direction: Direction, chunk: bytes) -> None:
        """Take a chunk that has been passed on; it is read later."""
        self._waiting.append(_Copied(watch, direction, chunk, self._clock.wall(), self._clock.elapsed()))
        self._waiting_bytes += len(chunk)
        if not self._is_busy:
            self._begin()
        if self._waiting_bytes > _FULL_BYTES and not self.is_full:
            self.is_full = True
            self.on_full()

    def then(self, step: Callable[[], None]) -> None:
        """Do something when everything copied so far is written."""
        self._waiting.append(step)
        if not self._is_busy:
            self._begin()

    def add(self, record: Record, masks: Masks) -> None:
        """Write a record after everything copied so far."""
        self.then(lambda: self.write(masks.clean(record)))

    def write(self, record: Record) -> None:
        """Write a record now; after a failure of the journal nothing is written any more."""
        self._write_all((record,))

    def _write_all(self, records: Iterable[Record]) -> None:
        with suppress(RecordingError):  # `on_failure` of the journal has told it
            self.journal.append_all(records)

    async def drained(self) -> None:
        """Wait until everything is read and written."""
        await self._idle.wait()

    def _begin(self) -> None:
        self._is_busy = True
        self._idle.clear()
        self._loop.call_soon(self._slice)

    def _slice(self) -> None:
        """Read and write for a moment, then let the loop pass bytes on."""
        end = perf_counter() + _SLICE_SECONDS
        waiting = self._waiting
        while waiting:
            first = waiting.popleft()
            if not isinstance(first, _Copied):
                first()
            elif first.watch.unfinished_bytes(first.direction) > _LARGE_BYTES:
                self._waiting_bytes -= len(first.chunk) - first.at
                self._read_in_thread(first)
                return
            else:
                after = first.at + _PIECE_BYTES
                piece = first.chunk[first.at : after]
                if after < len(first.chunk):
                    waiting.appendleft(first._replace(at=after))
                self._waiting_bytes -= len(piece)
                self._write_all(first.read(piece))
            if perf_counter() >= end:
                break
        self._go_on()

    def _go_on(self) -> None:
        if self.is_full and self._waiting_bytes < _ROOM_BYTES:
            self.is_full = False
            self.on_room()
        if self._waiting:
            self._loop.call_soon(self._slice)
        else:
            self._is_busy = False
            self._idle.set()

    def _read_in_thread(self, copied: _Copied) -> None:
        # nobody else writes to the journal meanwhile, so the numbers of the records are known
        future = self._loop.run_in_executor(None, _read, copied, self.journal.count)
        future.add_done_callback(self._take_from_thread)

    def _take_from_thread(self, future: asyncio.Future[list[Record | _Line]]) -> None:
        if not future.cancelled():
            steps: list[Callable[[], None]] = []
            for found in future.result():
                if isinstance(found, Record):
                    steps.append(partial(self.write, found))
                else:
                    steps += [partial(self._write_piece, piece) for piece in found]
            self._waiting.extendleft(reversed(steps))
        self._go_on()

    def _write_piece(self, piece: bytes) -> None:
        if self.journal.failure is None:
            with suppress(RecordingError):  # `on_failure` of the journal has told it
                self.journal.append_piece(piece, is_last=piece.endswith(b"\n"))


def _read(copied: _Copied, number: int) -> list[Record | _Line]:
    """What is slow about a large message; nobody else touches its watch meanwhile."""
    records = copied.read(copied.chunk[copied.at :])
    return [
        record if len(record.payload) <= _LARGE_BYTES else line_in_pieces(record, place)
        for place, record in enumerate(records, start=number)
    ]


def line_in_pieces(record: Record, number: int) -> list[bytes]:
    """The line of a large record in pieces that are quick to make and to write; together `to_line` of it."""
    head, mark, tail = to_line(record, number, b'"raw":').partition(b'"raw":')
    payload = record.payload
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        body = [b64encode(payload[at : at + _B64_BYTES]) for at in range(0, len(payload), _B64_BYTES)]
        return [head + b'"b64":"', *body, b'"' + tail]
    is_plain = text.isascii() and "\x7f" not in text
    body = []
    for at in range(0, len(text), _TEXT_CHARACTERS):
        piece = encode_basestring(text[at : at + _TEXT_CHARACTERS])[1:-1]
        body.append((piece if is_plain else safe_json(piece)).encode())
    return [head + mark + b'"', *body, b'"' + tail]
