"""Conversations that no library holds: refusals, closes, resets, half closes, stalls, odd frames; as scripts.

Each is a `Fault` of `tests.ends`, the same every time it is played, so that what stands between the two ends
can be told from nothing standing there.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from websockets.speedups import apply_mask
from websockets.utils import accept_key

from tests.ends import End, Fault, Script

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x11\x22\x33\x44"
DEFLATE = "permessage-deflate; server_max_window_bits=12"


# Bytes -----------------------------------------------------------------------------------------------------


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = False,
    length: int | None = None,
    coded: int | None = None,
) -> bytes:
    """A frame, also one that no library would write; `coded` forces a longer way to write its length."""
    size = len(payload) if length is None else length
    way = coded or (size if size < 126 else 126 if size < 1 << 16 else 127)
    head = bytes([(0x80 if fin else 0) | rsv | opcode, (0x80 if masked else 0) | way])
    if way == 126:
        head += struct.pack("!H", size)
    elif way == 127:
        head += struct.pack("!Q", size)
    return head + (MASK + apply_mask(payload, MASK) if masked else payload)


def text(words: str, *, masked: bool = False) -> bytes:
    """A text message in one frame."""
    return frame(0x1, words.encode(), masked=masked)


def close(code: int, reason: str = "", *, masked: bool = False) -> bytes:
    """A close frame."""
    return frame(0x8, struct.pack("!H", code) + reason.encode(), masked=masked)


def request(*headers: str, extensions: str = "") -> bytes:
    """The head of an upgrade, spelled as Codex spells it."""
    lines = [
        "GET /v1/responses HTTP/1.1",
        "host: 127.0.0.1",
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        f"sec-websocket-key: {KEY}",
        *headers,
    ]
    if extensions:
        lines.append(f"sec-websocket-extensions: {extensions}")
    return "\r\n".join([*lines, "", ""]).encode()


def accepted(*headers: str, extensions: str = "") -> bytes:
    """The head of a 101."""
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_key(KEY)}",
        *headers,
    ]
    if extensions:
        lines.append(f"Sec-WebSocket-Extensions: {extensions}")
    return "\r\n".join([*lines, "", ""]).encode()


CREATE = text('{"type":"response.create","model":"m","input":"hi"}', masked=True)
DELTA = text('{"type":"response.output_text.delta","delta":"h\u00e9"}')
DONE = text('{"type":"response.completed","response":{"id":"resp_1","status":"completed"}}')


# Scripts ---------------------------------------------------------------------------------------------------


def refusing(answer: bytes, *, then_ends: bool = True) -> tuple[Script, Script]:
    """The upgrade is answered with this, and the connection ended by the server, or left to the client."""

    async def server(end: End) -> None:
        await end.head()
        await end.send(answer)
        if not then_ends:
            await end.to_end()

    async def client(end: End) -> None:
        await end.send(request())
        await (end.to_end() if then_ends else end.exactly(len(answer)))

    return server, client


def opened(server_goes_on: Script, client_goes_on: Script, extensions: str = "") -> tuple[Script, Script]:
    """The upgrade is accepted, and these two go on."""

    async def server(end: End) -> None:
        await end.head()
        await end.send(accepted(extensions=extensions))
        await server_goes_on(end)

    async def client(end: End) -> None:
        await end.send(request(extensions=extensions))
        await end.head()
        await client_goes_on(end)

    return server, client


def closed_by_server(frame_bytes: bytes) -> tuple[Script, Script]:
    """A turn is begun, the server closes with these bytes, the client answers, the server ends TCP."""

    async def server(end: End) -> None:
        await end.exactly(len(CREATE))
        await end.send(DELTA + frame_bytes)
        await end.exactly(len(frame_bytes) + 4)

    async def client(end: End) -> None:
        await end.send(CREATE)
        await end.exactly(len(DELTA) + len(frame_bytes))
        payload = frame_bytes[2:]
        await end.send(frame(0x8, payload, masked=True))
        await end.to_end()

    return opened(server, client)


def closed_by_client() -> tuple[Script, Script]:
    """A turn is finished, the client closes, the server answers in kind and ends TCP."""
    ours = close(1000, "bye", masked=True)

    async def server(end: End) -> None:
        await end.exactly(len(CREATE))
        await end.send(DELTA + DONE)
        await end.exactly(len(ours))
        await end.send(close(1000, "bye"))

    async def client(end: End) -> None:
        await end.send(CREATE)
        await end.exactly(len(DELTA + DONE))
        await end.send(ours)
        await end.to_end()

    return opened(server, client)


def broken_by_server() -> tuple[Script, Script]:
    """The server breaks TCP in the middle of an answer, within a frame, when the client has read so far."""

    async def server(end: End) -> None:
        await end.exactly(len(CREATE))
        await end.send(DELTA + DELTA[:7])
        await end.stage.heard("read so far")
        end.reset()

    async def client(end: End) -> None:
        await end.send(CREATE)
        await end.exactly(len(DELTA) + 7)
        end.stage.tell("read so far")
        await end.to_end()

    return opened(server, client)


def broken_by_client() -> tuple[Script, Script]:
    """The client breaks TCP in the middle of an answer."""

    async def server(end: End) -> None:
        await end.exactly(len(CREATE))
        await end.send(DELTA)
        await end.to_end()

    async def client(end: End) -> None:
        await end.send(CREATE)
        await end.exactly(len(DELTA))
        end.reset()

    return opened(server, client)


def gone_without_close(who_first: str) -> tuple[Script, Script]:
    """One side just ends TCP after a turn, without a close frame."""

    async def server(end: End) -> None:
        await end.exactly(len(CREATE))
        await end.send(DELTA + DONE)
        if who_first == "server":
            end.end_half()
        await end.to_end()

    async def client(end: End) -> None:
        await end.send(CREATE)
        await end.exactly(len(DELTA + DONE))
        if who_first == "client":
            end.end_half()
        await end.to_end()

    return opened(server, client)


def half_closed(who_first: str) -> tuple[Script, Script]:
    """One side ends its half and still reads what the other goes on to send."""

    async def server(end: End) -> None:
        await end.exactly(len(CREATE))
        if who_first == "server":
            await end.send(DELTA)
            end.end_half()
            await end.to_end()
        else:
            await end.to_end()
            await end.send(DELTA * 3 + DONE)

    async def client(end: End) -> None:
        await end.send(CREATE)
        if who_first == "client":
            end.end_half()
            await end.to_end()
        else:
            await end.to_end()
            await end.send(CREATE * 3)

    return opened(server, client)


def silent(*, client_ends_half: bool) -> tuple[Script, Script]:
    """The upgrade is never answered, and the client gives up."""

    async def server(end: End) -> None:
        await end.head()
        end.stage.tell("asked")
        await end.to_end()

    async def client(end: End) -> None:
        await end.send(request())
        await end.stage.heard("asked")
        if client_ends_half:
            end.end_half()
            await end.to_end()

    return server, client


def half_closed_before_the_answer() -> tuple[Script, Script]:
    """The client ends its half right after its request and reads the refusal that follows."""

    async def server(end: End) -> None:
        await end.head()
        await end.to_end()
        await end.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")

    async def client(end: End) -> None:
        await end.send(request())
        end.end_half()
        await end.to_end()

    return server, client


def broken_before_the_answer() -> tuple[Script, Script]:
    """The server breaks TCP when it has read the request."""

    async def server(end: End) -> None:
        await end.head()
        end.reset()

    async def client(end: End) -> None:
        await end.send(request())
        await end.to_end()

    return server, client


def exchanged(from_server: bytes, from_client: bytes, extensions: str = "") -> tuple[Script, Script]:
    """The client sends these bytes, the server those, and then both close as the RFC says."""

    async def server(end: End) -> None:
        await end.exactly(len(from_client))
        await end.send(from_server)
        await end.exactly(8)
        await end.send(close(1000))

    async def client(end: End) -> None:
        await end.send(from_client)
        await end.exactly(len(from_server))
        await end.send(close(1000, masked=True))
        await end.to_end()

    return opened(server, client, extensions)


def written_slowly() -> tuple[Script, Script]:
    """Both sides write byte by byte, their heads, too."""
    answer = accepted() + DELTA + frame(0x9, b"p") + DONE + close(1000)

    async def server(end: End) -> None:
        await end.head()
        await end.send_slowly(answer)
        await end.exactly(len(CREATE) + 8)

    async def client(end: End) -> None:
        await end.send_slowly(request() + CREATE)
        await end.exactly(len(answer))
        await end.send_slowly(close(1000, masked=True))
        await end.to_end()

    return server, client


def written_at_once() -> tuple[Script, Script]:
    """Each side writes its head and its frames in one piece; the client does not wait for the 101."""
    answer = accepted("X-Odd:  spaces ", "set-cookie: a=b") + DELTA + DONE

    async def server(end: End) -> None:
        await end.head()
        await end.send(answer)
        await end.exactly(len(CREATE) + 8)

    async def client(end: End) -> None:
        await end.send(request() + CREATE)
        await end.exactly(len(answer))
        await end.send(close(1000, masked=True))
        await end.to_end()

    return server, client


def stalled(reader: str, size: int) -> tuple[Script, Script]:
    """One side does not read until the other can write no more; then everything still arrives.

    The other side notices that it was stalled before it had written everything.
    """
    data = frame(0x2, bytes(range(256)) * 4_096, masked=reader == "server") * (size >> 20)

    async def read(end: End) -> None:
        await end.stage.heard("stalled")
        await end.exactly(len(data))
        await end.send(close(1000, masked=reader == "client"))
        await end.to_end()

    async def write(end: End) -> None:
        taken = await end.send_until_stalled(data)
        end.facts.append("was stalled" if taken < len(data) else "was never stalled")
        end.stage.tell("stalled")
        await end.send(data[taken:])
        await end.exactly(4 if reader == "server" else 8)

    return opened(read, write) if reader == "server" else opened(write, read)


def numbered(size: int = 2_000) -> tuple[Script, Script]:
    """Every client sends its own number many times and gets it back, among others."""

    async def server(end: End) -> None:
        for _ in range(5):
            head = await end.exactly(4 + 4)
            await end.send(frame(0x1, apply_mask(await end.exactly(size), head[4:])))
        await end.exactly(8)
        await end.send(close(1000))

    async def client(end: End) -> None:
        own = b"%06d" % end.number
        payload = (own * (size // len(own) + 1))[:size]
        for _ in range(5):
            await end.send(frame(0x1, payload, masked=True))
            await end.exactly(4 + size)
        await end.send(close(1000, masked=True))
        await end.to_end()

    return opened(server, client)


def compressed(messages: Sequence[str], *, masked: bool) -> bytes:
    """Messages compressed with context between them, the second one in two fragments."""
    encoder = zlib.compressobj(wbits=-12)
    out = b""
    for number, words in enumerate(messages):
        payload = (encoder.compress(words.encode()) + encoder.flush(zlib.Z_SYNC_FLUSH))[:-4]
        if number == 1:
            out += frame(0x1, payload[:3], fin=False, rsv=0x40, masked=masked)
            out += frame(0x9, b"between", masked=masked)
            out += frame(0x0, payload[3:], masked=masked)
        else:
            out += frame(0x1, payload, rsv=0x40, masked=masked)
    return out


def _answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode() + body


_JSON = b'{"error":{"message":"no","type":"invalid_request_error","code":"nope"}}'
_LENGTH = f"Content-Length: {len(_JSON)}"
_EVENTS = ['{"type":"response.created"}', '{"type":"response.output_text.delta"}'] * 3
_FRAGMENTS = (
    frame(0x1, b'{"type":"respon', fin=False)
    + frame(0x9, b"between")
    + frame(0x0, b"", fin=False)
    + frame(0x0, 'se.created","x":"\u00e9"}'.encode())
)
_ODD = (
    frame(0x1)
    + frame(0xA, b"unasked")
    + frame(0x2, b"\x00\xff")
    + frame(0x1, b"\xff\xfe")
    + frame(0x3, b"reserved")
    + frame(0x1, b"rsv", rsv=0x70)
    + frame(0x9, b"p" * 200)
    + frame(0x1, b"long way", coded=127)
    + frame(0x1, b"masked", masked=True)
)
_LARGE = 16 << 20
_STALL_BYTES = 96 << 20

FAULTS: tuple[Fault, ...] = (
    Fault("426 with a length", *refusing(_answer("426 Upgrade Required", _LENGTH, body=_JSON))),
    Fault("426 kept open", *refusing(_answer("426 Upgrade Required", _LENGTH, body=_JSON), then_ends=False)),
    Fault("401 with a length", *refusing(_answer("401 Unauthorized", _LENGTH, "x-b: 1", body=_JSON))),
    Fault("401 without a length", *refusing(_answer("401 Unauthorized", body=_JSON))),
    Fault(
        "403 without a body", *refusing(_answer("403 Forbidden", "Content-Length: 0", "Connection: close"))
    ),
    Fault("403 of HTTP/1.0", *refusing(b"HTTP/1.0 403 Forbidden\r\n\r\n<html>no</html>")),
    Fault(
        "404 in chunks",
        *refusing(_answer("404 Not Found", "Transfer-Encoding: chunked", body=b"3\r\nnot\r\n0\r\n\r\n")),
    ),
    Fault(
        "500 with a large body", *refusing(_answer("500 Oops", "Content-Length: 300000", body=b"x" * 300_000))
    ),
    Fault("500 cut within its body", *refusing(_answer("500 Oops", "Content-Length: 300", body=b"x" * 30))),
    Fault(
        "200 that streams and stays open",
        *refusing(
            _answer("200 OK", "Content-Type: text/event-stream", body=b"data: {}\n\n"), then_ends=False
        ),
    ),
    Fault("103 before the 404", *refusing(b"HTTP/1.1 103 Early\r\nA: b\r\n\r\n" + _answer("404 No", "A: b"))),
    Fault("no HTTP", *refusing(b"\x00\x01garbage, no answer\r\n\r\n")),
    Fault("nothing at all", *refusing(b"")),
    Fault("no answer, the client goes", *silent(client_ends_half=False)),
    Fault("a reset before the answer", *broken_before_the_answer()),
    Fault("a half close before the answer", *half_closed_before_the_answer()),
    Fault("close 1000", *closed_by_server(close(1000))),
    Fault("close 1008", *closed_by_server(close(1008, "policy"))),
    Fault("close 1009", *closed_by_server(close(1009, "too big"))),
    Fault("close 1011", *closed_by_server(close(1011, "internal"))),
    Fault("close 4001", *closed_by_server(close(4001, "gr\u00fcnde \u2013 viele"))),
    Fault("close without a code", *closed_by_server(frame(0x8))),
    Fault("close by the client", *closed_by_client()),
    Fault("a reset by the server", *broken_by_server()),
    Fault("a reset by the client", *broken_by_client()),
    Fault("the client ends without a close", *gone_without_close("client")),
    Fault("the server ends without a close", *gone_without_close("server")),
    Fault("a half close by the client", *half_closed("client")),
    Fault("a half close by the server", *half_closed("server")),
    Fault("fragments with a ping between", *exchanged(_FRAGMENTS, CREATE)),
    Fault(
        "deflate with context",
        *exchanged(compressed(_EVENTS, masked=False), compressed(_EVENTS, masked=True), DEFLATE),
    ),
    Fault("odd frames", *exchanged(_ODD, CREATE)),
    Fault("no frames after the 101", *exchanged(b"\xff" * 3_000, b"not a frame at all")),
    Fault("16 MiB from the server", *exchanged(frame(0x1, b'{"a":"' + b"x" * _LARGE + b'"}'), CREATE)),
    Fault("16 MiB from the client", *exchanged(DONE, frame(0x1, b"y" * _LARGE, masked=True))),
    Fault("byte by byte", *written_slowly()),
    Fault("all at once", *written_at_once()),
    Fault("a client that does not read", *stalled("client", _STALL_BYTES), has_small_buffers=True),
    Fault("a server that does not read", *stalled("server", _STALL_BYTES), has_small_buffers=True),
    Fault("200 at once", *numbered(), count=200),
)
