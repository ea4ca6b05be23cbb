"""The demonstration that the start screen shows: a few turns on a real socket, one call answered, one fork.

It speaks to the built-in server only, sends what a person would, and ends as soon as it is told to. It is the
one place where something is sent without being asked for: it says so on its frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from sessions import answers, compose
from sessions.compose import Create
from sessions.contract import Status
from sessions.errors import ConnectError
from sessions.inspector import Inspector
from sessions.session import Turn
from tui.sockets import Sockets

PAUSE_SECONDS = 1.2  #: between turns: long enough to read, short enough to be alive
ANSWERS: Mapping[str, str] = {"get_weather": '{"celsius": 21, "sky": "clear"}'}
STEPS = (
    "Remember the code word heliotrope, please.",
    "What is the weather in Lisbon? Call get_weather.",
    "Which code word did I tell you?",
)
FORK = "Instead, tell me in one sentence what a fork is."


class Demonstration:
    """One run of the script."""

    def __init__(self, inspector: Inspector, sockets: Sockets, number: int, base: Create) -> None:
        self._inspector = inspector
        self._sockets = sockets
        self._number = number
        self._base = base

    async def run(self) -> None:
        """Send the turns in order, each after the one before has ended; returns when the socket does, too."""
        follower = self._inspector.follow()
        try:
            parent: Turn | None = None
            first: Turn | None = None
            for text in STEPS:
                parent = await self._ask(follower, self._with(text, parent))
                first = first or parent
                if parent is None:
                    return
                if calls := answers.pending(self._inspector.sessions, parent):
                    await asyncio.sleep(PAUSE_SECONDS)
                    parent = await self._answer(follower, parent, calls)
            await self._ask(follower, self._with(FORK, first))
        finally:
            follower.close()

    def _with(self, text: str, parent: Turn | None) -> Create:
        return self._base.model_copy(update={"text": text, "parent": parent.response_id if parent else None})

    async def _answer(self, follower: Any, turn: Turn, calls: Iterable[Any]) -> Turn | None:
        answered = [(call, answers.answer(call, ANSWERS.get(call.name, "{}"))) for call in calls]
        return await self._ask(follower, answers.answers_create(self._with("", turn), answered))

    async def _ask(self, follower: Any, create: Create) -> Turn | None:
        """Send one create and wait for the end of its turn; None when it did not end well."""
        turns = self._inspector.sessions.turns
        number = len(turns)
        if not self._sockets.is_live(self._number):
            return None
        try:
            await self._sockets.send(self._number, compose.frame(create))
        except ConnectError:
            return None  # the socket ended in this moment; its record says how
        while len(turns) <= number or turns[number].is_live:
            if not self._sockets.is_live(self._number):
                return None
            await follower.wait()
            follower.take()
        await asyncio.sleep(PAUSE_SECONDS)
        return turns[number] if turns[number].status is Status.COMPLETED else None
