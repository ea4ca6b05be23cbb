"""The two ends of a TCP connection on bare sockets: they run scripts and remember every byte.

A `Fault` is a conversation in two scripts, the server's and the client's; `play` runs it against any port, so
that one can be held directly and through whatever stands between; `differences` says where two plays part.
Loopback only; nothing of ours is in it, as it stands for other programs.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

_STALL_SECONDS = 0.5  # nothing taken for so long is what is called stalled
_READ_BYTES = 1 << 18
_SMALL_BUFFER_BYTES = 1 << 16
_LISTEN_BACKLOG = 512


class Stage:
    """What the two scripts of a play tell each other, beside the connection."""

    def __init__(self) -> None:
        self._told: dict[str, asyncio.Event] = {}

    def tell(self, what: str) -> None:
        """Say that something has happened."""
        self._told.setdefault(what, asyncio.Event()).set()

    async def heard(self, what: str) -> None:
        """Wait until the other side says so."""
        await self._told.setdefault(what, asyncio.Event()).wait()


class End:
    """One end of a TCP connection, on a bare socket; it logs what it wrote, what it read, how it ended."""

    def __init__(self, own: socket.socket, stage: Stage, number: int = 0) -> None:
        own.setblocking(False)
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stage = stage
        self.number = number  #: which of several clients
        self.written = bytearray()
        self.read = bytearray()
        self.ending = ""  #: "ended" or "reset", as the other side ended it; empty while it has not
        self.facts: list[str] = []  #: what else is the same with nothing in between
        self._own = own
        self._used = 0  # so much of what was read has been looked at
        self._loop = asyncio.get_running_loop()

    # Reading ---------------------------------------------------------------------------------------------

    async def head(self) -> bytes:
        """The next bytes up to an empty line, with it."""
        return await self.upto(b"\r\n\r\n")

    async def upto(self, mark: bytes) -> bytes:
        """The next bytes up to this mark, with it; fewer when the other side ends before."""
        while (found := self.read.find(mark, self._used)) < 0:
            if not await self._more():
                return self._use(len(self.read))
        return self._use(found + len(mark))

    async def exactly(self, count: int) -> bytes:
        """So many bytes, or fewer when the other side ends before."""
        while len(self.read) - self._used < count:
            if not await self._more():
                break
        return self._use(self._used + count)

    async def to_end(self) -> bytes:
        """Everything until the other side ends."""
        while await self._more():
            pass
        return self._use(len(self.read))

    async def _more(self) -> bool:
        if self.ending:
            return False
        try:
            chunk = await self._loop.sock_recv(self._own, _READ_BYTES)
        except ConnectionError:
            self.ending = "reset"
            return False
        if not chunk:
            self.ending = "ended"
        self.read += chunk
        return bool(chunk)

    def _use(self, upto: int) -> bytes:
        start, self._used = self._used, min(upto, len(self.read))
        return bytes(self.read[start : self._used])

    # Writing ---------------------------------------------------------------------------------------------

    async def send(self, data: bytes) -> None:
        """Write everything; nothing more once the other side has reset the connection."""
        try:
            await self._loop.sock_sendall(self._own, data)
        except ConnectionError:
            self.ending = "reset"
        self.written += data

    async def send_slowly(self, data: bytes) -> None:
        """Write byte by byte, each a segment of its own."""
        for at in range(len(data)):
            await self.send(data[at : at + 1])
            await asyncio.sleep(0)  # let the other side, which runs in this loop, read between two bytes

    async def send_until_stalled(self, data: bytes) -> int:
        """Write until nothing is taken for half a second, or to the end; how much was taken."""
        at = 0
        view = memoryview(data)
        while at < len(data):
            try:
                at += self._own.send(view[at : at + _READ_BYTES])
                continue
            except BlockingIOError:
                pass
            writable = asyncio.Event()
            self._loop.add_writer(self._own, writable.set)
            try:
                await asyncio.wait_for(writable.wait(), _STALL_SECONDS)
            except TimeoutError:
                break
            finally:
                self._loop.remove_writer(self._own)
        self.written += view[:at]
        return at

    # Ending ----------------------------------------------------------------------------------------------

    def end_half(self) -> None:
        """Say that nothing more will be written; reading goes on."""
        self._own.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Break the connection with a reset."""
        self._own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._own.close()

    def close(self) -> None:
        """End the connection; safe to call twice."""
        self._own.close()


