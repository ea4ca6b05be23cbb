"""The bridge: WebSocket mode in front of a server that speaks Responses over HTTP with an event stream only.

Its one rule: towards the client it is a Responses socket like any other; towards the upstream it is a client
like any other. What both said is in one recording. It has no screen.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from sessions.errors import UsageError
from sessions.journal import Journal
from sessions.loopback import is_loopback
from sessions.redact import url as redacted_url
from sessions.secret import NO_SECRET, Secret
from sessions.source import Clock
from sessions.wire.bridge_caller import Caller
from sessions.wire.bridge_memory import Storage
from sessions.wire.clock import SystemClock
from sessions.wire.head import with_query
from sessions.wire.plan import Plan
from sessions.wire.scribe import Scribe
from sessions.wire.stream import ByteStream
from sessions.wire.tap import where_of

#: where a bridge listens when nothing else is said and nobody else does
DEFAULT_PORT = 8378
DEFAULT_PATH = "/v1/responses"
MAX_CONNECTIONS = 100  #: sockets at one time, when nothing else is said
_ROUTE = "/responses"
_BACKLOG = 512
_END_SECONDS = 1.0  # for closing handshakes, and again for the last bytes, when it is stopped


class Bridge:
    """A listening bridge, as an async context manager.

    `plan.endpoint` is the upstream's responses path over HTTP, `plan.lifetime_seconds` how old a socket may
    become. With a `token` every client must send it as its
    Bearer. Raises UsageError when it cannot listen. `on_trouble` is told what a person should know at once.
    """

    def __init__(
        self,
        plan: Plan,
        journal: Journal,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        is_port_fixed: bool = True,
        path: str = DEFAULT_PATH,
        token: Secret = NO_SECRET,
        max_connections: int = MAX_CONNECTIONS,
        clock: Clock | None = None,
        on_trouble: Callable[[str], None] = lambda said: None,
    ) -> None:
        self.plan = plan
        self.journal = journal
        self.host = host
        self.port = port
        self.path = path
        self.token = token
        self.max_connections = max_connections
        self.clock = clock or SystemClock()
        self.on_trouble = on_trouble
        self.storage = Storage()
        self.scribe: Scribe
        self.count = 0  #: sessions so far: sockets, and requests to the upstream
        self.upgrades = 0  #: of them, sockets that were opened
        self._is_port_fixed = is_port_fixed
        self._is_stopping = False
        self._callers: set[Caller] = set()
        self._open: set[Caller] = set()
        self._room = asyncio.Event()
        self._room.set()
        self._tasks = asyncio.TaskGroup()
        self._serving: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    @property
    def listen(self) -> str:
        """HOST:PORT where it listens."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """What a client's base URL is set to; the socket's own path where it does not end in /responses."""
        host = socket.gethostname() if self.host in ("0.0.0.0", "::", "") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}{self.path.removesuffix(_ROUTE)}"

    @property
    def shown_url(self) -> str:
        """The upstream without any credential, for a screen or a file."""
        return redacted_url(self.plan.endpoint.http_url, self.plan.secrets).value

    @property
    def open_count(self) -> int:
        """Sockets of clients that are open now."""
        return len(self._open)

    async def __aenter__(self) -> Self:
        self.scribe = Scribe(self.journal, self.clock)
        self.scribe.on_full = self._room.clear
        self.scribe.on_room = self._room.set
        await self._tasks.__aenter__()
        try:
            self._listener = await self._bound()
        except OSError as error:
            await self._tasks.__aexit__(None, None, None)
            said = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise UsageError(
                f"cannot listen on {self.listen}: {said}; end what listens there, or give another address "
                "with --listen HOST:PORT"
            ) from error
        self.port = self._listener.sockets[0].getsockname()[1]
        if wrong := self._wrong_place():
            self._listener.close()
            await self._tasks.__aexit__(None, None, None)
            raise UsageError(wrong)
        return self

    def _wrong_place(self) -> str:
        """Why it must not serve where it listens; "" when it may."""
        assert self._listener is not None  # it listens
        hosts = [str(one.getsockname()[0]) for one in self._listener.sockets]
        reached = next((host for host in hosts if not is_loopback(host)), "")
        if reached and not self.token:
            return (
                f"{self.host} leads to {reached}, which other machines can reach; add --allow-remote and a "
                "token to mean that, or listen on 127.0.0.1"
            )
        upstream = self.plan.endpoint
        if upstream.is_loopback and not upstream.unix and upstream.port == self.port:
            return f"the upstream {self.shown_url} is this bridge itself; name the server behind it"
        return ""

    async def _bound(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(lambda: _Accepted(self), self.host, self.port, backlog=_BACKLOG)
        except OSError as error:
            if self._is_port_fixed or error.errno != errno.EADDRINUSE:
                raise
        self.on_trouble(f"port {self.port} is in use, so clients find the bridge on another one this time")
        return await loop.create_server(lambda: _Accepted(self), self.host, 0, backlog=_BACKLOG)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listener is not None  # entered
        self.stop()
        await self._settled()
        for caller in list(self._callers):
            caller.abort()
        await self._settled()
        for task in list(self._serving):
            task.cancel("the bridge was stopped")
        await self._tasks.__aexit__(None, None, None)
        await self.scribe.drained()
        self.journal.flush()
        await self._listener.wait_closed()

    async def _settled(self) -> None:
        if self._serving:
            await asyncio.wait(self._serving, timeout=_END_SECONDS)

    def stop(self) -> None:
        """Accept nobody any more and close every connection, sockets with 1001."""
        self._is_stopping = True
        if self._listener is not None:
            self._listener.close()
        for caller in list(self._callers):
            caller.stop()

    def status(self) -> dict[str, Any]:
        """What a running bridge tells about itself."""
        return {
            "event": "status",
            "pid": os.getpid(),
            "base_url": self.base_url,
            "upstream": self.shown_url,
            "recording": str(self.journal.path or ""),
            "sessions": self.count,
            "upgrades": self.upgrades,
            "open": self.open_count,
            "records": self.journal.count,
        }

    # For callers --------------------------------------------------------------------------------------

    def next_plan(self) -> Plan:
        """The plan of the next session; they are numbered as they begin."""
        self.count += 1
        return replace(self.plan, session=self.count)

    def target_for(self, path: str) -> str | None:
        """What the upstream is asked for when a client asks for this path; None: it is not below ours."""
        own = self.path.removesuffix(_ROUTE)
        if own == self.path or not path.startswith(f"{own}/"):
            return None
        theirs, _, query = self.plan.endpoint.target.partition("?")
        return with_query(theirs.removesuffix(_ROUTE) + path[len(own) :], query)

    async def has_room(self) -> None:
        """Wait while too much waits to be written down."""
        await self._room.wait()

    def joined(self, caller: Caller) -> None:
        """Count a socket that was opened."""
        self.upgrades += 1
        self._open.add(caller)

    def left(self, caller: Caller) -> None:
        """Count a socket that has ended."""
        self._open.discard(caller)

    def accept(self, stream: ByteStream) -> None:
        """Serve a connection that was accepted."""
        if self._is_stopping:
            stream.close()
            return
        task = self._tasks.create_task(self._serve(Caller(self, stream)))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, caller: Caller) -> None:
        self._callers.add(caller)
        try:
            await caller.run()
        except OSError:
            pass  # the client has gone
        except Exception as error:
            # a defect of ours must not take the other connections with it; it is told, not hidden
            self.on_trouble(f"a connection was dropped by a defect of the bridge: {where_of(error)}")
            caller.abort()
        finally:
            self._callers.discard(caller)


class _Accepted(ByteStream):
    """A client's connection at the moment it is accepted."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        with suppress(RuntimeError):  # the task group is closing: nobody is served any more
            self._bridge.accept(self)
