"""A conversation: turns sent one after another on a live session, each awaited to its end.

Its one rule: nothing is sent that the caller did not hand over, and nothing is ever sent twice. It works on
any `Live` source; what happens is read from the inspector's state, never from the socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sessions.errors import ConnectError, SessionsError
from sessions.inspector import Inspector
from sessions.records import Record
from sessions.session import Phase, Session, Turn
from sessions.source import Live

Result = TypeVar("Result")


class Silence(SessionsError):
    """The server said nothing for too long while a turn was running."""

    def __init__(self, seconds: float, turn: Turn) -> None:
        self.turn = turn
        super().__init__(f"nothing came for {seconds:g} s while turn {turn.number} was running")


class Conversation:
    """One live session and the inspector that reads it."""

    def __init__(self, live: Live, inspector: Inspector, session: int, silence_seconds: float) -> None:
        self._live = live
        self._inspector = inspector
        self._number = session
        self._silence_seconds = silence_seconds
        self._follower = inspector.follow(len(inspector.recording))

    @property
    def session(self) -> Session:
        """The state of its socket."""
        return self._inspector.sessions.sessions[self._number]

    async def begin(self, opened: Record) -> None:
        """Wait until this opening has been recorded; another that failed may stand before it."""
        sessions = self._inspector.sessions.sessions
        await self._until(
            lambda: self._number in sessions and sessions[self._number].opened >= opened.elapsed
        )

    async def send(self, frame: str | bytes) -> Turn | None:
        """Send one message; the turn that it began, None when it is no create.

        Raises ConnectError when the socket has ended.
        """
        turns = len(self._inspector.sessions.turns)
        records = len(self._inspector.recording)
        await self._live.send(frame)
        await self._until(lambda: len(self._inspector.recording) > records or self._is_over())
        if len(self._inspector.sessions.turns) > turns:
            return self._inspector.sessions.turns[turns]
        return None

    async def ask(self, frame: str | bytes) -> Turn | None:
        """Send one message and wait until the turn that it began is over.

        Raises Silence when nothing comes for too long, ConnectError when the socket has ended.
        """
        turn = await self.send(frame)
        if turn is not None:
            await self.finish(turn)
        return turn

    async def finish(self, turn: Turn) -> None:
        """Wait until a turn is over; raises Silence when nothing comes for too long."""
        while turn.is_live and not self._is_over():
            try:
                async with asyncio.timeout(self._silence_seconds or None):
                    await self._follower.wait()
            except TimeoutError:
                raise Silence(self._silence_seconds, turn) from None
            self._follower.take()

    async def listen(self, seconds: float = 1.0) -> None:
        """Wait until the server says something, or for so many seconds; for a frame that began no turn."""
        frames = self.session.frames_in
        try:
            async with asyncio.timeout(seconds):
                await self._until(lambda: self.session.frames_in > frames or self._is_over())
        except TimeoutError:
            return  # silence is an answer, too: unknown frames are often ignored

    async def unless_ended(self, awaited: Coroutine[Any, Any, Result]) -> Result | None:
        """Wait for something, but no longer than the socket lives; None when that ends first."""
        if self._is_over():
            awaited.close()
            return None
        try:
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(awaited)
                ending = group.create_task(self._until(self._is_over))
                await asyncio.wait((waiting, ending), return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                ending.cancel()
        except* SessionsError as group_error:
            raise _first(group_error) from None
        return None if waiting.cancelled() else waiting.result()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the socket and wait for its end."""
        await self._live.close(code, reason)

    def _is_over(self) -> bool:
        session = self._inspector.sessions.sessions.get(self._number)
        return session is not None and session.phase.is_over

    async def _until(self, is_true: Callable[[], bool]) -> None:
        while not is_true():
            await self._follower.wait()
            self._follower.take()


@asynccontextmanager
async def converse(
    live: Live, inspector: Inspector, session: int, silence_seconds: float = 300.0
) -> AsyncIterator[Conversation]:
    """Run a live session into an inspector while the block lasts; the socket is closed at its end.

    Raises ConnectError when the opening is refused. `silence_seconds` 0 waits without end.
    """
    conversation = Conversation(live, inspector, session, silence_seconds)
    try:
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(inspector.run(live), name="inspector")
            try:
                try:
                    opened = await live.opened()
                except ConnectError:
                    await reading  # so that the refusal is recorded before it is told
                    raise
                await conversation.begin(opened)
                yield conversation
                if conversation.session.phase is Phase.OPEN:
                    await live.close()
            finally:
                await live.aclose()
    except* SessionsError as group_error:
        raise _first(group_error) from None


def _first(group: BaseExceptionGroup[SessionsError]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


def refusal(error: ConnectError, record: Record | None = None) -> dict[str, object]:
    """A failed opening as one plain object, the same on every machine-readable face."""
    meta = record.meta if record is not None else {}
    return {
        "event": "error",
        "failure_class": error.failure_class.value,
        "status": error.status or None,
        "detail": error.detail,
        "body": error.body,
        "cause": error.cause,
        "remedy": str(meta.get("remedy") or error.remedy),
    }
