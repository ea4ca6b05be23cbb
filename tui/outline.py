"""JSON as rows, straight from its bytes: each row knows where its key and its value stand on the wire.

Its one rule: nothing is decoded and written again, so numbers keep their spelling, double keys stay double
and half a document shows its half. It reads a slice of time at a time, without recursion, and never raises.
"""

from __future__ import annotations

import json
import re
from array import array
from enum import IntEnum
from time import perf_counter
from typing import NamedTuple

MAX_ROWS = 500_000  # beyond it the rest of a document is told, not listed; raw and hex show all of it
_CHECKED = 64  # tokens between two looks at the clock
_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING_PART = re.compile(rb'[^"\\]*(?:\\.[^"\\]*){0,2000}', re.DOTALL)  # bounded: one step stays short
_SCALAR = re.compile(rb"[^\s\",:\[\]{}]+")
_NUMBER = re.compile(rb"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\Z")
_WORDS = frozenset({b"true", b"false", b"null", b"NaN", b"Infinity", b"-Infinity"})


class Shape(IntEnum):
    """What a row is."""

    OBJECT = 0
    LIST = 1
    STRING = 2
    NUMBER = 3
    LITERAL = 4  #: true, false, null, or a word that is none of them
    END = 5  #: the closing bracket of an object or list


class Row(NamedTuple):
    """One row of an outline; offsets are bytes of the payload, ends exclusive."""

    shape: Shape
    depth: int
    parent: int  #: the row it stands in, -1 at the top
    ordinal: int  #: its place in its parent, from 0
    key: tuple[int, int] | None  #: where its key stands, quotes included
    value: tuple[int, int]  #: where its value stands; of an object or list only what was read so far
    last: int  #: the row of its closing bracket; its own when it has none; -1 while that is not known
    held: int  #: how many values an object or list holds


