"""Opening and ending the sockets behind a session screen, always by a person's hand.

Its one rule: nothing is opened or closed by itself, and what an end costs is said before it. A new socket is
the next session of the same recording.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from sessions import survivors
from sessions.errors import RecordingError
from sessions.inspector import Batch
from sessions.session import Phase, Response, Session
from tui.screens.choose import Choice, Choose
from tui.widgets.connections import Connections

if TYPE_CHECKING:
    from sessions.wire.plan import Plan
    from tui.screens.session import SessionScreen
    from tui.tabs import Tab


class Connecting:
    """The flows around the sockets of one session screen."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen
        self._opened: dict[int, asyncio.Event] = {}
        self._told: set[int] = set()  # sessions whose fallback was said

    # Opening -------------------------------------------------------------------------------------------

    def open(self, plan: Plan, tab: Tab | None = None) -> int:
        """Open a socket by this plan for a session of one's own, the one in front when none is given.

        From now on that session speaks to it. Returns the number of the new connection.
        """
        screen = self._screen
        tab = tab or screen.tabs.front
        prepared = screen.sockets.prepare(replace(plan, name=tab.recorded_name))
        tab.took(prepared.session)
        if tab is screen.tabs.front:
            screen.overview.show_scope(tab.scope)
        self._opened[prepared.session] = asyncio.Event()
        self._screen.run_worker(self._run(prepared), group="sockets", name=f"socket {prepared.session}")
        return prepared.session

    def adopt(self, number: int) -> None:
        """Take over a socket that somebody else opened on the same inspector."""
        self._opened[number] = asyncio.Event()
        self._opened[number].set()

    async def _run(self, plan: Plan) -> None:
        try:
            await self._screen.sockets.run(plan, self._screen.stands)
        except RecordingError as error:
            self._screen.tell(f"the session was ended: {error}", is_wrong=True)
        finally:
            self._opened[plan.session].set()
            if self._screen.is_attached:
                self._screen.describe()

    def look(self, batch: Batch) -> None:
        """See whether a socket that somebody waits for has been opened."""
        for number, opened in self._opened.items():
            session = self._screen.inspector.sessions.sessions.get(number)
            if session is not None and session.phase is not Phase.OPENING:
                opened.set()
            if session is not None and session.fallback and number not in self._told:
                self._told.add(number)
                self._screen.tell(session.fallback)

    async def _wait(self, number: int) -> bool:
        await self._opened[number].wait()
        session = self._screen.inspector.sessions.sessions.get(number)
        return session is not None and session.phase is Phase.OPEN

    async def reopen(self, plan: Plan | None = None) -> bool:
        """A new socket, by the plan of the one before; True when it was opened."""
        screen = self._screen
        plan = plan or screen.sockets.plan(screen.number) or (screen.launch.plan if screen.launch else None)
        if plan is None:
            return False
        tab, old = screen.tabs.front, screen.number
        number = self.open(plan, tab)
        is_open = await self._wait(number)
        if is_open and screen.sockets.is_live(old):
            screen.tell(f"socket {old} stays open until you close it; the composer speaks to socket {number}")
        return is_open

    @property
    def can_retry_with_model(self) -> bool:
        """Whether the server was seen to accept the upgrade with `?model=` in the URL."""
        session = self._screen.session
        if session is None or session.phase is not Phase.REFUSED or session.handshake < 0:
            return False
        probe = self._screen.inspector.recording.record(session.handshake).meta.get("probe", "")
        return str(probe).endswith("was accepted")

    async def retry_with_model(self) -> None:
        """Open once more with `?model=` in the URL; asks for the model first where none is set.

        A proxy that wants the parameter takes its word over the frame's, so a guess would choose the model.
        """
        from sessions.wire.plan import retry_with_model

        screen = self._screen
        plan = screen.sockets.plan(screen.number)
        if plan is None or not self.can_retry_with_model:
            return
        if not screen.outgoing.settings.model and not await self.ask_for_model():
            return
        self.open(retry_with_model(plan, screen.outgoing.settings.model))

    # Stopping, closing ---------------------------------------------------------------------------------

    @property
    def meant(self) -> int:
        """The connection that a stop means: the chosen one of the list while that is shown, when it is ours.

        Elsewhere the one that the composer speaks to; 0 for none.
        """
        screen = self._screen
        if not screen.is_at_list:
            return screen.number
        chosen = screen.query_one(Connections).session
        return chosen if screen.sockets.plan(chosen) is not None else 0

    @property
    def can_stop(self) -> bool:
        """Whether there is something to stop: an answer that runs, or in the list an open socket of ours.

        A socket on which nothing runs is closed from the connection menu.
        """
        screen, number = self._screen, self.meant
        if not screen.sockets.is_live(number):
            return False
        session = screen.inspector.sessions.sessions.get(number)
        return screen.is_at_list or (session is not None and bool(session.live or session.waiting))

    async def stop(self, number: int) -> None:
        """Close the socket of this connection, after saying what that costs."""
        screen = self._screen
        session = screen.inspector.sessions.sessions.get(number)
        if session is None or not screen.sockets.is_live(number):
            screen.tell("no socket is open")
            return
        running = screen.sending.steerable if number == screen.number else _running(session)
        costs = survivors.what_stopping_costs(
            screen.inspector.sessions, running, session=session, profile=screen.outgoing.profile
        )
        title = f"stop T{running.turn}" if running is not None else f"close socket {number}"
        way = Choice("close", "close the socket", "with a closing handshake, 1000")
        if session.is_http:
            way = Choice("close", "close the request", "the session stays; what was answered stays, too")
        choices = (Choice("stay", "leave it open", "nothing changes"), way)
        if await screen.app.push_screen_wait(Choose(title, choices, costs)) == "close":
            await screen.sockets.stop(number)

    async def leave(self) -> None:
        """Leave this session; asks first while a socket is open."""
        screen = self._screen
        if screen.sockets.open_sessions and not await self.may_close_all("leave this session"):
            return
        await screen.sockets.close_all()
        screen.app.exit(0)

    async def may_close_all(self, title: str) -> bool:
        """Ask whether the open sockets may be closed; says what is kept."""
        screen = self._screen
        sessions = screen.inspector.sessions.sessions
        lines = [
            survivors.what_stopping_costs(
                screen.inspector.sessions, session=sessions[number], profile=screen.outgoing.profile
            )
            for number in screen.sockets.open_sessions
            if number in sessions
        ]
        path = screen.inspector.recording.path
        kept = (
            f"Kept: the recording {path}"
            if path
            else "Not kept: this session has no recording file (x saves it)."
        )
        choices = (
            Choice("stay", "stay", "nothing changes"),
            Choice("close", "close and go", "1000, normal end"),
        )
        about = "\n".join((*lines, kept))
        return await screen.app.push_screen_wait(Choose(title, choices, about)) == "close"

    # Models --------------------------------------------------------------------------------------------

    async def ask_for_model(self) -> bool:
        """Let the person choose a model, from the server's list where it has one; True when one is set."""
        from tui.screens.models import choose_model

        screen = self._screen
        plan = screen.sockets.plan(screen.number)
        others = (tab.outgoing.settings.model for tab in screen.tabs.all)
        model = await choose_model(screen.app, plan, tuple(dict.fromkeys(filter(None, others))))
        if model:
            screen.outgoing.change(model=model)
            without = [tab for tab in screen.tabs.all if not tab.outgoing.settings.model]
            for tab in without:
                tab.outgoing.change(model=model)
            if without:
                screen.tell(f"{model} in the other sessions, too, which had no model; F2 changes it in each")
            screen.describe()
        return bool(model)


def _running(session: Session) -> Response | None:
    """The oldest answer that runs on a connection."""
    return next((response for response in session.live if response.id), None)
