"""The header: two lines that say where we are connected and how it goes.

Its one rule: it only paints what `tui.header` says; how near the age limit is stands in words, and as a class
for the style sheet (`-warn` at 10 minutes, `-alarm` at 2).
"""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Span, Text
from textual.widget import Widget

from sessions.inspector import Inspector
from sessions.reading import Reading
from sessions.session import Phase, Session
from tui.cells import cut, steady
from tui.countdown import Urgency, countdown
from tui.header import NO_END, Surroundings, overview_lines, status_lines
from tui.marks import Marks
from tui.scope import foremost
from tui.shades import shade
from tui.tally import Tally

_PAUSE_SECONDS = 0.1  # figures that change more often cannot be read
_STAGES = ("dns_ms", "tcp_ms", "connect_ms", "tls_ms", "upgrade_ms")


class Status(Widget):
    """The header of one session."""

    ALLOW_SELECT: ClassVar[bool] = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "status--open", "status--between", "status--over", "status--strong", "status--url",
        "status--route", "status--dim", "status--rec", "status--wrong", "status--live", "status--good",
        "status--warning", "status--error", "status--countdown", "status--countdown-warn",
        "status--countdown-alarm", "status--countdown-over", "status--badge-demo",
        "status--badge-read-only", "status--badge-replay", "status--badge-insecure", "status--badge",
    }  # fmt: skip

    def __init__(
        self,
        inspector: Inspector,
        *,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.inspector = inspector
        self.now = 0.0
        self.number = 0  #: the session that is told; 0: the foremost one
        self._is_overview = False
        self._badges: tuple[str, ...] = ()
        self._is_key_set: bool | None = None
        self._is_key_told = True
        self._is_last_word = False
        self._sums: Tally | None = None
        self._sums_of = 0
        self._written_at = -1.0
        self._written_for: tuple[object, ...] = ()
        self._is_due = False
        self._marks = Marks(inspector)
        self._handshakes: dict[int, tuple[float | None, bool]] = {}

    def show_session(self, number: int) -> None:
        """Tell of this session; 0: of the foremost one."""
        if number != self.number:
            self.number = number
            self.refresh()

    def show_overview(self, is_overview: bool) -> None:
        """Tell of all connections together, as long as their list is shown."""
        if is_overview != self._is_overview:
            self._is_overview = is_overview
            self.refresh()

    def show_badges(self, *badges: str, is_key_set: bool | None = None, is_key_told: bool = True) -> None:
        """Show these words for good: DEMO, READ-ONLY, REPLAY, INSECURE; and whether a key is set."""
        self._badges = badges
        self._is_key_set = is_key_set
        self._is_key_told = is_key_told
        self.refresh()

    def show_last_word(self, is_last_word: bool) -> None:
        """Say of what is open that it has no end, where nothing more comes; or no longer."""
        if is_last_word != self._is_last_word:
            self._is_last_word = is_last_word
            self._write()

    def look_into(self, inspector: Inspector) -> None:
        """Tell of another state of the same recording."""
        self.inspector = inspector
        self._sums = None
        self._handshakes.clear()
        self._marks = Marks(inspector)
        self._written_for = ()
        self.refresh()

    def refresh_at(self, now: float) -> None:
        """Write both lines again, figures at most ten times a second; `now` is recording time in seconds."""
        self.now = now
        session = self.session
        standing = (session, session.phase, len(session.turns), session.live) if session is not None else ()
        if standing == self._written_for and 0 <= now - self._written_at < _PAUSE_SECONDS:
            if not self._is_due:
                self._is_due = True
                self.set_timer(_PAUSE_SECONDS, self._write, name="write")
            return
        self._written_for = standing
        self._write()

    def _write(self) -> None:
        self._is_due = False
        self._written_at = self.now
        session = self.session
        urgency = Urgency.CALM
        if session is not None and session.phase is Phase.OPEN and not self._is_last_word:
            urgency = countdown(session, self.now).urgency
        self.set_class(urgency is Urgency.WARN, "-warn")
        self.set_class(urgency in (Urgency.ALARM, Urgency.OVER), "-alarm")
        self.refresh()

    @property
    def session(self) -> Session | None:
        """The session that is told."""
        state = self.inspector.sessions
        return state.sessions.get(self.number) if self.number else foremost(state)

    def render(self) -> Text:
        """Both lines; in one line's height the first makes room for the second's beginning."""
        cells, height = self.size
        session = self.session
        sums = self._sums_now(session)
        around = self._surroundings(session)
        if self._is_overview:
            lines = self.overview(cells, around)[: max(1, height)]
        else:
            lines = status_lines(self.inspector.sessions, session, self.now, cells, around, sums)
        if height < 2 and not self._is_overview:
            state, style = self._state(session)
            alone = Surroundings(is_last_word=self._is_last_word)
            rest = status_lines(
                self.inspector.sessions, session, self.now, max(8, cells - len(state) - 1), alone, sums
            )[1]
            first = Text(" ", no_wrap=True, end="")
            first.append(cut(state, cells - 1), style)
            first.append_text(rest)
            lines = [first]
        out = Text(no_wrap=True, end="")
        for index, line in enumerate(lines):
            if index:
                out.append("\n")
            out.append_text(self._styled(line))
        return out

    def _state(self, session: Session | None) -> tuple[str, str]:
        if session is None:
            return "NOT CONNECTED", "status--over"
        if self._is_last_word and not session.phase.is_over:
            return NO_END, "status--warning"
        style = "status--open" if session.phase is Phase.OPEN else "status--over"
        return session.phase.value.upper(), style

    def overview(self, cells: int, surroundings: Surroundings) -> list[Text]:
        """Both lines about all connections together."""
        return overview_lines(self.inspector.sessions, self.now, cells, surroundings)

    def _styled(self, line: Text) -> Text:
        spans = [
            Span(start, end, self._style(style) if isinstance(style, str) else style)
            for start, end, style in line.spans
        ]
        plain = line.plain
        return Text(plain if plain.isascii() else steady(plain), spans=spans, no_wrap=True, end="")

    def _style(self, name: str) -> Style:
        known = name if name in self.COMPONENT_CLASSES else "status--badge"
        return shade(self, known) if name else Style.null()

    def _sums_now(self, session: Session | None) -> Tally | None:
        if session is None:
            return None
        if self._sums is None or self._sums_of != session.number:
            self._sums, self._sums_of = Tally(session), session.number
        self._sums.update()
        return self._sums

    def _surroundings(self, session: Session | None) -> Surroundings:
        recording = self.inspector.recording
        handshake_ms, has_key = self._handshake(session)
        is_kept = recording.path is not None
        is_key_set = has_key if self._is_key_set is None else self._is_key_set
        return Surroundings(
            recording.bytes_written if is_kept else None,
            is_key_set
            if self._is_key_told and (session is not None or self._is_key_set is not None)
            else None,
            self._badges,
            handshake_ms,
            recording.failure is not None,
            isinstance(recording, Reading),
            self._marks.session(0 if self._is_overview or session is None else session.number),
            self._is_last_word,
            recording.damaged if isinstance(recording, Reading) else 0,
        )

    def _handshake(self, session: Session | None) -> tuple[float | None, bool]:
        """How long the opening took and whether a key was sent with it, as its record says."""
        if session is None or session.handshake < 0:
            return None, False
        known = self._handshakes.get(session.number)
        if known is None:
            meta = self.inspector.recording.record(session.handshake).meta
            found = (meta.get(stage) for stage in _STAGES)
            times = [one for one in found if isinstance(one, (int, float))]
            masked = str(meta.get("masked", ""))
            has_key = any(word in masked for word in ("authorization", "api-key", "protocol"))
            known = self._handshakes[session.number] = (sum(times) if times else None, has_key)
        return known
