"""Rows of the list of connections: as many columns as fit, the state in words always; pure.

Its one rule: every remote word passes the veil, and a column is left out as a whole, never half. Styles are
names of component classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rich.text import Text

from sessions.roster import Mood, Row
from tui.cells import fill
from tui.countdown import Urgency, urgency
from tui.figures import clock_words, count_words, seconds_words
from tui.veil import line

_CLIENT_CELLS = (8, 30)  # at least, at most
_STATE_CELLS = 22  # at least, where the client's name has more than its least

STYLES: Mapping[Mood, str] = {
    Mood.BETWEEN: "pane--strong",
    Mood.BUSY: "pane--strong",
    Mood.IDLE: "",
    Mood.WAITING: "pane--warning",
    Mood.OVER: "pane--dim",
    Mood.CUT: "pane--warning",
    Mood.WRONG: "pane--error",
}


class Column(NamedTuple):
    """One column: its title, its cells (0: what is left over), and how wide a row must be to show it."""

    title: str
    cells: int
    is_right: bool = True
    shown_from: int = 0


_COLUMNS = (
    Column("id", 4, False),
    Column("", 2, False),  # which belong together
    Column("client", 0, False),
    Column("age", 7),
    Column("left", 6),
    Column("lanes", 5, shown_from=100),
    Column("live", 4, shown_from=100),
    Column("turns", 5, shown_from=60),
    Column("up", 5, shown_from=90),
    Column("wire", 5, shown_from=140),
    Column("down", 5, shown_from=90),
    Column("wire", 5, shown_from=140),
    Column("last", 7, shown_from=110),
    Column("state", 0, False),
)


class Columns(NamedTuple):
    """The columns of one width, each with its cells."""

    shown: tuple[tuple[int, Column, int], ...]  #: place in a row, column, cells
    cells: int


def columns(cells: int) -> Columns:
    """The columns that fit into so many cells."""
    kept = [(place, one) for place, one in enumerate(_COLUMNS) if cells >= one.shown_from]
    rest = cells - sum(one.cells + 1 for _, one in kept)
    least, most = _CLIENT_CELLS
    client = max(least, min(most, rest - _STATE_CELLS, rest // 2))
    given = {"client": client, "state": max(0, rest - client)}
    return Columns(tuple((place, one, one.cells or given[one.title]) for place, one in kept), cells)


def heading(at: Columns) -> Text:
    """The names of the columns."""
    text = Text(no_wrap=True, end="")
    for _, column, cells in at.shown:
        text.append(_placed(column.title, cells, column.is_right) + " ", "pane--dim")
    return text


def row_text(row: Row, at: Columns, pair: str = "") -> Text:
    """One connection as text; `pair` is the sign of those that belong together."""
    style = STYLES[row.mood]
    is_over = not row.is_open and row.mood in (Mood.OVER, Mood.WRONG)
    usual = "pane--dim" if is_over else ""
    words = (
        (row.label, "pane--strong"),
        (pair, "pane--key"),
        (_who(row), usual),
        (clock_words(row.age) if row.age is not None and not is_over else "over" if is_over else "-", usual),
        _left(row),
        (str(row.lanes), usual),
        (str(row.live) if row.live else "-", "pane--strong" if row.live else usual),
        (str(row.turns), usual),
        (count_words(row.bytes_out), "pane--client"),
        (_wire(row.wire_out, row.bytes_out), "pane--dim"),
        (count_words(row.bytes_in), "pane--server"),
        (_wire(row.wire_in, row.bytes_in), "pane--dim"),
        (seconds_words(row.quiet), usual),
        (row.state, style),
    )
    text = Text(no_wrap=True, end="")
    for place, column, cells in at.shown:
        said, shade = words[place]
        text.append(_placed(said, cells, column.is_right) + " ", shade)
    return text


def _who(row: Row) -> str:
    """Its name, or what the client calls itself, without what stands in brackets behind that."""
    return line(row.name or row.client.partition(" (")[0], 60) or "-"


def _left(row: Row) -> tuple[str, str]:
    if row.left is None:
        return "-", "pane--dim"
    match urgency(row.left, row.lifetime):
        case Urgency.CALM:
            style = ""
        case Urgency.WARN:
            style = "pane--warning"
        case _:
            style = "pane--error"
    return clock_words(row.left), style


def _wire(wire: int, payload: int) -> str:
    """How many bytes that were on the wire; nothing to say where they are the payload's own."""
    return count_words(wire) if wire != payload else "same"


def _placed(words: str, cells: int, is_right: bool) -> str:
    return fill(words, cells).rstrip().rjust(cells) if is_right and words.isascii() else fill(words, cells)


def pair_signs(rows: Iterable[tuple[int, str]]) -> dict[int, str]:
    """A letter for every connection whose client's own id another one has, too; the numbers are its keys."""
    members: dict[str, list[int]] = {}
    for number, pair in rows:
        if pair:
            members.setdefault(pair, []).append(number)
    together = [numbers for numbers in members.values() if len(numbers) > 1]
    return {number: _sign(place) for place, numbers in enumerate(together) for number in numbers}


def _sign(place: int) -> str:
    letters, first = divmod(place, 26)
    return chr(ord("a") + first) + (str(letters) if 0 < letters < 10 else "")
