"""The session: the views of one recording, the composer, and the sockets behind them.

Its one rule: what arrives is told to the views and changes nothing else; focus, scroll, selection and dialogs
belong to the person. This screen alone knows two widgets; what its actions do is in `session_actions`, what
the views show is theirs.
"""

from __future__ import annotations

import asyncio
import gc
from pathlib import PurePath
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from sessions.inspector import Batch, Inspector
from sessions.profile import OPENAI
from sessions.reducer import What
from sessions.session import Session, Turn
from tui import keys
from tui.aiming import Aiming
from tui.app import TurnscopeApp
from tui.connecting import Connecting
from tui.connection_menu import ConnectionMenu
from tui.feed import FRAME_SECONDS, SessionsChanged, feed
from tui.found import Found
from tui.launch import Launch
from tui.outgoing import Outgoing
from tui.overview import Overview
from tui.quiet import quiet
from tui.saving import Saving
from tui.scope import Scope
from tui.screens.session_actions import SessionActions
from tui.selection import Selection
from tui.sockets import Sockets
from tui.tabs import Tabs
from tui.ways_on import WaysOn
from tui.widgets.body import Body
from tui.widgets.brief import Brief
from tui.widgets.chain import Chain
from tui.widgets.composer import Composer
from tui.widgets.connections import Connections
from tui.widgets.events import Events
from tui.widgets.footer import TYPING, Footer
from tui.widgets.stats import Stats
from tui.widgets.status import Status as Header
from tui.widgets.tabs import TabStrip
from tui.widgets.talk import Talk
from tui.widgets.trouble import Trouble
from tui.widgets.views import CONNECTIONS, Views

TICK_SECONDS = 1.0
STYLES: list[str | PurePath] = [
    *(f"../widgets/{name}.tcss" for name in ("pane", "talk", "chain", "stats", "status", "tabs")),
    "session.tcss",
]
_BY_WIDTH = [(0, "-speck"), (40, "-tiny"), (60, "-narrow"), (110, "-wide"), (180, "-huge")]
_BY_HEIGHT = [(0, "-flat"), (10, "-low"), (16, "-short"), (30, "-tall")]


