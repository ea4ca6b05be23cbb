"""Sessions of one's own by name, one of them in front: each with its sockets, its next send and its draft.

Its one rule: whatever belongs to one of them stays with it; the composer speaks to the one in front, and only
a person brings another one there. Without names there is one, which has everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sessions.roster import SESSION_NAME, Mood, row
from tui.kept import Kept
from tui.outgoing import Outgoing
from tui.scope import ALL, Scope
from tui.screens.ask import Ask
from tui.sending import Sending
from tui.widgets.composer import Writing

if TYPE_CHECKING:
    from sessions.drafts import Drafts
    from tui.screens.session import SessionScreen

_FIRST_NAME = "main"  # of the session that had no name while it was the only one


class Entry(NamedTuple):
    """What the strip says of one of them."""

    name: str
    is_front: bool
    state: str
    mood: Mood
    left: float | None
    lifetime: float
    is_marked: bool  #: something went wrong there that was not looked at yet


class Tab:
    """One session of one's own."""

    def __init__(self, screen: SessionScreen, name: str = "", drafts: Drafts | None = None) -> None:
        launch = screen.launch
        self.name = name
        self.recorded_name = name  #: as its connections say it; one that was named later says none
        self.number = 0  #: the connection that it speaks on; 0: none yet
        self.own = Scope(name=name) if name else ALL  #: all connections that it ever had
        self.scope = self.own  #: what the views show while it is in front
        known = (launch.create, launch.profile) if launch else ()
        self.outgoing = Outgoing(screen.inspector, *known, name=name)
        if launch and launch.tools:
            self.outgoing.loaded_tools = launch.tools.tools
        self.kept = Kept(screen, drafts)
        self.sending = Sending(screen, self.outgoing, self.kept)
        self.writing: Writing | None = None  #: what stood in the box when it left the front
        self.selected_turn = 0
        self.selected_record = -1
        self.seen = (
            0,
            0,
            False,
        )  #: the connection, its errors, and whether it had ended, when looked at last

    def took(self, number: int) -> None:
        """A connection was opened for it, on which it speaks from now on."""
        self.number = number
        self.own, self.scope = self.own.plus(number), self.scope.plus(number)


class Tabs:
    """All sessions of one's own of a session screen."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen
        launch = screen.launch
        names = launch.names if launch is not None else ()
        self.all = [self._made(name) for name in names or ("",)]
        self.front = self.all[0]

    def _made(self, name: str) -> Tab:
        drafts = self._screen.launch.drafts if self._screen.launch is not None else None
        return Tab(self._screen, name, drafts.named(name) if drafts is not None and name else drafts)

    @property
    def are_named(self) -> bool:
        """Whether sessions have names, and therefore a strip."""
        return bool(self.front.name)

    def owner(self, session: int) -> Tab | None:
        """The named session that a connection belongs to."""
        return next((tab for tab in self.all if tab.name and tab.own.has(session)), None)

    def forget_writing(self, sending: Sending) -> None:
        """What one of them had in its box has left."""
        for tab in self.all:
            if tab.sending is sending:
                tab.writing = Writing()

    # Going from one to another -------------------------------------------------------------------------

    def show(self, tab: Tab) -> None:
        """Bring this one to the front, with its draft, its place and its next send."""
        screen = self._screen
        if tab is not self.front:
            self._put_away()
            self.front = tab
            self._take_up()
        screen.overview.show_scope(tab.scope)
        screen.overview.find_front()
        self.look()
        screen.describe()

    def _put_away(self) -> None:
        screen, front = self._screen, self.front
        front.selected_turn, front.selected_record = screen.selection.turn, screen.selection.record
        if not screen.is_read_only:
            front.writing = screen.composer.writing
            front.kept.save_draft()

    def _take_up(self) -> None:
        screen, front = self._screen, self.front
        screen.selection.turn, screen.selection.record = front.selected_turn, front.selected_record
        if screen.is_read_only:
            return
        if front.writing is None:
            screen.composer.take_up(Writing())
            front.kept.look_for_drafts()
        else:
            screen.composer.take_up(front.writing)

    def step(self, step: int) -> None:
        """Go to the next one, or the one before, round the end."""
        self.show(self.all[(self.all.index(self.front) + step) % len(self.all)])

    def go_to(self, place: int) -> None:
        """Go to the one in this place, from 1; where there is none, nothing happens."""
        if 1 <= place <= len(self.all):
            self.show(self.all[place - 1])

    # Another one ---------------------------------------------------------------------------------------

    async def add(self) -> None:
        """Ask for a name and open a session under it, to the same address."""
        screen = self._screen
        about = "A session of its own beside this one: its own socket, chain, countdown and draft."
        name = await screen.app.push_screen_wait(Ask("a session by name", "", about, self.refuse_name))
        plan = screen.sockets.plan(self.front.number) or (screen.launch.plan if screen.launch else None)
        if name is None or plan is None:
            return
        if not self.are_named:
            self._name_first()
        tab = self._made(name.strip())
        self.all.append(tab)
        screen.connecting.open(plan, tab)
        self.show(tab)

    def _name_first(self) -> None:
        first = self.front
        known = self._screen.inspector.sessions.sessions
        first.name = _FIRST_NAME
        first.own = Scope(frozenset({*known, first.number} - {0}), _FIRST_NAME)
        first.scope = first.own

    def refuse_name(self, text: str) -> str:
        """Why a session cannot have this name, in a sentence; "" when it can."""
        name = text.strip()
        if not SESSION_NAME.fullmatch(name):
            return "A name has one to 32 letters, digits, _ . or -"
        if name in {tab.name or _FIRST_NAME for tab in self.all}:
            return f"there is a session {name} already"
        return ""

    # What the strip says -------------------------------------------------------------------------------

    def look(self) -> None:
        """What went wrong in the one in front has been seen."""
        self.front.seen = self._standing(self.front)

    def _standing(self, tab: Tab) -> tuple[int, int, bool]:
        session = self._screen.inspector.sessions.sessions.get(tab.number)
        return (tab.number, session.errors, session.phase.is_over) if session is not None else (0, 0, False)

    def _is_marked(self, tab: Tab) -> bool:
        number, errors, is_over = self._standing(tab)
        seen = tab.seen if tab.seen[0] == number else (number, 0, False)
        return tab is not self.front and (errors > seen[1] or (is_over and not seen[2]))

    def entries(self, now: float) -> tuple[Entry, ...]:
        """All of them in their order; none while there are no names. `now` is recording time in seconds."""
        return tuple(self._entry(tab, now) for tab in self.all) if self.are_named else ()

    def _entry(self, tab: Tab, now: float) -> Entry:
        session = self._screen.inspector.sessions.sessions.get(tab.number)
        is_front = tab is self.front
        if session is None:
            return Entry(tab.name, is_front, "opening", Mood.BETWEEN, None, 0.0, False)
        told = row(session, now)
        mark = self._is_marked(tab)
        return Entry(tab.name, is_front, told.state, told.mood, told.left, told.lifetime, mark)