class Outline:
    """The rows of one payload; `advance` reads on."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.problem = ""  #: why it could not be read to its end
        self.is_done = False
        self._at = 0
        self._shape = bytearray()
        self._depth = array("I")
        self._parent = array("i")
        self._ordinal = array("I")
        self._key_start = array("q")
        self._key_end = array("q")
        self._start = array("q")
        self._end = array("q")
        self._last = array("i")
        self._count = array("I")
        self._open: list[int] = []  # rows of the brackets that stand open
        self._key: tuple[int, int] | None = None
        self._wants = "value"  # value, first (value or end), key, first key, colon, comma
        self._string = -1  # where an unfinished string began
        self._string_at = -1

    def __len__(self) -> int:
        return len(self._shape)

    @property
    def read_to(self) -> int:
        """How many bytes were read."""
        return len(self.payload) if self.is_done and not self.problem else self._at

    def row(self, index: int) -> Row:
        """One row."""
        key_start = self._key_start[index]
        return Row(
            Shape(self._shape[index]),
            self._depth[index],
            self._parent[index],
            self._ordinal[index],
            (key_start, self._key_end[index]) if key_start >= 0 else None,
            (self._start[index], self._end[index]),
            self._last[index],
            self._count[index],
        )

    def shape_at(self, index: int) -> Shape:
        """What a row is, without the rest of it."""
        return Shape(self._shape[index])

    def depth_at(self, index: int) -> int:
        """How deep a row stands."""
        return self._depth[index]

    def last_at(self, index: int) -> int:
        """The row of the closing bracket; the newest row while it is not known."""
        last = self._last[index]
        return last if last >= 0 else len(self) - 1

    def advance(self, seconds: float) -> None:
        """Read on until the time is over or everything is read."""
        end = perf_counter() + seconds
        is_first = True
        while not self.is_done and (is_first or perf_counter() < end):
            is_first = False
            for _ in range(_CHECKED):
                if not self.is_done:
                    self._step()

    # One token ---------------------------------------------------------------------------------------

    def _step(self) -> None:
        if self._string >= 0:
            self._read_string()
            return
        payload = self.payload
        found = _SPACE.match(payload, self._at)
        at = found.end() if found else self._at
        self._at = at
        if at >= len(payload):
            complete = not self._open and self._wants == "comma" and len(self) > 0
            self._stop(
                "" if complete else "it ends before it is complete" if payload.strip() else "it is empty"
            )
            return
        if self._wants == "comma" and not self._open:
            self._stop("more follows after its end")
            return
        if len(self) >= MAX_ROWS:
            self._stop(f"only the first {MAX_ROWS:,} rows are listed here; raw and hex show all of it")
            return
        self._token(payload[at], at)

    def _token(self, char: int, at: int) -> None:
        wants = self._wants
        if char == 0x22:  # a quotation mark
            if wants in ("value", "first", "key", "first key"):
                self._string = at
                self._string_at = at + 1
            else:
                self._stop("a string stands where it may not")
        elif char in (0x7B, 0x5B):
            if wants not in ("value", "first"):
                self._stop("a bracket opens where it may not")
                return
            is_object = char == 0x7B
            row = self._add(Shape.OBJECT if is_object else Shape.LIST, at, at + 1, last=-1)
            self._open.append(row)
            self._wants = "first key" if is_object else "first"
            self._at = at + 1
        elif char in (0x7D, 0x5D):
            self._close(char, at)
        elif char == 0x2C:
            if wants != "comma" or not self._open:
                self._stop("a comma stands where it may not")
                return
            self._wants = "key" if self._shape[self._open[-1]] == Shape.OBJECT else "value"
            self._at = at + 1
        elif char == 0x3A:
            if wants != "colon":
                self._stop("a colon stands where it may not")
                return
            self._wants = "value"
            self._at = at + 1
        else:
            self._scalar(at)

    def _scalar(self, at: int) -> None:
        found = _SCALAR.match(self.payload, at)
        if found is None or self._wants not in ("value", "first"):
            self._stop("a word stands where it may not")
            return
        word = self.payload[at : found.end()]
        self._add(Shape.NUMBER if word[0] in b"-0123456789" else Shape.LITERAL, at, found.end())
        self._at = found.end()
        self._wants = "comma"
        if word not in _WORDS and _NUMBER.match(word) is None:
            self._stop("a word is no number and neither true, false nor null")

    def _read_string(self) -> None:
        payload = self.payload
        found = _STRING_PART.match(payload, self._string_at)
        at = found.end() if found else self._string_at
        if at < len(payload) and payload[at] == 0x5C and at + 1 < len(payload):
            self._string_at = at
            return
        is_key = self._wants in ("key", "first key")
        is_closed = at < len(payload) and payload[at] == 0x22
        end = min(at + 1, len(payload))
        start, self._string = self._string, -1
        if is_key and is_closed:
            self._key = (start, end)
            self._wants = "colon"
        elif not is_key:
            self._add(Shape.STRING, start, end)
            self._wants = "comma"
        self._at = end
        if not is_closed:
            self._stop("it ends inside a string")

    def _close(self, char: int, at: int) -> None:
        row = self._open[-1] if self._open else -1
        is_object = char == 0x7D
        fits = row >= 0 and (self._shape[row] == Shape.OBJECT) is is_object
        if not fits or self._wants not in ("comma", "first key" if is_object else "first"):
            self._stop("a bracket closes where it may not")
            return
        self._open.pop()
        self._end[row] = at + 1
        if self._count[row]:
            self._key = None
            self._last[row] = self._put(Shape.END, at, at + 1, self._depth[row], row, self._count[row])
            self._last[-1] = self._last[row]
        else:
            self._last[row] = row
        self._wants = "comma"
        self._at = at + 1

    def _add(self, shape: Shape, start: int, end: int, last: int | None = None) -> int:
        parent = self._open[-1] if self._open else -1
        ordinal = 0
        if parent >= 0:
            ordinal = self._count[parent]
            self._count[parent] = ordinal + 1
        row = self._put(shape, start, end, len(self._open), parent, ordinal)
        self._last[row] = row if last is None else last
        self._key = None
        return row

    def _put(self, shape: Shape, start: int, end: int, depth: int, parent: int, ordinal: int) -> int:
        row = len(self._shape)
        key = self._key
        self._shape.append(shape)
        self._depth.append(depth)
        self._parent.append(parent)
        self._ordinal.append(ordinal)
        self._key_start.append(key[0] if key else -1)
        self._key_end.append(key[1] if key else -1)
        self._start.append(start)
        self._end.append(end)
        self._last.append(row)
        self._count.append(0)
        return row

    def _stop(self, problem: str) -> None:
        self.is_done = True
        self.problem = problem

    # Words -------------------------------------------------------------------------------------------

    def key_text(self, index: int, limit: int = 200) -> str:
        """The key of a row, `[3]` in a list, "" at the top."""
        start, end = self._key_start[index], self._key_end[index]
        if start >= 0:
            return string_text(self.payload, start, end, limit)
        parent = self._parent[index]
        return f"[{self._ordinal[index]}]" if parent >= 0 and self._shape[parent] == Shape.LIST else ""

    def value_text(self, index: int, limit: int = 1 << 62) -> str:
        """A string's characters, or the exact spelling of anything else; at most about `limit` characters."""
        start, end = self._start[index], self._end[index]
        if self._shape[index] == Shape.STRING:
            return string_text(self.payload, start, end, limit)
        return self.payload[start : min(end, start + limit)].decode(errors="replace")

    def path(self, index: int) -> str:
        """Where a row stands: `response.output[0].content[1].text`; "" at the top."""
        pieces: list[str] = []
        while index >= 0:
            name = self.key_text(index)
            if self._key_start[index] >= 0:
                plain = name.isascii() and name.replace("_", "a").replace("-", "a").isalnum()
                name = f".{name}" if plain else f"[{json.dumps(name)}]"
            pieces.append(name)
            index = self._parent[index]
        return "".join(reversed(pieces)).removeprefix(".")


def string_text(payload: bytes, start: int, end: int, limit: int) -> str:
    """The characters of a JSON string that stands at these bytes, quotes included; at most about `limit`."""
    inner = payload[start + 1 : end - 1] if payload[end - 1 : end] == b'"' and end - start > 1 else None
    if inner is None:
        inner = payload[start + 1 : end]  # it ends inside the string
    is_cut = len(inner) > 6 * limit
    if is_cut:
        inner = inner[: 6 * limit]
    text = inner.decode(errors="ignore" if is_cut else "replace")
    if "\\" in text:
        for length in range(len(text), max(0, len(text) - 12), -1):  # an escape may be cut in two
            try:
                text = str(json.loads(f'"{text[:length]}"', strict=False))
                break
            except ValueError:
                continue
    return text[:limit]
