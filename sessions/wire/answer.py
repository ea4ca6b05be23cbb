"""An HTTP answer read within bounds: its head, and the first bytes of its body.

Its one rule: it always comes to an end. A body that never stops, has no length or lies about it costs at most
8 KiB and one second, and status and headers are kept whatever follows.
"""

from __future__ import annotations

import asyncio
import re
from typing import NamedTuple

from sessions.wire.stream import ByteStream

HEAD_BYTES = 65_536
BODY_BYTES = 8_192
BODY_SECONDS = 1.0
_STATUS_LINE = re.compile(rb"HTTP/(\d(?:\.\d)?) +(\d{3})(?: ([^\r\n]*))?\r?\n")
_END = re.compile(rb"\r?\n\r?\n")


class NotHttp(Exception):
    """What came back is not the head of an HTTP answer; carries the bytes."""

    def __init__(self, said: str, received: bytes) -> None:
        super().__init__(said)
        self.received = received


class Answer(NamedTuple):
    """The head of an answer as it came, and as much of the body as was read."""

    head: bytes  #: with the empty line at its end
    version: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""  #: as on the wire, chunk sizes included

    def header(self, name: str) -> str:
        """The first value of a header; empty when it is missing."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")

    @property
    def text(self) -> str:
        """The body as text, without chunk sizes; bytes that are not UTF-8 become replacement characters."""
        body = self.body
        if "chunked" in self.header("Transfer-Encoding").lower():
            body = _joined_chunks(body)[0]
        return body.decode("utf-8", "replace")


async def read_head(stream: ByteStream) -> Answer:
    """The next head on the stream, interim answers skipped; what follows it stays on the stream.

    Raises NotHttp when other bytes come, the head is too long, or the stream ends before its end.
    """
    received = b""
    while True:
        while (end := _END.search(received)) is None:
            if received and not _may_be_http(received):
                raise NotHttp("the answer is not HTTP", received)
            if len(received) > HEAD_BYTES:
                raise NotHttp(f"the head of the answer is longer than {HEAD_BYTES} bytes", received)
            try:
                more = await stream.read_some()
            except OSError as error:
                raise NotHttp(f"the connection broke before an answer: {_reason(error)}", received) from error
            if not more:
                said = "in the middle of its answer" if received else "without an answer"
                raise NotHttp(f"the server closed the connection {said}", received)
            received += more
        head, received = received[: end.end()], received[end.end() :]
        answer = parse_head(head)
        if not 100 <= answer.status < 200 or answer.status == 101:
            stream.put_back(received)
            return answer


def parse_head(head: bytes) -> Answer:
    """The parts of a head; raises NotHttp when it has no status line."""
    found = _STATUS_LINE.match(head)
    if found is None:
        raise NotHttp("the answer is not HTTP", head)
    headers = []
    for line in head[found.end() :].splitlines():
        name, colon, value = line.partition(b":")
        if colon:
            headers.append((name.decode("latin-1").strip(), value.decode("latin-1").strip()))
    version, status, reason = found[1].decode(), int(found[2]), (found[3] or b"").decode("latin-1")
    return Answer(head, version, status, reason, tuple(headers))


async def read_body(stream: ByteStream, answer: Answer) -> Answer:
    """The answer with the first bytes of its body: until its end, 8 KiB or one second, whichever is first."""
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while not _is_whole(answer, body):
                more = await stream.read_some()
                if not more:
                    break
                body += more
    except (TimeoutError, OSError):
        pass  # what arrived is what is known
    return answer._replace(body=body[:BODY_BYTES])


def _is_whole(answer: Answer, body: bytes) -> bool:
    if len(body) >= BODY_BYTES or answer.status in (204, 304):
        return True
    if "chunked" in answer.header("Transfer-Encoding").lower():
        return _joined_chunks(body)[1]
    length = answer.header("Content-Length")
    return length.isdigit() and len(body) >= int(length)


def _joined_chunks(body: bytes) -> tuple[bytes, bool]:
    """The chunks' bytes, as far as they are there, and whether the last chunk was seen."""
    joined = b""
    while True:
        line, newline, rest = body.partition(b"\r\n")
        size = line.partition(b";")[0].strip()
        if not newline or re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size) is None:
            return joined, False
        length = int(size, 16)
        if length == 0:
            return joined, True
        joined += rest[:length]
        if len(rest) < length + 2:
            return joined, False
        body = rest[length + 2 :]


def _may_be_http(received: bytes) -> bool:
    start = received[:5]
    return b"HTTP/".startswith(start)


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
