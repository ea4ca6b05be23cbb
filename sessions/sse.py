"""Server-sent events: bytes of a stream in, blocks out, each with the exact bytes that it was made of.

Its one rule: however a stream is cut into chunks, the blocks are the same, and no byte of a block is changed.
It decodes no JSON and judges nothing: comments, ids, retries and unknown fields are kept as they came.
The grammar is the HTML standard's, "Server-sent events", sections 9.2.5 and 9.2.6.
"""

from __future__ import annotations

import re
from typing import NamedTuple

#: a block that grows beyond this is handed out unfinished; nothing waits for an end that never comes
MAX_BLOCK_BYTES = 64 << 20

_BOM = b"\xef\xbb\xbf"
_BREAKS = b"\r\n"
#: a blank line: two line ends in a row; atomic, so that one CR LF is never read as two ends
_BLANK = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Block(NamedTuple):
    """One event of a stream, its lines read; what a field is missing is None."""

    data: bytes | None  #: the data lines, joined by line feeds
    event: str = ""
    id: str | None = None
    retry: int | None = None  #: milliseconds until a client should try again
    comments: tuple[str, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()  #: fields that the standard tells to ignore


class Piece(NamedTuple):
    """The bytes of one block, without the blank line that ends it."""

    raw: bytes
    is_cut: bool = False  #: no blank line came: the stream ended in it, or it is too large


class Splitter:
    """A stream's bytes, chunk by chunk, into the bytes of its blocks."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._is_begun = False

    def feed(self, chunk: bytes) -> list[Piece]:
        """The blocks that this chunk completes, in order."""
        buffer = self._buffer
        buffer += chunk
        if not self._is_begun and not self._begin():
            return []
        pieces: list[Piece] = []
        start, search = 0, self._searched
        while True:
            while start < len(buffer) and buffer[start] in _BREAKS:
                start += 1  # blank lines between blocks
            found = _BLANK.search(buffer, max(start, search))
            if found is None:
                break
            pieces.append(Piece(bytes(buffer[start : found.start()])))
            start = search = found.end()
        del buffer[:start]
        self._searched = max(0, len(buffer) - 2)  # a blank line may have begun at the end
        if len(buffer) > MAX_BLOCK_BYTES:
            pieces.append(Piece(bytes(buffer), is_cut=True))
            buffer.clear()
            self._searched = 0
        return pieces

    def end(self) -> Piece | None:
        """What was begun and not ended when the stream ended; clients do not take it for an event."""
        rest = bytes(self._buffer).rstrip(_BREAKS) if self._is_begun else bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        return Piece(rest, is_cut=True) if rest else None

    def _begin(self) -> bool:
        """Drop one byte order mark at the start of the stream; False while it may still be one."""
        start = bytes(self._buffer[: len(_BOM)])
        if len(start) < len(_BOM) and _BOM.startswith(start):
            return False
        if start == _BOM:
            del self._buffer[: len(_BOM)]
        self._is_begun = True
        return True


def read(raw: bytes) -> Block:
    """The fields of a block. Never raises; bytes that are not UTF-8 become U+FFFD, except in `data`."""
    data: list[bytes] = []
    event, last_id, retry = "", None, None
    comments: list[str] = []
    unknown: list[tuple[str, str]] = []
    for line in _LINE_END.split(raw):
        name, colon, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode(errors="replace")
        elif name == b"id":
            last_id = value.decode(errors="replace") if b"\0" not in value else last_id
        elif name == b"retry":
            retry = int(value) if value.isdigit() and len(value) < 10 else retry
        elif colon and not name:
            comments.append(value.decode(errors="replace"))
        elif line:
            unknown.append((name.decode(errors="replace"), value.decode(errors="replace")))
    body = b"\n".join(data) if data else None
    return Block(body, event, last_id, retry, tuple(comments), tuple(unknown))


def data_of(raw: bytes) -> bytes:
    """The data of a block, b"" when it has none; the quick way for what is read most."""
    if b"\r" not in raw:
        if raw.startswith(b"data: ") and b"\n" not in raw:
            return raw[6:]
        before, mark, data = raw.partition(b"\ndata: ")
        if mark and b"\n" not in data and before.startswith(b"event:") and b"\n" not in before:
            return data
    return read(raw).data or b""
