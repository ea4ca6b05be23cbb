"""The screen of a tap: who is connected, what happened to them, and each of them to be looked into.

Its one rule: the tap is a program of its own and this screen only follows its recording: nothing is sent, and
whatever becomes of the screen the relay goes on, until somebody says that it shall stop.
"""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import PurePath
from time import monotonic
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static

from sessions.errors import SessionsError
from sessions.fallback import Sentence, sentences
from sessions.inspector import Batch
from sessions.playback import Pace, Playback
from sessions.recipes import Recipe
from sessions.redact import MASK
from sessions.state import State
from sessions.wire.control import ask
from tui import keys
from tui.clipboard import copy
from tui.screens.choose import Choice, Choose
from tui.screens.reader import Reader
from tui.screens.recipes import Recipes
from tui.screens.replay import ReplayScreen
from tui.tap_header import Agreement, TapFacts
from tui.tapping import RunningTap, stop_line
from tui.widgets.brief import Brief
from tui.widgets.connections import Connections
from tui.widgets.happened import full_words, newest_first
from tui.widgets.recipe_book import RecipeBook
from tui.widgets.status import Status as Header
from tui.widgets.tap_status import TapStatus
from tui.widgets.timebar import TimeBar
from tui.widgets.views import CONNECTIONS

_NOBODY = "Nobody has connected yet. Point a client at this tap; the list of connections comes by itself."
_NOT_WHILE_WAITING = ("show_", "zoom", "copy", "export", "next_", "previous_")


