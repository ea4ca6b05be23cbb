"""The bridge: WebSocket mode in front of a server that speaks Responses over HTTP with an event stream only.

Its one rule: towards the client it is a Responses socket like any other; towards the upstream it is a client
like any other. What both said is in one recording. It has no screen.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from sessions.journal import Journal
from sessions.redact import url as redacted_url
from sessions.secret import NO_SECRET, Secret
from sessions.source import Clock
from sessions.wire.bridge_caller import Caller
from sessions.wire.bridge_memory import Storage
from sessions.wire.clock import SystemClock
from sessions.wire.head import with_query
from sessions.wire.idle import Idle
from sessions.wire.listener import Listener
from sessions.wire.plan import Plan
from sessions.wire.scribe import Scribe

#: where a bridge listens when nothing else is said and nobody else does
DEFAULT_PORT = 8378
DEFAULT_PATH = "/v1/responses"
MAX_CONNECTIONS = 100  #: sockets at one time, when nothing else is said
_ROUTE = "/responses"


class Bridge:
    """A listening bridge, as an async context manager.

    `plan.endpoint` is the upstream's responses path over HTTP, `plan.lifetime_seconds` how old a socket may
    become. With a `token` every client must send it as its Bearer. Raises UsageError when it cannot listen.
    `on_trouble` is told what a person should know at once, `on_news` what is left out on the way.
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
        on_news: Callable[[str], None] = lambda said: None,
    ) -> None:
        self.plan = plan
        self.journal = journal
        self.path = path
        self.token = token
        self.max_connections = max_connections
        self.clock = clock or SystemClock()
        self.on_trouble = on_trouble
        self.on_news = on_news
        self._said: set[str] = set()
        self.storage = Storage()
        self.idle = Idle(self.clock)  #: connections to the upstream, kept from one turn to the next
        self.scribe: Scribe
        self.count = 0  #: sessions so far: sockets, and requests to the upstream
        self.upgrades = 0  #: of them, sockets that were opened
        self._open: set[Caller] = set()
        self._room = asyncio.Event()
        self._room.set()
        self._listener = Listener(
            "bridge",
            host,
            port,
            lambda client: Caller(self, client),
            is_port_fixed=is_port_fixed,
            on_trouble=on_trouble,
        )

    @property
    def listen(self) -> str:
        """HOST:PORT where it listens."""
        return self._listener.address

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._listener.port

    @property
    def base_url(self) -> str:
        """What a client's base URL is set to; the socket's own path where it does not end in /responses."""
        return self._listener.origin + self.path.removesuffix(_ROUTE)

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
        await self._listener.open(self.plan.endpoint, self.shown_url, is_guarded=bool(self.token))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._listener.close()
        self.idle.close()
        await self.scribe.drained()
        self.journal.flush()

    def stop(self) -> None:
        """Accept nobody any more and close every connection, sockets with 1001."""
        self._listener.stop()

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

    def say_once(self, what: str, said: str) -> None:
        """Tell something that a person should know, the first time that it happens."""
        if what not in self._said:
            self._said.add(what)
            self.on_news(said)

    def joined(self, caller: Caller) -> None:
        """Count a socket that was opened."""
        self.upgrades += 1
        self._open.add(caller)

    def left(self, caller: Caller) -> None:
        """Count a socket that has ended."""
        self._open.discard(caller)
