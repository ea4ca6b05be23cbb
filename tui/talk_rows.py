"""A place of the conversation -> one row of styled text: headings, labels, titles, texts, folds; pure.

Its one rule: every remote character passes `safe` and the veil before it stands in a row. Styles are names of
component classes; a row never takes more cells than it was given.
"""

from __future__ import annotations

from collections.abc import Hashable

from rich.text import Text

from sessions.reducer import Sessions
from sessions.roster import label
from sessions.safe import safe
from sessions.session import Turn
from tui.cells import cut, fill, width
from tui.figures import seconds_words, standing, standing_style
from tui.laid import Piece, Place
from tui.layout import GUTTER, Layout
from tui.marks import Weights
from tui.veil import line
from tui.wrap import TAB_CELLS, shown

CURSOR = "\u258c"  # stands where a live text will go on
_ID_CELLS = 24
_SHORT_ID_CELLS = 12
_NARROW = 44  # cells of text below which words are left out

#: blocks whose text is dimmed or coloured as a whole, not only their label
_WHOLE = frozenset({"think", "system", "earlier", "note", "error", "cut", "refusal", "compact", "steer"})


#: every component class that a row may name
STYLES = frozenset({
    "talk--you", "talk--system", "talk--earlier", "talk--reply", "talk--think", "talk--tool",
    "talk--model", "talk--refusal", "talk--search", "talk--code", "talk--image", "talk--mcp",
    "talk--shell", "talk--patch", "talk--compact", "talk--item", "talk--steer", "talk--error",
    "talk--cut", "talk--note", "talk--rule", "talk--heading", "talk--lane", "talk--title",
    "talk--state", "talk--pending", "talk--foot", "talk--fold", "talk--live", "talk--linked",
    "talk--markdown-heading", "talk--markdown-code", "talk--markdown-strong",
    "talk--markdown-bullet", "talk--markdown-quote",
})  # fmt: skip


def draw(layout: Layout, place: Place, now: float, linked: int = -1, found: Weights | None = None) -> Text:
    """The row at a place; what the record `linked` brought is marked, and `found` is told in the heading."""
    turn = layout.sessions.turn(place.turn)
    if turn is None:
        return Text()
    if place.row == 0:
        return heading(layout.sessions, turn, layout.width, now, found)
    piece = layout.laid(place.turn).piece_at(place.row)
    return _piece_row(layout, piece[0], piece[1], linked) if piece is not None else Text()


def row_key(layout: Layout, place: Place, linked: int = -1) -> Hashable:
    """What a row of a block says, as a few values that differ when it reads differently; None: nothing."""
    found = layout.laid(place.turn).piece_at(place.row)
    if found is None:
        return None
    piece, row = found
    block, width = piece.block, layout.width
    at = row - piece.head
    if piece.is_folded or piece.wrapped is None or not 0 <= at < piece.text_rows:
        size = len(block.text) if block.text is not None else 0
        said_here = (block.title, block.note, block.feet, size, block.is_pending, block.is_live)
        return (place.turn, width, block.key, row, piece.is_folded, said_here)
    is_last = block.is_live and at == len(piece.wrapped) - 1
    origin = piece.wrapped.source.record_at(0)
    is_light = layout.is_markdown and block.is_markdown
    span = piece.wrapped.span(at)
    return (place.turn, width, block.key, row, span, origin, is_last, is_light, linked)


def is_in_row(layout: Layout, place: Place, needle: str) -> bool | None:
    """Whether a match begins in this row of a text; a folded text counts whole. None: not a row of a text."""
    found = layout.laid(place.turn).piece_at(place.row)
    if found is None:
        return None
    piece, row = found
    text, wrapped = piece.block.text, piece.wrapped
    if piece.is_folded and text is not None:
        # what it shows beside its text is looked through as well
        return True if needle.casefold() in shown(text, 0, len(text)).casefold() else None
    if wrapped is None or not 0 <= row - piece.head < piece.text_rows:
        return None
    start, end = wrapped.span(row - piece.head)
    stretch = shown(wrapped.source, start, end + len(needle) - 1)
    return needle.casefold() in stretch.casefold()


def copied(layout: Layout, place: Place) -> str:
    """The whole text of the block at a place; the response's id for a heading."""
    found = layout.laid(place.turn).piece_at(place.row)
    if found is None:
        turn = layout.sessions.turn(place.turn)
        return turn.response_id if turn is not None else ""
    block = found[0].block
    return safe(block.title if block.text is None else block.text.slice(0, len(block.text)))


