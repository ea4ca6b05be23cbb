"""The overview of a session screen: the list of connections, and which of them the other views show.

Its one rule: every view shows the same connections, those of the scope in front. It opens no socket and
moves no focus; where a person goes from the list is the screen's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.fallback import sentences
from tui.scope import ALL, Scope, only
from tui.widgets.brief import Brief
from tui.widgets.chain import Chain
from tui.widgets.connections import Connections
from tui.widgets.events import Events
from tui.widgets.happened import Happened
from tui.widgets.stats import Stats
from tui.widgets.status import Status as Header
from tui.widgets.talk import Talk
from tui.widgets.views import Views

if TYPE_CHECKING:
    from tui.screens.session import SessionScreen


class Overview:
    """The way from the list of connections to the views of one of them, and back."""

    def __init__(self, screen: SessionScreen) -> None:
        self._screen = screen

    def show_scope(self, scope: Scope) -> None:
        """Let every view show these connections only; the focus stays where it is."""
        screen, tabs = self._screen, self._screen.tabs
        tabs.front.scope = scope
        screen.query_one(Talk).show_scope(scope)
        screen.query_one(Events).show_scope(scope)
        screen.query_one(Chain).show_scope(scope)
        screen.query_one(Views).show_scope(scope)
        told = screen.number if scope.has(screen.number) and (not scope.is_all or tabs.are_named) else 0
        if not told and not scope.is_all:
            told = scope.newest(screen.inspector.sessions)
        screen.query_one(Header).show_session(told)
        screen.query_one(Header).show_overview(screen.is_overview)
        stats = screen.query_one(Stats)
        stats.show_session(told)
        if stats.display:
            stats.refresh_at(screen.sockets.now)

    def find_front(self) -> None:
        """While the list is shown: put its cursor on the connection that the composer speaks to."""
        screen = self._screen
        if screen.is_at_list and screen.number:
            screen.query_one(Connections).select_session(screen.number)
            self.tell_of(screen.number)

    def refresh(self) -> None:
        """Write the list, and what stands below it, as it is now."""
        screen = self._screen
        now, sessions = screen.sockets.now, screen.inspector.sessions
        screen.query_one(Connections).refresh_at(now)
        screen.query_one(Brief).refresh_at(now)
        screen.query_one(Happened).show(sentences(sessions, screen.watched_until()), sessions)

    def tell_of(self, session: int) -> None:
        """Say below the list what is known of this connection."""
        brief = self._screen.query_one(Brief)
        brief.show_session(session)
        brief.refresh_at(self._screen.sockets.now)
        self._screen.refresh_bindings()  # what can be stopped follows the cursor

    def open(self, session: int) -> None:
        """Show this connection, or with 0 all; one of a named session brings that to the front."""
        screen, tabs, sockets = self._screen, self._screen.tabs, self._screen.sockets
        owner = tabs.owner(session)
        if owner is not None:
            owner.scope = owner.own
            tabs.show(owner)
        elif session:
            if sockets.plan(session) is not None:
                screen.number = session
            self.show_scope(only(session))
        else:
            if not screen.scope.is_all and not tabs.are_named:
                screen.number = sockets.newest or screen.number
            self.show_scope(ALL)

    def first_view(self, session: int) -> str:
        """The view to begin with; a refusal or a list of models was never a conversation."""
        opened = self._screen.inspector.sessions.sessions.get(session)
        is_wordless = opened is not None and opened.phase.is_over and not opened.turns
        return "events" if is_wordless else "talk"

    def find_shown(self) -> None:
        """Put the cursor of a list that has none yet on the connection that is shown."""
        screen = self._screen
        connections = screen.query_one(Connections)
        if connections.session == 0 and not screen.scope.is_all:
            connections.select_session(screen.scope.newest(screen.inspector.sessions))
            screen.query_one(Brief).show_session(connections.session)