Script: TypeAlias = Callable[[End], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """A conversation between a server and a client, in two scripts."""

    name: str
    server: Script
    client: Script
    count: int = 1  #: so many clients at once
    has_small_buffers: bool = False  #: TCP holds little, so that who does not read is noticed soon
    patience_seconds: float = 8.0  #: a play that takes longer has not come to its end


class Log(NamedTuple):
    """What one end of a connection saw."""

    read: bytes
    ending: str
    facts: tuple[str, ...]


class Play(NamedTuple):
    """What was seen when a fault was played: by each client, and by the server of each connection."""

    clients: tuple[Log, ...]
    servers: tuple[Log, ...]
    is_over: bool  #: whether both scripts came to their end


class Witness:
    """A server that runs a script for every connection and keeps what it saw."""

    def __init__(self, script: Script, listener: socket.socket, stage: Stage) -> None:
        self.port: int = listener.getsockname()[1]
        self.ends: list[End] = []
        self._script = script
        self._listener = listener
        self.stage = stage

    async def serve(self, count: int) -> None:
        """Serve so many connections, each to the end of its script."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                own, _ = await loop.sock_accept(self._listener)
                end = End(own, self.stage, number)
                self.ends.append(end)
                group.create_task(_run(self._script, end))


@asynccontextmanager
async def witness(fault: Fault) -> AsyncIterator[Witness]:
    """The fault's server on a free port of this machine."""
    with socket.socket() as listener:
        listener.setblocking(False)
        if fault.has_small_buffers:
            _make_small(listener)
        listener.bind(("127.0.0.1", 0))
        listener.listen(_LISTEN_BACKLOG)
        server = Witness(fault.server, listener, Stage())
        try:
            yield server
        finally:
            for end in server.ends:
                end.close()


async def play(fault: Fault, server: Witness, port: int) -> Play:
    """Play a fault against a port that leads to the witness, until both scripts have ended."""
    clients: list[End] = []
    is_over = True
    try:
        async with asyncio.timeout(fault.patience_seconds), asyncio.TaskGroup() as group:
            group.create_task(server.serve(fault.count))
            for number in range(fault.count):
                own = socket.socket()
                if fault.has_small_buffers:
                    _make_small(own)
                own.setblocking(False)
                await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", port))
                end = End(own, server.stage, number)
                clients.append(end)
                group.create_task(_run(fault.client, end))
    except TimeoutError:
        is_over = False
    servers = tuple(log._replace(read=_plain_head(log.read)) for log in _logs(server.ends))
    return Play(_logs(clients), servers, is_over)


def differences(expected: Play, seen: Play) -> list[str]:
    """Where a second play differs from the first, in words; empty when it does not."""
    found = [] if seen.is_over else ["it did not come to an end"]
    for side, ours, theirs in (
        ("client", expected.clients, seen.clients),
        ("server", expected.servers, seen.servers),
    ):
        if len(ours) != len(theirs):
            found.append(f"{len(theirs)} connections at the {side}, not {len(ours)}")
        for number, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            who = f"{side} {number}" if len(ours) > 1 else side
            if one.read != other.read:
                at = _first_difference(one.read, other.read)
                found.append(
                    f"the {who} read {len(other.read)} bytes, not {len(one.read)}; from byte {at}: "
                    f"{other.read[at : at + 40]!r}, not {one.read[at : at + 40]!r}"
                )
            if one.ending != other.ending:
                found.append(f"for the {who} the connection {other.ending}, not {one.ending}")
            if one.facts != other.facts:
                found.append(f"the {who} noticed {other.facts}, not {one.facts}")
    return found


async def _run(script: Script, end: End) -> None:
    try:
        await script(end)
    finally:
        end.close()


def _logs(ends: Sequence[End]) -> tuple[Log, ...]:
    """What each end saw, in an order that does not depend on who was first."""
    logs = [Log(bytes(end.read), end.ending, tuple(end.facts)) for end in ends]
    return tuple(sorted(logs))


def _plain_head(read: bytes) -> bytes:
    """What a server read, without what alone may differ: the request's target and the value of Host."""
    head, blank, rest = read.partition(b"\r\n\r\n")
    head = re.sub(rb"^(\S+) \S+ ", rb"\1 TARGET ", head)
    return re.sub(rb"(?i)(\r\nhost:\s*)[^\r]*", rb"\1HOST", head) + blank + rest


def _first_difference(one: bytes, other: bytes) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _make_small(own: socket.socket) -> None:
    for which in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        own.setsockopt(socket.SOL_SOCKET, which, _SMALL_BUFFER_BYTES)
