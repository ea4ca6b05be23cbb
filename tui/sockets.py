"""The sockets of one screen: opened, spoken to and closed by a person's hand.

Its one rule: nothing connects, reconnects, sends or closes by itself. All sockets feed one inspector and
share one clock, so a new one is simply the next session of the same recording.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from sessions.contract import FailureClass
from sessions.errors import ConnectError
from sessions.inspector import Inspector
from sessions.source import Clock, Live

if TYPE_CHECKING:
    from sessions.wire.plan import Plan


class Sockets:
    """Live connections by the number of their session."""

    def __init__(self, inspector: Inspector, clock: Clock) -> None:
        self._inspector = inspector
        self._live: dict[int, Live] = {}
        self._plans: dict[int, Plan] = {}
        self._spare = 0  # the newest number that was given to a session which nobody asked for
        self.clock = clock

    @property
    def now(self) -> float:
        """Recording time, in seconds."""
        return self.clock.elapsed()

    def next_number(self) -> int:
        """The number that the next socket's session will have."""
        return max((*self._inspector.sessions.sessions, *self._plans, self._spare), default=0) + 1

    def _next_spare(self) -> int:
        """A number that no other socket will have."""
        self._spare = self.next_number()
        return self._spare

    def plan(self, session: int) -> Plan | None:
        """The plan by which a session was opened."""
        return self._plans.get(session)

    @property
    def newest(self) -> int:
        """The session whose socket was opened last; 0 when none was."""
        return max(self._plans, default=0)

    def is_live(self, session: int) -> bool:
        """Whether this socket is opening or open."""
        return session in self._live

    @property
    def open_sessions(self) -> tuple[int, ...]:
        """The sessions whose sockets are opening or open."""
        return tuple(self._live)

    def prepare(self, plan: Plan) -> Plan:
        """The same plan as the next session of this recording; its secrets are masked from now on."""
        plan = replace(plan, session=self.next_number(), spare=self._next_spare)
        self._plans[plan.session] = plan
        for secret in plan.secrets:
            self._inspector.add_secret(secret)
        return plan

    async def run(self, plan: Plan, stands: asyncio.Event | None = None) -> None:
        """Open the socket of a prepared plan and feed the inspector until it ends.

        It is dialled once the picture `stands`, or when somebody sends: a loop that still paints its first
        picture would count as time of the network. Raises RecordingError when its records can no longer be
        stored; the socket is closed then, too.
        """
        # The client library is large and not needed for the first picture.
        from sessions.wire.transport import live

        way = live(plan, clock=self.clock)
        self._live[plan.session] = way
        try:
            if stands is not None:
                await stands.wait()
            await self._inspector.run(way)
        finally:
            del self._live[plan.session]
            await way.aclose()

    async def send(self, session: int, frame: str) -> None:
        """Send one text frame; raises ConnectError when this socket is not open."""
        live = self._live.get(session)
        if live is None:
            raise ConnectError(FailureClass.CLOSED, f"socket {session} is not open")
        await live.send(frame)

    async def close(self, session: int, code: int = 1000, reason: str = "") -> None:
        """Close one socket with a closing handshake, at most a few seconds."""
        live = self._live.get(session)
        if live is not None:
            await live.close(code, reason)

    async def stop(self, session: int) -> None:
        """Stop what runs: over HTTP its requests, on a socket there is no other way than to close it."""
        live = self._live.get(session)
        if live is not None:
            await live.stop()

    async def close_all(self) -> None:
        """Close every socket."""
        for session in self.open_sessions:
            await self.close(session)
