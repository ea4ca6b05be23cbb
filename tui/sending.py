"""What a person sends from the session screen: described, warned about, then handed to a socket.

Its one rule: a frame leaves only after a person asked for it, and what was written stays in the box until it
has left. A send that will fail, or a frame that is broken, is told first and goes out when asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import SuspendNotSupported

from sessions import answers, compose, lint
from sessions.errors import ConnectError, LocalProtocolError
from sessions.items import Item
from sessions.records import Direction, Kind
from sessions.session import Response, Turn
from tui.editor import EditorError, edit
from tui.kept import Kept
from tui.outgoing import Aim, Outgoing, over_http
from tui.screens.ask import Ask
from tui.screens.reader import Reader
from tui.widgets.composer import Chip, Mode
from tui.widgets.talk import Talk
from tui.written import Written, written

if TYPE_CHECKING:
    from tui.screens.session import SessionScreen


_NO_CREATE = "a frame of one's own"


class Sending:
    """The flows around the composer, for one session of one's own."""

    def __init__(self, screen: SessionScreen, outgoing: Outgoing, kept: Kept) -> None:
        self._screen = screen
        self._outgoing = outgoing
        self._kept = kept
        self._armed: tuple[Mode, str] | None = None  # what goes out when it is asked for once more
        self._objection = ""
        self._said: set[str] = set()
        self._generated = ""  # the JSON that was made from the text, to see whether a person changed it
        self._read: tuple[str, Written | None] = ("", None)  # JSON, and what it says
        self._set_aside: tuple[str, str] | None = None  # the text that followed edited JSON, and that JSON

    # Beside the box ------------------------------------------------------------------------------------

    def describe(self) -> None:
        """Say what a send would be, and what it would do now."""
        self.offer()
        screen, composer = self._screen, self._screen.composer
        session = screen.session
        meant = self.meant
        # What needs a decision stands where a narrow window does not cut it.
        due = (*screen.ways_on.chips(), *(meant.due(session) if meant else ()), *self._kept.chips())
        if self._json_set_aside():
            due = (*due, Chip("", "changed JSON kept: ctrl+t", "warn"))
        title, forecast = _NO_CREATE, None
        parent, *others = (Chip("", "leaves as it is written"),)
        if meant is not None:
            forecast = meant.forecast(session, screen.sockets.now)
            parent, *others = meant.chips(session, forecast)
            title = meant.title(session)
        composer.show_chips((parent, *due, *others))
        name = screen.tabs.front.name
        composer.show_title(f"{name}: {title}" if name else title)
        if self._objection:
            composer.show_forecast(self._objection, "alarm")
        elif session is None or session.phase == "opening":
            composer.show_forecast("The socket is being opened; nothing is sent until you press Enter.")
        elif forecast is None:
            composer.show_forecast("This is no response.create: what it does is the server's to say.", "warn")
        else:
            state = {True: "", False: "alarm", None: "warn"}[forecast.works]
            first = () if state else forecast.warnings
            sentence = " ".join((*first, forecast.sentence, *(forecast.warnings if state else ())))
            composer.show_forecast(sentence, "warn" if forecast.warnings and not state else state)

    @property
    def meant(self) -> Outgoing | None:
        """What a send would be: as it was aimed, or as the JSON in the box says; None for another frame."""
        composer = self._screen.composer
        if self._screen.sending is not self or composer.mode is Mode.TEXT:
            return self._outgoing
        if self._read[0] != composer.text:
            self._read = (composer.text, written(composer.text, self._outgoing, self._screen.inspector))
        return self._read[1]

    def edited(self) -> None:
        """The text changed: an objection to the old one no longer counts."""
        self._armed = None
        composer = self._screen.composer
        if composer.mode is Mode.JSON:
            self._object_to_json(composer.text)
            self._screen.describe()  # what it says decides the parent that the chain marks
        else:
            self._object("")
        if composer.mode is Mode.TEXT or composer.text != self._generated:
            self._kept.written(composer.text)

    def _object(self, objection: str) -> None:
        if objection != self._objection:
            self._objection = objection
            self.describe()

    def _object_to_json(self, text: str) -> None:
        problems = lint.lint(text, shape=self._outgoing.profile.create_shape) if text.strip() else ()
        first = next(iter(problems), None)
        if first is None:
            self._object("")
        else:
            more = f"  ({len(problems) - 1} more)" if len(problems) > 1 else ""
            self._object(f"line {first.line}, column {first.column}: {first.sentence}{more}")

    # Sending -------------------------------------------------------------------------------------------

    async def submit(self, text: str, mode: Mode) -> None:
        """Send what the box holds, unless there is something to say first."""
        screen, outgoing = self._screen, self._outgoing
        session = screen.session
        if session is None or not screen.sockets.is_live(screen.number):
            self._object("No socket is open; nothing was sent. F9 shows the ways on, esc c the connection.")
            return
        if mode is Mode.TEXT:
            if (
                not text.strip()
                and not outgoing.answered
                and not outgoing.is_warm_up
                and outgoing.aim is not Aim.REPLAY
            ):
                self._object("Nothing to send: write something first.")
                return
            if not outgoing.settings.model and not await screen.connecting.ask_for_model():
                return
            try:
                frame = outgoing.frame(text, session)
            except LocalProtocolError as error:
                self._object(str(error))
                return
            doubt = self._doubt()
        else:
            frame, doubt = text, self._doubt_of_json(text)
        if doubt and self._armed != (mode, text):
            again = "Enter" if mode is Mode.TEXT else "F5"
            self._armed = (mode, text)
            self._object(f"{again} once more sends it all the same. {doubt}")  # the key first: ends are cut
            return
        if await self.send(frame):
            self._kept.remember(text, mode)
            self._said.add(text)
            self._set_aside = None
            self._kept.written("")
            if screen.sending is self:
                screen.composer.clear()
            else:
                screen.tabs.forget_writing(self)  # another session came to the front while it left
            self._went_out()

    def _doubt(self) -> str:
        meant = self.meant
        if meant is None:
            return ""
        forecast = meant.forecast(self._screen.session, self._screen.sockets.now)
        return forecast.sentence if forecast.works is False else ""

    def _doubt_of_json(self, text: str) -> str:
        for problem in lint.lint(text, shape=self._outgoing.profile.create_shape):
            if problem.severity == "error":
                return f"line {problem.line}, column {problem.column}: {problem.sentence}"
        return self._doubt()

    async def send(self, frame: str) -> bool:
        """Hand one frame to the socket; says so when it did not go."""
        try:
            await self._screen.sockets.send(self._screen.number, frame)
        except (ConnectError, LocalProtocolError) as error:
            self._screen.tell(f"not sent: {error}", is_wrong=True)
            return False
        return True

    async def preview(self) -> None:
        """Show the frame that would go out; F5 there sends it."""
        composer, outgoing, session = self._screen.composer, self._outgoing, self._screen.session
        if composer.mode is Mode.JSON:
            exact = shown = composer.text
        else:
            try:
                exact = outgoing.frame(composer.text, session)
                shown = outgoing.frame(composer.text, session, indent=2)
            except LocalProtocolError as error:
                self._object(str(error))
                return
        sessions, read = self._screen.inspector.sessions, self._screen.inspector.recording.record
        words = compose.describe(exact, sessions, read)
        said = words
        if (meant := self.meant) is not None:
            forecast = meant.forecast(session, self._screen.sockets.now)
            said = "\n".join((words, forecast.sentence, *forecast.warnings))
        what = "the frame to send"
        if session is not None and session.is_http:
            what, shown = "the body of the request to send", over_http(exact, shown)
        page = Reader(what, f"{said}\n\n{shown}", "F5 send   esc back")
        if await self._screen.app.push_screen_wait(page):
            await self.submit(composer.text, composer.mode)

    # The box -------------------------------------------------------------------------------------------

    def toggle_mode(self) -> None:
        """Text to JSON and back; the JSON begins as the frame of the text, or as it was left."""
        composer = self._screen.composer
        if aside := self._json_set_aside():
            composer.set_mode(Mode.JSON, aside)
            self._object_to_json(composer.text)
        elif composer.mode is Mode.TEXT:
            try:
                made = self._outgoing.frame(composer.text, self._screen.session, indent=2)
            except LocalProtocolError as error:
                self._object(str(error))
                return
            self._kept.written(composer.text)
            composer.set_mode(Mode.JSON, made)
            self._generated = made
        else:
            create = compose.from_frame(composer.text)
            is_ours = composer.text == self._generated or create is None
            edited = composer.text if composer.text != self._generated else ""
            composer.set_mode(Mode.TEXT, None if is_ours or create is None else create.text)
            if edited:
                self._set_aside = (composer.text, edited)
            self._object("")
            self._screen.describe()
        composer.box.focus()

    def _json_set_aside(self) -> str:
        """The changed JSON that ctrl+t brings back to the text in the box; "" when there is none."""
        composer = self._screen.composer
        if composer.mode is not Mode.TEXT or self._set_aside is None:
            return ""
        return self._set_aside[1] if self._set_aside[0] == composer.text else ""

    def edit_outside(self) -> None:
        """Write what the box holds in the person's own editor."""
        composer = self._screen.composer
        suffix = ".json" if composer.mode is Mode.JSON else ".md"
        try:
            with self._screen.app.suspend():
                text = edit(composer.text, suffix)
        except EditorError as error:
            self._screen.tell(str(error), is_wrong=True)
            return
        except SuspendNotSupported:
            self._screen.tell("an editor cannot be opened here: this terminal has one picture only")
            return
        self._screen.app.refresh()
        composer.write(text)
        composer.box.focus()

    def take_frame(self) -> None:
        """Take the selected turn's frame, exactly as it was sent, into the box as JSON."""
        record = self._screen.selection.record
        recording = self._screen.inspector.recording
        is_ours = (
            0 <= record < len(recording)
            and recording.kind_at(record) is Kind.TEXT
            and recording.direction_at(record) is Direction.CLIENT
        )
        if not is_ours:
            turn = self._screen.turn()
            if turn is None or turn.create < 0:
                self._screen.tell("select a frame that was sent")
                return
            record = turn.create
        text = recording.record(record).payload.decode(errors="replace")
        composer = self._screen.composer
        composer.set_mode(Mode.JSON, text)
        composer.box.focus()
        self._screen.tell(f"record {record} is in the box, as it was sent; F5 sends it again")

    # Calls, steering -----------------------------------------------------------------------------------

    @property
    def has_open_calls(self) -> bool:
        """Whether calls wait for an answer from here."""
        return self._turn_with_calls() is not None

    def _turn_with_calls(self) -> Turn | None:
        sessions = self._screen.inspector.sessions
        parent = self._outgoing.parent_turn(self._screen.session)
        selected = sessions.turn(self._screen.selection.turn)
        for turn in (selected, parent, *reversed(self._screen.scope.turns(sessions)[-20:])):
            if turn is not None and any(response.pending_calls for response in turn.responses):
                return turn
        return None

    async def answer_calls(self) -> None:
        """Answer the open calls of one turn by hand, in one frame; what is half filled in is kept."""
        from tui.screens.answering import Answering

        turn = self._turn_with_calls()
        if turn is None:
            self._screen.tell("no call waits for an answer")
            return
        screen, outgoing = self._screen, self._outgoing
        sessions = screen.inspector.sessions
        page = Answering(turn, answers.pending(sessions, turn), outgoing.tools_of(turn), self._kept.halves())
        answered = await screen.app.push_screen_wait(page)
        for half in answered.halves:
            self._kept.keep_half(half)
        if answered.items and await self._send_answers(turn, answered.items, answered.text):
            for item, _ in answered.items:
                self._kept.forget_half(item.answer_id)

    async def _send_answers(
        self, turn: Turn, items: Sequence[tuple[Item, Mapping[str, Any]]], text: str
    ) -> bool:
        screen, outgoing = self._screen, self._outgoing
        parent = outgoing.parent_turn(screen.session)
        if parent is None or parent.number != turn.number:
            outgoing.branch_from(turn)
        create = answers.answers_create(outgoing.create("", screen.session), items, text)
        try:
            frame = compose.frame(create, outgoing.profile.create_shape)
        except LocalProtocolError as error:
            screen.tell(str(error), is_wrong=True)
            return False
        if not await self.send(frame):
            return False
        self._went_out()
        return True

    def offer(self) -> None:
        """Offer what could be said next; only what was not said yet, and nothing while calls wait."""
        screen = self._screen
        suggestions = screen.launch.suggestions if screen.launch else ()
        is_waiting = self._outgoing.open_calls(screen.session) is not None
        screen.composer.suggest(
            () if is_waiting else [text for text in suggestions if text not in self._said]
        )

    def _went_out(self) -> None:
        self._armed = None
        self._objection = ""
        self._outgoing.sent()
        if self._screen.sending is self:
            self._screen.query_one(Talk).follow()
        self._screen.describe()

    @property
    def steerable(self) -> Response | None:
        """The running response that a steer would go to; None when nothing runs."""
        session = self._screen.session
        if session is None:
            return None
        lane = session.lanes.get(self._outgoing.lane)
        if lane is not None and lane.open is not None and lane.open.id:
            return lane.open
        return next((response for response in session.live if response.id), None)

    async def steer(self) -> None:
        """Ask for the words and send them to the running answer."""
        target = self.steerable
        if target is None:
            return
        text = await self._screen.app.push_screen_wait(
            Ask(
                f"steer T{target.turn}",
                self._screen.composer.text.strip() if self._screen.composer.mode is Mode.TEXT else "",
                "One more message for the answer that is running. The server may accept it, keep it for "
                "later, or refuse it; it is not every model's.",
                lambda text: "" if text.strip() else "Write what the answer should heed.",
            )
        )
        if text is None:
            return
        try:
            frame = compose.steer(target.id, text)
        except LocalProtocolError as error:
            self._screen.tell(str(error), is_wrong=True)
            return
        if await self.send(frame) and self._screen.composer.text.strip() == text.strip():
            self._screen.composer.clear()