class TapScreen(ReplayScreen):
    """A tap at its live edge."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.TAP)]
    CSS_PATH: ClassVar[list[str | PurePath]] = [*ReplayScreen.CSS_PATH, "recipes.tcss", "tap.tcss"]
    FIRST_VIEW = CONNECTIONS

    def __init__(self, playback: Playback, relay: RunningTap | None = None) -> None:
        super().__init__(playback)
        self.relay = relay  #: None: somebody else started it
        self._is_list_due = False
        self._is_waiting = False
        self._has_met = False  # whether any client ever came
        self._is_stopping = False
        self._shown_url = relay.shown_url if relay is not None else ""
        self._agreement = Agreement(playback.reading)
        self._told: tuple[Sentence, ...] = ()
        self._is_difference_told = False
        self._is_end_told = False
        self._last_came = (-1, 0.0)  # records, and when on our own clock the newest of them came

    def compose(self) -> ComposeResult:
        """The replay's views under a header of its own; in the place of an empty list the recipes."""
        for widget in super().compose():
            if isinstance(widget, Header):
                yield TapStatus(self.inspector)
                continue
            if isinstance(widget, TimeBar):
                with Vertical(id="waiting"):
                    yield Static(_NOBODY, id="nobody", markup=False)
                    yield RecipeBook(self._shown_url, self._base_url)
            yield widget

    def on_mount(self) -> None:
        """Ask a tap of somebody else where it listens."""
        if self.relay is None:
            self.call_after_refresh(lambda: self.run_worker(self._ask_tap(), group="asking"))

    async def _ask_tap(self) -> None:
        path = self.playback.reading.path
        if path is not None and self.playback.is_growing:
            try:
                answer = await asyncio.to_thread(ask, path, "status")
            except SessionsError:  # a tap that ended just now, or one that cannot be spoken to
                answer = {}
            self.show_urls(str(answer.get("base_url", "")))

    def show_urls(self, shown_url: str) -> None:
        """The tap has said where it listens."""
        self._shown_url = shown_url
        self.query_one(RecipeBook).show_urls(shown_url)
        self._look_at_tap()

    @property
    def _base_url(self) -> str:
        return self.relay.base_url if self.relay is not None else self._shown_url

    @property
    def has_list(self) -> bool:
        """There is always a list to go to."""
        return True

    @property
    def is_tapping(self) -> bool:
        """Whether the tap still writes."""
        return self.playback.is_growing

    def farewell(self) -> str:
        """How to look again, and how to stop it; where its recording is when it has ended."""
        path = self.playback.reading.path
        if path is None:
            return ""
        if not self.is_tapping or (self.relay is not None and not self.relay.is_running()):
            return f"the tap has ended; turnscope replay {path}"
        return f"the tap goes on\nturnscope attach {path}\n{stop_line(path)}"

    # What arrives ---------------------------------------------------------------------------------------

    def _state_moved(self, batch: Batch) -> None:
        super()._state_moved(batch)
        self._look_at_tap()

    def tick(self) -> None:
        """Once a second, the tap's own words as well."""
        super().tick()
        self._look_at_tap()

    def _look_at_tap(self) -> None:
        """Say what is known of the tap now; and change places with the recipes when the first one comes."""
        state, playback = self.inspector.sessions, self.playback
        if state.sessions and not self._has_met:
            self._has_met = True
            self._choose_first(min(state.sessions))
        self._show_waiting(not self._has_met and not playback.is_folding and self.is_tapping)
        self._agreement.look()
        self._told = newest_first(sentences(state, self.watched_until()))
        self.query_one(TapStatus).show_facts(self._facts())
        self._show_seen(state)
        self._tell_end()
        if self._agreement.differing and not self._is_difference_told:
            self._is_difference_told = True
            self.tell("the tap's own check: bytes were changed on their way through it", is_wrong=True)

    def _choose_first(self, number: int) -> None:
        """The list was empty when the keys came to it: the cursor begins on the first connection."""
        connections = self.query_one(Connections)
        if connections.session == 0:
            connections.select_session(number)
            self.query_one(Brief).show_session(number)

    def watched_until(self) -> float:
        """At a live edge time without any record counts as well: nobody tried again in it."""
        playback = self.playback
        if playback.pace is not Pace.LIVE or playback.is_folding or not self.is_tapping:
            return self.sockets.now
        if self._last_came[0] != playback.position:
            self._last_came = (playback.position, monotonic())
        return max(self.sockets.now, playback.duration + monotonic() - self._last_came[1])

    def _tell_end(self) -> None:
        """A tap of our own that ended by itself: its last words say why."""
        relay = self.relay
        if relay is None or relay.is_running() or self._is_end_told or self._is_stopping:
            return
        self._is_end_told = True
        words = relay.last_words()
        self.tell(f"the tap has ended{f': {words}' if words else ''}", is_wrong=True)

    def _facts(self) -> TapFacts:
        reading, agreement = self.playback.reading, self._agreement
        return TapFacts(
            self._shown_url,
            str(reading.header.get("upstream", "")),
            reading.path.name if reading.path is not None else "",
            reading.bytes_known,
            self.is_tapping,
            sum(1 for one in self._told if one.is_fallback),
            agreement.compared,
            agreement.differing,
            self.is_last_word,
        )

    def _show_waiting(self, is_waiting: bool) -> None:
        if is_waiting == self._is_waiting:
            return
        self._is_waiting = is_waiting
        self.set_class(is_waiting, "-waiting")
        if is_waiting:
            self.query_one(RecipeBook).query_one(OptionList).focus()
        else:
            self._go(CONNECTIONS)
        self.refresh_bindings()

    def _show_seen(self, state: State) -> None:
        if self._is_waiting:
            self.query_one(RecipeBook).show_seen(state)
        if isinstance(self.app.screen, Recipes):
            self.app.screen.show_seen(state)

    # What a person does ---------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While nobody has come there is nothing to look into."""
        if action == "show_happened":
            return bool(self._told)
        if action == "show_recipes":
            return not self._is_waiting and bool(self._shown_url)
        if self._is_waiting and action.startswith(_NOT_WHILE_WAITING):
            return False
        return super().check_action(action, parameters)

    def action_leave(self) -> None:
        """One level up; the list is the uppermost."""
        if self._is_waiting:
            return
        if self.body.view == "talk" and not self.body.is_zoomed:
            self.action_show_connections()
        else:
            super().action_leave()

    def action_show_recipes(self) -> None:
        """Show how to point clients at this tap."""
        self.flow(self._recipes())

    async def _recipes(self) -> None:
        dialog = Recipes(self.inspector.sessions, self._shown_url, self._base_url)
        recipe = await self.app.push_screen_wait(dialog)
        if recipe is not None:
            await self._copy(recipe)

    @on(RecipeBook.Copied)
    def _recipe_copied(self, event: RecipeBook.Copied) -> None:
        event.stop()
        self.flow(self._copy(event.recipe))

    async def _copy(self, recipe: Recipe) -> None:
        self.tell(await copy(recipe.text, self.app.copy_to_clipboard))
        if f"/{MASK}" in self._base_url:
            self.tell(f"in place of the token it says {MASK}: only who started the tap was told it")

    def action_show_happened(self) -> None:
        """Tell everything that clients met, with what to do about it."""
        text = full_words(self._told, self.inspector.sessions)
        self.app.push_screen(Reader("what happened", text))

    # Leaving --------------------------------------------------------------------------------------------

    def action_close(self) -> None:
        """Leave; asks first while the tap that was started here runs."""
        self.flow(self._leave())

    async def _leave(self) -> None:
        if await self.may_leave():
            self.app.exit(0)

    async def may_leave(self) -> bool:
        """Whether turnscope may end at once; what becomes of a tap of our own is asked first, once."""
        if self.relay is None or not self.relay.is_running():
            return True
        if not self._is_stopping and not isinstance(self.app.screen, Choose):
            self.app.push_screen(self._question(), self._decided)
        return False

    def _question(self) -> Choose:
        known = self.playback.inspector.sessions.sessions.values()
        count = sum(1 for one in known if not one.phase.is_over)
        cut = (
            "no connection is open"
            if not count
            else f"{count} open, {'it' if count == 1 else 'they'} will be cut"
        )
        choices = (
            Choice("stay", "stay", "nothing changes"),
            Choice("leave", "leave it running", "clients notice nothing; `turnscope attach` shows it again"),
            Choice("stop", "stop the tap", cut),
        )
        return Choose("the tap is running", choices, f"Kept: the recording {self.playback.reading.path}")

    def _decided(self, choice: str | None) -> None:
        if choice == "leave":
            self.app.exit(0)
        elif choice == "stop":
            self._is_stopping = True
            self.flow(self._stop())

    async def _stop(self) -> None:
        assert self.relay is not None  # only a tap of our own is asked about
        self.tell("stopping the tap …")
        try:
            await asyncio.to_thread(self.relay.stop)
        except subprocess.TimeoutExpired:
            self.tell(f"the tap does not end; its process is {self.relay.pid}", is_wrong=True)
        else:
            self.app.exit(0)
        finally:
            self._is_stopping = False
