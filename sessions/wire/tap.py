"""The tap: it listens, joins every client to the upstream byte for byte, and writes down what crossed.

Its one rule: it never injects, edits or delays a frame; only the request target and `Host` of a head change.
It has no screen: whoever wants to look follows its recording.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from sessions.journal import Journal
from sessions.redact import MASK
from sessions.redact import url as redacted_url
from sessions.secret import NO_SECRET, Secret
from sessions.source import Clock
from sessions.wire.clock import SystemClock
from sessions.wire.head import upstream_target
from sessions.wire.listener import Listener
from sessions.wire.plan import Plan
from sessions.wire.scribe import Scribe
from sessions.wire.splice import Way
from sessions.wire.tapped import Tapped

#: where a tap listens when nothing else is said and nobody else does
DEFAULT_PORT = 8377


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
        self.token = token
        self.clock = clock or SystemClock()
        self.on_trouble = on_trouble
        self.way = way
        self.count = 0  #: sessions so far
        self.upgrades = 0  #: of them, sockets that were opened
        self.scribe: Scribe
        self._open: set[Tapped] = set()
        self._listener = Listener(
            "tap",
            host,
            port,
            lambda client: Tapped(self, client),
            is_port_fixed=is_port_fixed,
            keeps_half_open=True,
            on_trouble=on_trouble,
        )

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

    @property
    def listen(self) -> str:
        """HOST:PORT where it listens."""
        return self._listener.address

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._listener.port

    def _url(self, token: str) -> str:
        path = self.plan.endpoint.target.partition("?")[0].rstrip("/")
        return f"{self._listener.origin}{f'/{token}' if token else ''}{path}"

    async def __aenter__(self) -> Self:
        self.scribe = Scribe(self.journal, self.clock)
        self.scribe.on_full = self._pause
        self.scribe.on_room = self._resume
        await self._listener.open(self.plan.endpoint, self.upstream_url, is_guarded=bool(self.token))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._listener.close()
        await self.scribe.drained()
        self.journal.flush()

    async def settled(self, seconds: float) -> None:
        """Wait until no connection is left, at most this long."""
        await self._listener.settled(seconds)

    def stop(self) -> None:
        """Accept nobody any more and end every connection; what waits to be sent still goes."""
        self._listener.stop()

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

    def joined(self, tapped: Tapped) -> None:
        """Count a connection that is there."""
        self._open.add(tapped)

    def left(self, tapped: Tapped) -> None:
        """Count a connection that has gone."""
        self._open.discard(tapped)

    def _pause(self) -> None:
        for tapped in self._open:
            tapped.pause()

    def _resume(self) -> None:
        for tapped in self._open:
            tapped.resume()