class SessionScreen(SessionActions):
    """One recording, live or read."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.SESSION, keys.Where.MOVING)]
    CSS_PATH = STYLES
    FIRST_VIEW: ClassVar[str] = "talk"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = _BY_WIDTH
    VERTICAL_BREAKPOINTS = _BY_HEIGHT

    def __init__(
        self,
        inspector: Inspector,
        sockets: Sockets,
        launch: Launch | None = None,
        *,
        is_read_only: bool = False,
        adopted: int = 0,
    ) -> None:
        super().__init__()
        self.inspector = inspector
        self.sockets = sockets
        self.launch = launch
        self.is_read_only = is_read_only or launch is None
        self.selection = Selection(self)
        self.tabs = Tabs(self)
        self.number = adopted
        self.aiming = Aiming(self)
        self.connecting = Connecting(self)
        self.menu = ConnectionMenu(self)
        self.overview = Overview(self)
        self.ways_on = WaysOn(self)
        self.saving = Saving(self)
        self.found = Found(self)
        self.stands = asyncio.Event()  #: set once the first picture is on the terminal
        self._came_from = "talk"
        self._is_from_list = False  # what is shown was opened from the list of connections

    def compose(self) -> ComposeResult:
        """Header, named sessions, the views, what is wrong, composer, keys."""
        yield Header(self.inspector)
        yield TabStrip()
        yield Views(self.inspector)
        yield Body(self.inspector, self.launch.profile if self.launch else OPENAI)
        yield Trouble()
        if not self.is_read_only:
            yield Composer()
        yield Footer()
        yield Static("too small: 40x10 or more", id="too-small", markup=False)

    def on_mount(self) -> None:
        """Show what is there, then open the first socket."""
        self._show_view(self.FIRST_VIEW)
        self.set_interval(TICK_SECONDS, self.tick)
        self.run_worker(feed(self.inspector, self, rest=self.rest_seconds), group="feed")
        self._show_badges()
        if self.launch is not None:
            for note in self.launch.notes:
                self.tell(note)
            if not self.is_read_only:
                self.kept.look_for_drafts()
            if self.number:
                self.connecting.adopt(self.number)
            else:
                for tab in self.tabs.all:
                    self.connecting.open(self.launch.plan, tab)
        if self.is_read_only:
            self.query_one(f"#{self.FIRST_VIEW}").focus()
        else:
            self.composer.box.focus()
        self.call_after_refresh(self.tick)
        # What stands now stays: without it a full collection takes a tenth of a second from whoever types.
        self.call_after_refresh(gc.freeze)
        self.call_after_refresh(lambda: self.run_worker(self._stand(), group="standing"))

    async def _stand(self) -> None:
        await quiet()
        self.stands.set()

    # What the parts of this screen share ----------------------------------------------------------------

    @property
    def body(self) -> Body:
        """The room of the five views."""
        return self.query_one(Body)

    @property
    def number(self) -> int:
        """The session that the composer speaks to; 0: none yet."""
        return self.tabs.front.number

    @number.setter
    def number(self, number: int) -> None:
        self.tabs.front.number = number

    @property
    def outgoing(self) -> Outgoing:
        """What the next send will be."""
        return self.tabs.front.outgoing

    @property
    def scope(self) -> Scope:
        """The connections that the views show."""
        return self.tabs.front.scope

    @property
    def session(self) -> Session | None:
        """The session that the composer speaks to; None before its first record."""
        return self.inspector.sessions.sessions.get(self.number)

    def turn(self) -> Turn | None:
        """The turn that is selected, or the newest one."""
        sessions = self.inspector.sessions
        turn = sessions.turn(self.selection.turn)
        return turn if self.scope.has_turn(turn) else self.scope.last_turn(sessions)

    def tell(self, sentence: str, *, is_wrong: bool = False) -> None:
        """Say a sentence beside the views; it goes by itself."""
        from sessions import redact
        from sessions.safe import safe

        shown = safe(redact.screen(sentence))
        self.notify(shown, severity="error" if is_wrong else "information", markup=False)

    # What arrives ---------------------------------------------------------------------------------------

    @on(SessionsChanged)
    def _sessions_changed(self, event: SessionsChanged) -> None:
        event.stop()
        if event.inspector is not self.inspector:
            return  # the views look into another state by now
        batch = event.batch
        self.query_one(Events).show(batch)
        self.query_one(Talk).show(batch)
        self.query_one(Connections).show(batch)
        is_text = all(change.what is What.TEXT for change in batch.changes)
        if not is_text or batch.findings or not batch.is_complete:
            self.query_one(Chain).show(batch)
            self.query_one(Views).show(batch)
            brief = self.query_one(Brief)
            if brief.display:
                brief.show(batch)
            self._state_moved(batch)
        self.query_one(Header).refresh_at(self.sockets.now)

    def on_unmount(self) -> None:
        """Let go of the built-in server and of the recording's file."""
        if self.launch is not None:
            self.launch.release()
        if not self.is_read_only:
            for tab in self.tabs.all:
                tab.kept.save_draft()
        if isinstance(self.app, TurnscopeApp):
            self.app.farewell = self.farewell() or self.app.farewell
        self.inspector.recording.close()

    def rest_seconds(self) -> float:
        """How long the views rest between two batches of what arrived."""
        return FRAME_SECONDS

    def farewell(self) -> str:
        """What is told on stderr when this screen has been left."""
        recording = self.inspector.recording
        return f"recorded {len(recording)} records in {recording.path}" if recording.path is not None else ""

    async def may_leave(self) -> bool:
        """Whether turnscope may end; asks while a socket is open."""
        if self.sockets.open_sessions and not await self.connecting.may_close_all("leave turnscope"):
            return False
        await self.sockets.close_all()
        return True

    def _show_badges(self) -> None:
        plan = self.launch.plan if self.launch else None
        badges = [self.launch.badge] if self.launch and self.launch.badge else []
        if self.is_read_only:
            badges.append("READ-ONLY")
        if plan is not None and plan.trust.is_insecure:
            badges.append("INSECURE")
        self.query_one(Header).show_badges(*badges, is_key_set=plan.has_login if plan is not None else None)

    def _state_moved(self, batch: Batch) -> None:
        self.describe()
        self.connecting.look(batch)

    def tick(self) -> None:
        """Once a second: the countdown, the counters of silence, what would happen to a send now."""
        now = self.sockets.now
        self.query_one(Header).refresh_at(now)
        self.query_one(Talk).refresh_at(now)
        self.query_one(Chain).refresh_at(now)
        if self.body.view == CONNECTIONS:
            self.overview.refresh()
        stats = self.query_one(Stats)
        if stats.display:
            stats.refresh_at(now)
        self.describe()
        if not self.is_read_only:
            self.kept.save_draft()

    def describe(self) -> None:
        """Say beside the box what a send would be and do now; and which keys work."""
        self.query_one(Chain).mark_parent(self._parent_number())
        self.query_one(Views).show_list(self.has_list)
        self.tabs.look()
        self.query_one(TabStrip).show(self.tabs.entries(self.sockets.now))
        if not self.is_read_only:
            self.sending.describe()
        self.ways_on.describe()
        self.refresh_bindings()

    def _parent_number(self) -> int | None:
        if self.is_read_only:
            return None
        meant = self.sending.meant
        turn = meant.parent_turn(self.session) if meant is not None else None
        return turn.number if turn is not None else None

    # Which connections are shown ------------------------------------------------------------------------

    def watched_until(self) -> float:
        """Recording time in seconds up to which it is known what did not come."""
        return self.sockets.now

    @on(Connections.Selected)
    def _connection_selected(self, event: Connections.Selected) -> None:
        event.stop()
        self.overview.tell_of(event.session)

    @on(Connections.Opened)
    def _connection_opened(self, event: Connections.Opened) -> None:
        event.stop()
        self.overview.open(event.session)
        self._is_from_list = True
        self._go(self.overview.first_view(event.session))
        self.describe()

    @on(TabStrip.Chosen)
    def _tab_chosen(self, event: TabStrip.Chosen) -> None:
        event.stop()
        self.tabs.go_to(event.place)

    # What is selected -----------------------------------------------------------------------------------

    @on(Events.Selected)
    def _event_selected(self, event: Events.Selected) -> None:
        event.stop()
        self.selection.choose_record(event.record, source="events")

    @on(Views.Chosen)
    def _view_chosen(self, event: Views.Chosen) -> None:
        event.stop()
        self._go(event.view)

    @on(Events.Opened)
    def _event_opened(self, event: Events.Opened) -> None:
        event.stop()
        self.selection.choose_record(event.record, source="events")
        self._go("raw")

    @on(Chain.Opened)
    def _turn_opened(self, event: Chain.Opened) -> None:
        event.stop()
        self.query_one(Talk).show_turn(event.turn)
        self._go("talk")

    @on(Talk.Opened)
    def _words_opened(self, event: Talk.Opened) -> None:
        event.stop()
        self.selection.choose_record(event.record, source="talk")
        self._go("events")

    @on(Talk.Selected)
    def _talk_selected(self, event: Talk.Selected) -> None:
        event.stop()
        self.selection.turn = event.turn
        self.selection.choose_record(event.record, source="talk")

    @on(Chain.Selected)
    def _chain_selected(self, event: Chain.Selected) -> None:
        event.stop()
        self.selection.choose_turn(event.turn)

    def show_record(self, record: int) -> None:
        """Go to the events, the cursor on this record."""
        self.selection.choose_record(record, source="talk")
        self.query_one(Talk).show_record(record)
        self._go("events")

    # Where the person is --------------------------------------------------------------------------------

    def on_descendant_focus(self, event: object) -> None:
        """The focused view is the one that stays when the window shrinks."""
        focused = self.focused
        name = self.body.view_of(focused)
        if name:
            self._came_from = name
            self._show_view(name)
        is_typing = focused is not None and name == "" and not self.is_read_only
        self.query_one(Footer).show_place(TYPING if is_typing else name)
        if not self.is_read_only:
            self.composer.set_class(is_typing, "-typing")

    def _show_view(self, name: str) -> None:
        self.body.show_view(name)
        self.query_one(Views).show_view(name)
        self.query_one(Header).show_overview(self.is_overview)
        if name == CONNECTIONS:
            self.overview.refresh()
        if name == "stats":
            self.query_one(Stats).refresh_at(self.sockets.now)

    def _go(self, name: str) -> None:
        self._show_view(name)
        self.query_one(f"#{name}").focus()

    def action_show_connections(self) -> None:
        """Go to the list of connections, the cursor on the one that is shown."""
        self.overview.find_shown()
        self._go(CONNECTIONS)

    def action_show_talk(self) -> None:
        """Go to the conversation."""
        self._go("talk")

    def action_show_events(self) -> None:
        """Go to the events."""
        self._go("events")

    def action_show_chain(self) -> None:
        """Go to the chain."""
        self._go("chain")

    def action_show_raw(self) -> None:
        """Go to the chosen event."""
        self._go("raw")

    def action_show_stats(self) -> None:
        """Go to the counts."""
        self._go("stats")

    def action_zoom(self) -> None:
        """Give the focused view everything, and back."""
        self.body.toggle_zoom()

    def action_write(self) -> None:
        """Go to the message box."""
        self.composer.box.focus()

    def action_leave(self) -> None:
        """One level up: box to view, raw to events, events to talk, talk to the list; never out."""
        if self.body.view_of(self.focused) == "":
            self._go(self._came_from)
        elif self.body.is_zoomed:
            self.action_zoom()
        elif self.body.view == "raw":
            self._go("events")
        elif self.body.view == "talk" and self.has_list and (self._is_from_list or not self.scope.is_all):
            self.action_show_connections()
        elif self.body.view != CONNECTIONS or self.scope.is_all:
            self._is_from_list = False
            self._go("talk")

    # What is written -----------------------------------------------------------------------------------

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        event.stop()
        self.flow(self.sending.submit(event.text, event.mode))

    @on(Composer.Edited)
    def _edited(self, event: Composer.Edited) -> None:
        event.stop()
        self.sending.edited()
