"""The tap: it listens, joins every client to the upstream byte for byte, and writes down what crossed.

Its one rule: it never injects, edits or delays a frame; only the request target and `Host` of a head change.
It has no screen: whoever wants to look follows its recording.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Any, Self

from sessions.errors import UsageError
from sessions.journal import Journal
from sessions.loopback import is_loopback
from sessions.redact import MASK
from sessions.redact import url as redacted_url
from sessions.secret import NO_SECRET, Secret
from sessions.source import Clock
from sessions.wire.clock import SystemClock
from sessions.wire.head import upstream_target
from sessions.wire.plan import Plan
from sessions.wire.scribe import Scribe
from sessions.wire.splice import Way
from sessions.wire.stream import ByteStream
from sessions.wire.tapped import Tapped

#: where a tap listens when nothing else is said and nobody else does
DEFAULT_PORT = 8377
_BACKLOG = 512
_END_SECONDS = 1.0  # for the last bytes of connections that are ended by us


class Tap:
    """A listening tap, as an async context manager.

    `plan.endpoint` is the upstream's base URL, taken exactly. `base_url` is what clients are given, with the
    token where there is one; `shown_url` the same for a screen or a file. Raises UsageError when it cannot
    listen. `on_trouble` is told what a person should know at once.
    """

    def __init__(
        self,
        plan: Plan,
        journal: Journal,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        is_port_fixed: bool = True,
        token: Secret = NO_SECRET,
        clock: Clock | None = None,
        on_trouble: Callable[[str], None] = lambda said: None,
        way: type[Way] = Way,
    ) -> None:
        self.plan = plan
        self.journal = journal
        self.host = host
        self.port = port
        self._is_port_fixed = is_port_fixed
        self.token = token
        self.clock = clock or SystemClock()
        self.on_trouble = on_trouble
        self.way = way
        self.is_stopping = False
        self.count = 0  #: sessions so far
        self.upgrades = 0  #: of them, sockets that were opened
        self.scribe: Scribe
        self._open: set[Tapped] = set()
        self._tasks = asyncio.TaskGroup()
        self._serving: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        """What a client's base URL is set to."""
        return self._url(self.token.reveal())

    @property
    def shown_url(self) -> str:
        """The same, without the token."""
        return self._url(MASK if self.token else "")

    @property
    def upstream_url(self) -> str:
        """The upstream's base URL without its secrets."""
        return redacted_url(self.plan.endpoint.http_url, self.plan.secrets).value

    @property
    def open_count(self) -> int:
        """Connections of clients that are there now."""
        return len(self._open)

    def _url(self, token: str) -> str:
        host = self.host
        if host in ("0.0.0.0", "::", ""):
            host = socket.gethostname()
        path = self.plan.endpoint.target.partition("?")[0].rstrip("/")
        return (
            f"http://{f'[{host}]' if ':' in host else host}:{self.port}{f'/{token}' if token else ''}{path}"
        )

    async def __aenter__(self) -> Self:
        self.scribe = Scribe(self.journal, self.clock)
        self.scribe.on_full = self._pause
        self.scribe.on_room = self._resume
        await self._tasks.__aenter__()
        try:
            self._listener = await self._listen()
        except OSError as error:
            await self._tasks.__aexit__(None, None, None)
            said = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise UsageError(
                f"cannot listen on {self.listen}: {said}; end what listens there, or give another address "
                "with --listen HOST:PORT"
            ) from error
        self.port = self._listener.sockets[0].getsockname()[1]
        if not self.token and (reached := self._reached_from_elsewhere()):
            self._listener.close()
            await self._tasks.__aexit__(None, None, None)
            raise UsageError(
                f"{self.host} leads to {reached}, which other machines can reach; add --allow-remote and a "
                "token to mean that, or listen on 127.0.0.1"
            )
        upstream = self.plan.endpoint
        if upstream.is_loopback and not upstream.unix and upstream.port == self.port:
            self._listener.close()
            await self._tasks.__aexit__(None, None, None)
            raise UsageError(
                f"the upstream {self.upstream_url} is this tap itself; name the server behind it"
            )
        return self

    def _reached_from_elsewhere(self) -> str:
        """An address it listens on that is not this machine's alone: a name may lead anywhere."""
        assert self._listener is not None  # it listens
        hosts = [str(one.getsockname()[0]) for one in self._listener.sockets]
        return next((host for host in hosts if not is_loopback(host)), "")

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(lambda: _Accepted(self), self.host, self.port, backlog=_BACKLOG)
        except OSError as error:
            if self._is_port_fixed or error.errno != errno.EADDRINUSE:
                raise
        taken = self.port
        listener = await loop.create_server(lambda: _Accepted(self), self.host, 0, backlog=_BACKLOG)
        self.port = listener.sockets[0].getsockname()[1]
        self.on_trouble(f"port {taken} is in use, so clients find it on port {self.port} this time")
        return listener

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listener is not None  # entered
        self.stop()
        await self.settled(_END_SECONDS)
        for tapped in list(self._open):
            tapped.abort()
        await self.settled(_END_SECONDS)
        for task in list(self._serving):
            task.cancel("the tap was stopped")
        await self._tasks.__aexit__(None, None, None)
        await self.scribe.drained()
        self.journal.flush()
        await self._listener.wait_closed()

    async def settled(self, seconds: float) -> None:
        """Wait until no connection is left, at most this long."""
        if self._serving:
            await asyncio.wait(self._serving, timeout=seconds)

    def stop(self) -> None:
        """Accept nobody any more and end every connection; what waits to be sent still goes."""
        self.is_stopping = True
        if self._listener is not None:
            self._listener.close()
        for tapped in list(self._open):
            tapped.stop()

    def status(self) -> dict[str, Any]:
        """What a running tap tells about itself."""
        return {
            "event": "status",
            "pid": os.getpid(),
            "base_url": self.shown_url,
            "upstream": self.upstream_url,
            "recording": str(self.journal.path or ""),
            "sessions": self.count,
            "upgrades": self.upgrades,
            "open": self.open_count,
            "records": self.journal.count,
            "bytes_written": self.journal.bytes_written,
        }

    # For connections ---------------------------------------------------------------------------------

    def next_plan(self) -> Plan:
        """The plan of the next session; they are numbered as their request heads arrive."""
        self.count += 1
        return replace(self.plan, session=self.count)

    def target_for(self, target: str) -> str | None:
        """What the upstream is asked for when a client asks for this; None when its token is missing."""
        query = self.plan.endpoint.target.partition("?")[2]
        return upstream_target(target, token=self.token.reveal(), query=query)

    @property
    def listen(self) -> str:
        """HOST:PORT where it listens."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def accept(self, stream: ByteStream) -> None:
        """Serve a connection that was accepted."""
        if self.is_stopping:
            stream.close()
            return
        task = self._tasks.create_task(self._serve(Tapped(self, stream)))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, tapped: Tapped) -> None:
        self._open.add(tapped)
        try:
            await tapped.run()
        except OSError:
            pass  # the client has gone
        except Exception as error:
            # a defect of ours must not take the other connections with it; it is told, not hidden
            self.on_trouble(f"a connection was dropped by a defect of the tap: {where_of(error)}")
            tapped.abort()
        finally:
            self._open.discard(tapped)

    def _pause(self) -> None:
        for tapped in self._open:
            tapped.pause()

    def _resume(self) -> None:
        for tapped in self._open:
            tapped.resume()


def where_of(error: BaseException) -> str:
    """What failed and in which line; without its words, which may hold what a client sent."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    places = extract_tb(error.__traceback__)
    place = f" in {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    return type(error).__name__ + place


class _Accepted(ByteStream):
    """A client's connection at the moment it is accepted."""

    def __init__(self, tap: Tap) -> None:
        super().__init__()
        self.keeps_half_open = True
        self._tap = tap

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        with suppress(RuntimeError):  # the task group is closing: nobody is served any more
            self._tap.accept(self)
