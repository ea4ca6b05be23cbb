"""The strip of named sessions under the header: which is in front, how each stands, what is left of its time.

Its one rule: it shows what it is given; a click asks to go elsewhere. Where not all words fit, the countdowns
stay longer than the states, and the names longer than both; the one in front is always in sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from sessions.roster import Mood
from tui.cells import cut, width
from tui.countdown import Urgency, urgency
from tui.figures import clock_words

if TYPE_CHECKING:
    from tui.tabs import Entry

_NAME_CELLS = 14
_STATE_CELLS = 26
_STYLES = {Mood.WRONG: "tabs--wrong", Mood.BUSY: "tabs--busy", Mood.WAITING: "tabs--warning"}


class Piece(NamedTuple):
    """The words of one session, and how each is styled."""

    place: int
    words: tuple[tuple[str, str], ...]

    @property
    def cells(self) -> int:
        """How wide it is."""
        return sum(width(word) for word, _ in self.words)


def strip_pieces(entries: Sequence[Entry], cells: int) -> list[Piece]:
    """The sessions that are in sight in so many cells, each in the longest wording that all have room for."""
    for level in (3, 2, 1, 0):
        pieces = [_piece(place, entry, level) for place, entry in enumerate(entries, 1)]
        if sum(piece.cells for piece in pieces) <= cells:
            return pieces
    pieces = [_piece(place, entry, 0) for place, entry in enumerate(entries, 1)]
    front = next((index for index, entry in enumerate(entries) if entry.is_front), 0)
    first = last = front
    room = cells - pieces[front].cells if pieces else 0
    while True:
        if last + 1 < len(pieces) and pieces[last + 1].cells <= room:
            last += 1
            room -= pieces[last].cells
        elif first > 0 and pieces[first - 1].cells <= room:
            first -= 1
            room -= pieces[first].cells
        else:
            return pieces[first : last + 1]


def _piece(place: int, entry: Entry, level: int) -> Piece:
    """One session in words; `level` 0: a short name, 1: its name, 2: and what is left, 3: and its state."""
    left, right = ("[", "]") if entry.is_front else (" ", " ")
    style = "tabs--front" if entry.is_front else "tabs--name"
    name = entry.name if level else cut(entry.name, _NAME_CELLS)
    words = [(f"{left}{place} {name}", style)]
    if entry.is_marked:
        words.append((" !", "tabs--wrong"))
    if level >= 2 and entry.left is not None:
        urgent = urgency(entry.left, entry.lifetime)
        shade = {Urgency.CALM: "tabs--dim", Urgency.WARN: "tabs--warning"}.get(urgent, "tabs--wrong")
        words.append((f" {clock_words(entry.left)}", shade))
    if level >= 3:
        words.append((f" {cut(entry.state, _STATE_CELLS)}", _STYLES.get(entry.mood, "tabs--dim")))
    words.append((right, style))
    return Piece(place, tuple(words))


class TabStrip(Widget):
    """One line: the sessions of one's own."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tabs--name", "tabs--front", "tabs--dim", "tabs--busy", "tabs--warning", "tabs--wrong",
    }  # fmt: skip
    ALLOW_SELECT = False

    class Chosen(Message):
        """A session was clicked; places count from 1."""

        def __init__(self, place: int) -> None:
            self.place = place
            super().__init__()

    def __init__(self) -> None:
        super().__init__(classes="-nothing")
        self._entries: tuple[Entry, ...] = ()
        self._spans: list[tuple[int, int, int]] = []

    def show(self, entries: tuple[Entry, ...]) -> None:
        """Say how these sessions stand; without any the strip takes no room."""
        if entries != self._entries:
            self._entries = entries
            self.set_class(not entries, "-nothing")
            self.refresh()

    def render(self) -> Text:
        """The strip."""
        text = Text(no_wrap=True, end="")
        self._spans = []
        for piece in strip_pieces(self._entries, self.size.width):
            start = text.cell_len
            for word, style in piece.words:
                text.append(word, self.get_component_rich_style(style))
            self._spans.append((start, text.cell_len, piece.place))
        text.truncate(max(0, self.size.width))
        return text

    def on_click(self, event: events.Click) -> None:
        """Go to the session under the pointer."""
        for start, end, place in self._spans:
            if start <= event.x < end:
                self.post_message(TabStrip.Chosen(place))
