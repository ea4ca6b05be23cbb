"""The replay: the session's own screen over a recording, with a playhead and a line of time.

Its one rule: it looks and nothing else. The file is only read, whoever writes it is left alone, and of the
session's keys there are only those that send nothing. What the playhead does is `sessions.playback`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import PurePath
from time import monotonic
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from sessions.errors import RecordingError
from sessions.inspector import Inspector
from sessions.moment import HELP, Measure, Moment, parse
from sessions.playback import Pace, Playback
from tui import keys
from tui.feed import FRAME_SECONDS, feed
from tui.screens.ask import Ask
from tui.screens.session import STYLES, SessionScreen
from tui.sockets import Sockets
from tui.timeline import speed_words
from tui.widgets.brief import Brief
from tui.widgets.chain import Chain
from tui.widgets.connections import Connections
from tui.widgets.events import Events
from tui.widgets.footer import Footer
from tui.widgets.pane import Pane
from tui.widgets.raw import Raw
from tui.widgets.stats import Stats
from tui.widgets.status import Status as Header
from tui.widgets.talk import Talk
from tui.widgets.timebar import TimeBar
from tui.widgets.views import Views

_SLICE_SECONDS = 0.003  # a key goes through some five tasks; each of them may wait for one slice
_SHORTEST_SECONDS = 1 / 60
_CLOCK_SECONDS = 0.1  # in a silence time is seen to pass
_FOLDING_REST_SECONDS = 0.25
_SHOWN_SECONDS = 0.1  # while much is folded, the line of time moves so often
_OLD_SECONDS = 0.4  # so long the views may show where the playhead was, while it is on its way back
_JUMP_SECONDS = 10.0
_LOOKS_INTO: tuple[type[Header | Views | Chain | Talk | Events | Raw | Stats | Connections], ...] = (
    Header,
    Views,
    Chain,
    Talk,
    Events,
    Raw,
    Stats,
    Connections,
    Brief,
)
_FOLLOWS = (Chain, Talk, Events, Connections)
_TOLD_PROBLEMS = 3


class Told(NamedTuple):
    """What the line of time says, as far as it decides whether to paint it again."""

    pace: Pace
    speed: float
    is_shortening: bool
    is_folding: bool
    is_growing: bool
    position: int
    known: int
    damaged: int
    tenths: int


def _told(playback: Playback) -> Told:
    return Told(
        playback.pace,
        playback.speed,
        playback.is_shortening,
        playback.is_folding,
        playback.is_growing,
        playback.position,
        playback.known,
        playback.reading.damaged,
        int(playback.elapsed() * 10),
    )


class ReplayScreen(SessionScreen, inherit_bindings=False):
    """A recording that plays, or that somebody else still writes."""

    BINDINGS: ClassVar[list[BindingType]] = [*Screen.BINDINGS, *keys.replay_bindings()]
    CSS_PATH: ClassVar[list[str | PurePath]] = [*STYLES, "replay.tcss"]

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback.inspector, Sockets(playback.inspector, playback))
        self.playback = playback
        self._moved = asyncio.Event()
        self._is_as_opened = playback.pace is not Pace.LIVE
        self._is_replay = self._is_as_opened or playback.reading.path is None  # not attached to somebody
        self._is_left = False
        self._is_list_due = playback.pace is Pace.LIVE
        self._is_event_due = False
        self._is_told_of_end = False
        self._is_last_word_told = False
        self._told_problems = 0
        self._going_back_since = 0.0
        self._painted = _told(playback)
        self._painted_at = 0.0

    def compose(self) -> ComposeResult:
        """The session's views, and the line of time above the keys."""
        for widget in super().compose():
            if isinstance(widget, Footer):
                yield TimeBar(self.playback)
            yield widget

    def on_mount(self) -> None:
        """Begin to read once the first picture stands."""
        for pane in self.query(Pane):
            pane.can_freeze = False
            if self._is_as_opened:
                pane.counts_arrivals = False
                pane.hold()
        self.call_after_refresh(lambda: self.run_worker(self._drive(), group="playhead"))

    def on_unmount(self) -> None:
        """Leave the file alone from now on."""
        self._is_left = True

    @property
    def is_last_word(self) -> bool:
        """Whether nothing more comes, and all that came is shown: what is open then has no end."""
        return not self.playback.is_growing and self.playback.is_at_end

    def _show_badges(self) -> None:
        # the key was somebody else's, and at another time
        if self._is_replay:
            self.query_one(Header).show_badges("REPLAY", is_key_told=False)
        else:
            super()._show_badges()

    def farewell(self) -> str:
        """Nothing was recorded here."""
        return ""

    def rest_seconds(self) -> float:
        """While much is folded the views only count; what they cost would come on top."""
        return _FOLDING_REST_SECONDS if self.playback.is_folding else FRAME_SECONDS

    # What time does -------------------------------------------------------------------------------------

    async def _drive(self) -> None:
        """Move the playhead as time goes by, until the screen is left."""
        while not self._is_left:
            due = self.playback.advance(_SLICE_SECONDS)
            self._look()
            if due > 0:
                if self.playback.pace is Pace.PLAYING:
                    due = min(due, _CLOCK_SECONDS)
                self._moved.clear()
                try:
                    async with asyncio.timeout(max(due, _SHORTEST_SECONDS)):
                        await self._moved.wait()
                except TimeoutError:
                    pass
            else:
                await asyncio.sleep(0)

    def _look(self) -> None:
        playback = self.playback
        if playback.inspector is not self.inspector:
            now = monotonic()
            self._going_back_since = self._going_back_since or now
            if not playback.is_folding or now - self._going_back_since > _OLD_SECONDS:
                self._going_back_since = 0.0
                self._look_into(playback.inspector)
        if not playback.is_folding:
            self._arrive()
        self._tell_problems()
        self._tell_last_word()
        self._paint()

    def _tell_last_word(self) -> None:
        if self.is_last_word == self._is_last_word_told:
            return
        self._is_last_word_told = self.is_last_word
        # on the way out the writer may end when the views have gone already
        for header in self.query(Header):
            header.show_last_word(self.is_last_word)
        for connections in self.query(Connections):
            connections.show_last_word(self.is_last_word)
        for chain in self.query(Chain):
            chain.show_last_word(self.is_last_word)

    def _arrive(self) -> None:
        """The playhead is where it was sent: what was waiting for that is done."""
        if self._is_event_due:
            self._is_event_due = False
            self._show_event(self.playback.position - 1)
        if self._is_list_due:
            self._is_list_due = False
            if self.has_list and self.body.view == "talk":
                self.action_show_connections()

    def _show_event(self, record: int) -> None:
        """The event before the playhead is the chosen one."""
        if record >= 0:
            self.selection.record = record
            self.query_one(Raw).show_record(record)

    def _paint(self) -> None:
        """Paint the line of time, and the clock of the header, when they say something else."""
        playback, now = self.playback, monotonic()
        told = _told(playback)
        if told == self._painted:
            return
        if told.is_folding and self._painted.is_folding and now - self._painted_at < _SHOWN_SECONDS:
            return
        self._painted, self._painted_at = told, now
        self.query_one(TimeBar).refresh()
        if playback.inspector is self.inspector:
            self.query_one(Header).refresh_at(playback.elapsed())

    def _look_into(self, inspector: Inspector) -> None:
        """Let every view show the state that the playhead came back to."""
        self.workers.cancel_group(self, "feed")
        self.inspector = inspector
        follower = inspector.follow(len(inspector.recording))
        with self.app.batch_update():
            for view in _LOOKS_INTO:
                self.query_one(view).look_into(inspector)
            self.tick()
        self.run_worker(feed(inspector, self, follower=follower, rest=self.rest_seconds), group="feed")

    def _tell_problems(self) -> None:
        """Say once each what is wrong with the file, the first few of them; and that its writer has gone."""
        playback = self.playback
        problems = playback.reading.problems
        if self._told_problems < len(problems):
            for problem in problems[self._told_problems : _TOLD_PROBLEMS]:
                self.tell(f"line {problem.line} of the recording: {problem.reason}", is_wrong=True)
            self._told_problems = len(problems)
        if playback.is_growing:
            self._is_told_of_end = False
        elif not self._is_told_of_end and not playback.is_folding:
            self._is_told_of_end = True
            if playback.pace is Pace.LIVE:
                self.tell("nobody writes this recording any more; what it has stays here")
            if (cut := playback.reading.end_problem()) is not None:
                self.tell(f"line {cut.line} of the recording: {cut.reason}", is_wrong=True)

    # What a person does ---------------------------------------------------------------------------------

    def _move(self) -> None:
        """The playhead was moved by hand: the views go with it from the first time on."""
        if self._is_as_opened:
            self._is_as_opened = False
            for pane in self.query(Pane):
                pane.counts_arrivals = True
            for view in _FOLLOWS:
                self.query_one(view).follow()
        self._moved.set()

    def action_toggle_play(self) -> None:
        """Play, or pause; at the live end: stay here while the file grows."""
        playback = self.playback
        if playback.pace is Pace.PLAYING or (playback.pace is Pace.LIVE and playback.is_growing):
            playback.pause()
            self._moved.set()
        else:
            playback.play()
            self._move()

    def action_step_on(self) -> None:
        """One event on."""
        self._step_event(1)

    def action_step_back(self) -> None:
        """One event back."""
        self._step_event(-1)

    @property
    def _start(self) -> int | None:
        """Where steps on begin: the start of a recording that was only opened, else the playhead (None)."""
        return 0 if self._is_as_opened else None

    def _step_event(self, step: int) -> None:
        if self._start is not None and step > 0:
            self.playback.seek(step)
        else:
            self.playback.step_event(step)
        self._is_event_due = True
        self._move()

    def action_turn_on(self) -> None:
        """To the next turn."""
        there = self.playback.step_turn(1, self._start)
        self._step(there, "no turn begins after this moment" + self._way_back(self.playback.turns, "<"))

    def action_turn_back(self) -> None:
        """To the turn before."""
        self._step(self.playback.step_turn(-1), "no turn begins before this moment")

    def action_error_on(self) -> None:
        """To the next error."""
        there = self.playback.step_error(1, self._start)
        self._step(there, "no error after this moment" + self._way_back(self.playback.errors, "E"))

    def action_error_back(self) -> None:
        """To the error before."""
        self._step(self.playback.step_error(-1), "no error before this moment")

    @staticmethod
    def _way_back(marks: Sequence[int], key: str) -> str:
        """What leads back to one, where there was one."""
        return f"; {key} goes back to the one before" if marks else ""

    def _step(self, is_there: bool, otherwise: str) -> None:
        if is_there:
            self._is_event_due = True
            self._move()
        else:
            self._moved.set()
            self.tell(otherwise)

    def action_faster(self) -> None:
        """Play faster."""
        self._change_speed(1)

    def action_slower(self) -> None:
        """Play slower."""
        self._change_speed(-1)

    def _change_speed(self, steps: int) -> None:
        speed = self.playback.change_speed(steps)
        if self.playback.pace is not Pace.PLAYING:
            self.tell(f"plays at {speed_words(speed)} when it plays")
        self._moved.set()

    def action_jump_on(self) -> None:
        """Ten seconds on."""
        self._go_to(Moment(Measure.STEP, _JUMP_SECONDS))

    def action_jump_back(self) -> None:
        """Ten seconds back."""
        self._go_to(Moment(Measure.STEP, -_JUMP_SECONDS))

    def action_go_live(self) -> None:
        """To the end; while the file grows, with it."""
        self.playback.go_live()
        self._move()

    def action_toggle_silences(self) -> None:
        """Cut silences, or play them as they were."""
        self.playback.is_shortening = not self.playback.is_shortening
        self._moved.set()

    def action_keep(self) -> None:
        """Mark the file to be kept, whatever its age; or take the mark back."""
        reading = self.inspector.recording
        try:
            reading.keep(not reading.is_kept)
        except RecordingError as error:
            self.tell(str(error), is_wrong=True)
            return
        kept = "is kept now, whatever its age" if reading.is_kept else "is no longer marked to be kept"
        self.tell(f"this recording {kept}")

    def action_seek(self) -> None:
        """Ask for a moment and go there."""
        self.flow(self._seek())

    async def _seek(self) -> None:
        words = await self.app.push_screen_wait(Ask("go to which moment?", about=HELP, refuse=self._refuse))
        if words is not None:
            self._go_to(parse(words))

    def _refuse(self, words: str) -> str:
        try:
            return self.playback.objection(parse(words))
        except ValueError as error:
            return str(error)

    @on(TimeBar.Sought)
    def _sought(self, event: TimeBar.Sought) -> None:
        event.stop()
        self._go_to(Moment(Measure.SHARE, event.share))

    def _go_to(self, moment: Moment) -> None:
        self.playback.go_to(moment)
        self._move()
