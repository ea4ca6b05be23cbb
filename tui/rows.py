"""A row of the event list as coloured text of one width; pure: summary values in, text out.

Its one rule: columns keep their places whatever the wire sent, and every word of it passes the gate here.
Colours are names of component classes; the words alone say all that the colours do.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from rich.text import Span, Text

from sessions.lines import ARROWS, seconds, size, time_of_day
from sessions.records import Direction
from sessions.redact import screen
from sessions.safe import safe_line
from sessions.summary import Row, Tone, lane_words
from tui.cells import cut, cut_left, fill, fill_left
from tui.marks import Mark

_DIRECTIONS = {
    Direction.CLIENT: "pane--client",
    Direction.SERVER: "pane--server",
    Direction.LOCAL: "pane--local",
}
_TONES = {
    Tone.PLAIN: "pane--dim",
    Tone.DELTA: "pane--dim",
    Tone.ENDING: "pane--good",
    Tone.SOCKET: "pane--local",
    Tone.DIALECT: "pane--warning",
    Tone.ODD: "pane--warning",
    Tone.ERROR: "pane--error",
}
_READ = 400  # characters of a word from the wire that can ever be seen in one row


class Clock(StrEnum):
    """What the time column counts from; the values are its headings."""

    TURN = "+turn"
    START = "+start"
    WALL = "utc"

    @property
    def following(self) -> Clock:
        """The next one, round and round."""
        clocks = tuple(Clock)
        return clocks[(clocks.index(self) + 1) % len(clocks)]


class Columns(NamedTuple):
    """Cells of each column at one width; 0 leaves a column out."""

    number: int
    time: int
    gap: int
    direction: int
    type: int
    lane: int
    turn: int
    size: int
    note: int


def columns(width: int, digits: int = 5, clock: Clock = Clock.TURN, *, has_lanes: bool = True) -> Columns:
    """Which columns fit into this width, and how wide they are; `digits` is of the largest number.

    Without named lanes the lane gives way to the note where there is little room.
    """
    number = max(4, digits)
    time = 12 if clock is Clock.WALL else 9
    gap, lane, turn, weight = 6, 8, 4, 6
    if width < (76 if has_lanes else 100):
        lane = 0
    if width < 60:
        gap = 0
    if width < 48:
        turn = 0
    if width < 42:
        time = 0
    if width < 30:
        weight = 0
    fixed = [number, time, gap, 3, lane, turn, weight]
    rest = width - sum(cells + 1 for cells in fixed if cells) - 1
    name = rest if rest < 28 else min(37, max(20, rest * 3 // 5))
    note = rest - name - 1 if rest >= 28 else 0
    return Columns(number, time, gap, 3, max(1, name), lane, turn, weight, note)


def heading(at: Columns, clock: Clock) -> Text:
    """The names of the columns."""
    cells = (
        fill_left("#", at.number),
        fill_left(clock.value, at.time),
        fill_left("gap", at.gap),
        fill("dir", at.direction),
        fill("type", at.type),
        fill("lane", at.lane),
        fill("turn", at.turn),
        fill_left("size", at.size),
        fill("note", at.note),
    )
    return Text(" ".join(cell for cell in cells if cell), "pane--heading", no_wrap=True, end="")


def row_text(row: Row, at: Columns, clock: Clock, folded: int = 1, mark: Mark | None = None) -> Text:
    """One record, or a run of deltas that begins with it, as text of these columns; `mark`: what is wrong."""
    colour = _DIRECTIONS[row.direction]
    is_delta = row.tone is Tone.DELTA
    pieces = [(fill_left(str(row.number), at.number), "pane--dim")]
    if at.time:
        pieces.append((fill_left(_time(row, clock), at.time), "pane--dim"))
    if at.gap:
        pieces.append((fill_left(seconds(row.gap), at.gap), "pane--strong" if row.gap > 1 else "pane--dim"))
    pieces.append((fill(ARROWS[row.direction], at.direction), colour))
    pieces.append((fill(short_type(row.type, at.type), at.type), "pane--dim" if is_delta else colour))
    if at.lane:
        pieces.append((fill(_words(lane_words(row)), at.lane), "" if row.lane else "pane--dim"))
    if at.turn:
        pieces.append((fill(f"T{row.turn}" if row.turn else "-", at.turn), "" if row.turn else "pane--dim"))
    if at.size:
        pieces.append((fill_left(size(row.size), at.size), "pane--dim"))
    if at.note:
        note = f"{folded:,} folded" if folded > 1 else _words(row.note)
        style = _TONES[row.tone]
        if mark is not None:
            words = (mark.words, note) if mark.is_wrong and folded == 1 else (note, mark.words)
            note, style = "  ".join(word for word in words if word), mark.style if mark.is_wrong else style
        pieces.append((cut(note, at.note), style))
    return _joined(pieces)


def _joined(pieces: list[tuple[str, str]]) -> Text:
    """Pieces with a blank between, each in its style; in one step, since thousands are made a second."""
    spans, start = [], 0
    for words, style in pieces:
        if style:
            spans.append(Span(start, start + len(words), style))
        start += len(words) + 1
    return Text(" ".join(words for words, _ in pieces), spans=spans, no_wrap=True, end="")


def silence_text(gap: float, at: Columns) -> Text:
    """The row that stands for a silence."""
    before = sum(cells + 1 for cells in at[:4] if cells)
    return Text(
        " " * before + f"\u2026 {seconds(gap)} of silence \u2026", style="pane--dim", no_wrap=True, end=""
    )


def short_type(event_type: str, cells: int) -> str:
    """An event type in this many cells; `response.` goes first, then more of its front."""
    shown = _words(event_type)
    if len(shown) > cells and shown.startswith("response."):
        shown = ".." + shown[len("response.") :]
    return cut_left(shown, cells)


def _time(row: Row, clock: Clock) -> str:
    match clock:
        case Clock.WALL:
            return time_of_day(row.wall)
        case Clock.START:
            return f"{row.elapsed:.3f}"
        case Clock.TURN:
            return "" if row.since_turn is None else f"{row.since_turn:.3f}"


def _words(text: str) -> str:
    return safe_line(screen(text[:_READ]))
