"""A bout: one fresh socket of the bench, open while its block lasts.

Its one rule: a socket that ends, or an answer that is cut, for no reason that lies in what was asked is
raised as unsteady; all else that the server does is read from what was recorded.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from operator import itemgetter
from typing import Any, Protocol

from sessions.contract import FailureClass, Status
from sessions.conversation import Conversation
from sessions.doctor.facts import Facts
from sessions.errors import ConnectError
from sessions.events import Event, Undecodable
from sessions.finding import Finding
from sessions.inspector import Inspector
from sessions.records import Kind, Record
from sessions.session import Session, Turn

_END_SECONDS = 3.0  #: within which a socket that takes nothing more has ended
_MESSAGES = (Kind.TEXT, Kind.BINARY)


class Unsteady(ConnectError):
    """A socket that ended, or an answer that was cut, for no reason that lies in what was asked."""

    def __init__(self, detail: str, turn: Turn | None = None) -> None:
        super().__init__(FailureClass.CLOSED, detail)
        self.turn = turn  #: that was cut; None: none had begun


class Host(Protocol):
    """What a bout needs of the bench that opens it."""

    inspector: Inspector
    facts: Facts
    pace: float

    async def wait(self, awaited: Any, seconds: float) -> None:
        """Await something that is idle waiting of at most so many seconds, and count it as such."""


class Bout:
    """One fresh socket, open while its block lasts."""

    def __init__(self, bench: Host, talk: Conversation, first: int) -> None:
        self._bench = bench
        self._talk = talk
        self._first = first
        self._looked = first  # records before this one have been looked at
        self._events: list[tuple[int, Event | Undecodable]] = []

    @property
    def session(self) -> Session:
        """The state of its socket."""
        return self._talk.session

    @property
    def is_over(self) -> bool:
        """Whether nothing more can cross it."""
        return self.session.phase.is_over

    @property
    def records(self) -> list[Record]:
        """Everything on this socket so far, its opening first."""
        recording = self._bench.inspector.recording
        number = self.session.number
        every = map(recording.record, range(self._first, len(recording)))
        return [one for one in every if one.session == number]

    @property
    def events(self) -> list[Event | Undecodable]:
        """The server's messages so far, decoded."""
        return [event for _, event in self.numbered_events()]

    def numbered_events(self, start: int = 0) -> list[tuple[int, Event | Undecodable]]:
        """The server's messages from this record on, each with its record's number."""
        recording = self._bench.inspector.recording
        number = self.session.number
        for place in range(self._looked, len(recording)):
            record = recording.record(place)
            if record.session == number and record.direction == "server" and record.kind in _MESSAGES:
                self._events.append((place, recording.event(place)))
        self._looked = len(recording)
        return (
            self._events[bisect_left(self._events, start, key=itemgetter(0)) :] if start else self._events[:]
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the judge has found on this socket so far."""
        number = self.session.number
        return tuple(one for one in self._bench.inspector.findings if one.session == number)

    @property
    def ending(self) -> str:
        """How its socket ended, in words."""
        session = self.session
        if not session.close_code or session.close_code == 1006:
            return "the connection was lost without a close frame"
        reason = f" {session.close_reason[:80]!r}" if session.close_reason else ""
        who = "the server closed" if session.closed_by == "server" else "the socket was closed"
        return f"{who} with {session.close_code}{reason}"

    async def send(self, text: str | bytes) -> Turn | None:
        """Send one message; the turn that it began, None when it is no create.

        Raises ConnectError, and Unsteady when the socket ended before anything was sent on it.
        """
        try:
            return await self._talk.send(text)
        except ConnectError:
            await self.until(lambda: self.is_over, _END_SECONDS)  # what came before the close is still read
            self.must_be_used()
            raise

    def must_be_used(self) -> None:
        """Raises Unsteady when the socket ended before anything was sent on it."""
        if self.is_over and not self.session.frames_out:
            raise Unsteady(f"a socket ended before anything was sent: {self.ending}")

    async def ask(self, text: str | bytes) -> Turn:
        """Send a create and wait until its turn is over; raises Silence, ConnectError."""
        turn = await self.send(text)
        assert turn is not None, "only a create is asked"
        await self.finish(turn)
        return turn

    async def finish(self, turn: Turn) -> None:
        """Wait until a turn is over; raises Silence.

        Raises Unsteady where it ended with its socket and that says nothing about what was asked: before it
        began, on an endpoint that is known to lose sockets; or in the middle, where another was answered.
        """
        await self._talk.finish(turn)
        if turn.status is not Status.CUT:
            return
        facts = self._bench.facts
        if not turn.responses and facts.unsteady:
            raise Unsteady(self.ending)
        if turn.responses and facts.notes.get("turns_end_well"):
            raise Unsteady(f"T{turn.number} was cut in the middle of its answer: {self.ending}", turn)

    async def say(self, text: str | bytes, seconds: float = 0.0) -> list[Event | Undecodable]:
        """Send one message; what the server says to it, nothing when it is silent or the socket ends.

        Waits for the first message, at most so many seconds (5 when 0), which is no named wait.
        """
        start = len(self._bench.inspector.recording)
        before = self.session.frames_in
        await self.send(text)
        await self.until(lambda: self.session.frames_in > before, seconds or 5.0)
        return [event for _, event in self.numbered_events(start)]

    async def events_until(
        self, is_last: Callable[[Event | Undecodable], bool], seconds: float, start: int = 0
    ) -> list[Event | Undecodable]:
        """The server's messages from this record on, until one of them is the last; what came until then."""
        events: list[Event | Undecodable] = []
        place = max(start, self._first)

        def has_come() -> bool:
            nonlocal place
            news = [event for _, event in self.numbered_events(place)]
            place = len(self._bench.inspector.recording)
            events.extend(news)
            return any(map(is_last, news))

        await self.until(has_come, seconds)
        return events

    async def until(self, is_true: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is true, at most so long and no longer than the socket; whether it is."""
        follower = self._bench.inspector.follow(len(self._bench.inspector.recording))
        try:
            async with asyncio.timeout(seconds):
                while not is_true():
                    if self.is_over:
                        return is_true()
                    await follower.wait()
                    follower.take()
        except TimeoutError:
            return is_true()
        finally:
            follower.close()
        return True

    async def watch(self, seconds: float) -> None:
        """Wait idly, no longer than the socket lives; a named wait."""
        await self._bench.wait(self.until(lambda: self.is_over, seconds * self._bench.pace), seconds)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it and wait for its end."""
        await self._talk.close(code, reason)