def heading(sessions: Sessions, turn: Turn, cells: int, now: float, found: Weights | None = None) -> Text:
    """The rule above a turn: `T4 resp_a1d3 <- T3 -- lane main -- live 3.1s`."""
    left = f"T{turn.number}"
    if turn.response_id:
        left += " " + line(turn.response_id, _ID_CELLS)
    if turn.parent_turn:
        left += f" <- T{turn.parent_turn}"
    elif turn.parent:
        left += f" <- {line(turn.parent, _ID_CELLS)} (not in this recording)"
    elif turn.resent_turn:
        left += f" <- T{turn.resent_turn} (sent again)"
    middle = f"lane {line(turn.lane, _ID_CELLS)}" if turn.lane is not None else ""
    if len(sessions.sessions) > 1:
        middle = f"{label(sessions.sessions[turn.session])} {middle}".strip()
    right = standing(turn)
    wrong = f"! {found.words}  " if found is not None and found.words else ""
    if turn.is_live or turn.ended >= 0:
        right += " " + seconds_words(max(0.0, turn.duration(now)))
    rule = Text().append("\u2500\u2500\u2500 ", "talk--rule")
    room = cells - 4
    if width(wrong) + width(right) > room - 13:
        wrong = ""
    tail = 0 if room < 30 else width(wrong) + width(right) + 5
    rule.append(cut(left, max(8, room - tail)), "talk--heading")
    if middle and rule.cell_len + width(middle) + tail + 6 <= cells:
        rule.append(" \u2500\u2500\u2500 ", "talk--rule")
        rule.append(middle, "talk--lane")
    if tail:
        dashes = max(1, cells - rule.cell_len - width(wrong) - width(right) - 6)
        rule.append(" " + "\u2500" * dashes + " ", "talk--rule")
        if found is not None and wrong:
            rule.append(wrong, found.style)
        rule.append(right, standing_style(turn))
        rule.append(" \u2500\u2500\u2500", "talk--rule")
    rule.truncate(cells)
    return rule


def _piece_row(layout: Layout, piece: Piece, at: int, linked: int) -> Text:
    block = piece.block
    role = f"talk--{block.role.value}"
    label = f"{block.role.value if at == 0 else '':<{GUTTER}}"
    row = Text().append(label, role)
    room = max(1, layout.width - GUTTER)
    whole = role if block.role.value in _WHOLE else ""
    if piece.is_folded:
        _folded(row, piece, room, whole)
    elif at < piece.head:
        _title(row, piece, room, whole)
    elif at - piece.head < piece.text_rows:
        _body(row, layout, piece, at - piece.head, whole, linked)
    elif block.feet and 0 <= (foot := at - piece.rows + len(block.feet)) < len(block.feet):
        row.append(cut(line(block.feet[foot], 4 * room), room), "talk--foot")
    elif block.is_live:
        row.append(CURSOR, "talk--live")
    row.truncate(layout.width)
    return row


def _folded(row: Text, piece: Piece, room: int, whole: str) -> None:
    block = piece.block
    words = block.title
    if block.text is not None:
        start = shown(block.text, 0, 2 * room).strip()
        words = f"{words}: {start}" if words else start
        mark = f"+ {len(block.text):,} characters" if room >= _NARROW else f"+ {len(block.text):,}"
    else:
        mark = "+ folded"
    kept = max(4, room - len(mark) - 2)
    row.append(fill(line(words, 4 * room), kept), whole)
    row.append("  " + mark, "talk--fold")


def _title(row: Text, piece: Piece, room: int, whole: str) -> None:
    block = piece.block
    title = line(block.title, 4 * room)
    note = _note(line(block.note, 4 * room), room - width(title) - 2, max(8, room * 2 // 3))
    kept = room - width(note) - 2 if note else room
    row.append(fill(title, max(4, kept)), whole or "talk--title")
    if note:
        row.append("  " + note, "talk--pending" if block.is_pending else "talk--state")


def _note(note: str, room: int, most: int) -> str:
    """An id and a state in the room that a title leaves; the id is shortened first, then left out."""
    if width(note) <= room:
        return note
    name, _, state = note.partition("  ")
    for shorter in (f"{cut(name, _SHORT_ID_CELLS)}  {state}", state or cut(name, _SHORT_ID_CELLS)):
        if width(shorter) <= room:
            return shorter
    return cut(state or name, most)


def _body(row: Text, layout: Layout, piece: Piece, index: int, whole: str, linked: int) -> None:
    wrapped = piece.wrapped
    assert wrapped is not None  # the caller looked
    text = wrapped.text(index)
    offset = len(row)
    row.append(text, whole)
    start, end = wrapped.span(index)
    light = layout.light_of(piece)
    if light is not None:
        for stretch in light.stretches(start, text):
            row.stylize(stretch.style, offset + stretch.start, offset + stretch.end)
    if linked >= 0:
        first, last = wrapped.source.span(linked)
        first, last = max(first, start), min(last, end)
        if first < last:
            row.stylize(
                "talk--linked",
                offset + _column(wrapped.source.slice(start, first)),
                offset + _column(wrapped.source.slice(start, last)),
            )
    if piece.block.is_live and index == len(wrapped) - 1 and row.cell_len < layout.width:
        row.append(CURSOR, "talk--live")


def _column(before: str) -> int:
    return len(before) + before.count("\t") * (TAB_CELLS - 1)
