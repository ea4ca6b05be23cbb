"""A JSON document as rows: as a tree that folds, and pretty, with a line for each value.

Its one rule: rows are numbers of an outline's rows, and values are cut from the bytes when somebody looks. A
large document grows slice by slice, and its objects start folded.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

from rich.text import Text

from sessions.safe import safe_line
from tui.cells import fill
from tui.filters import payload_needle
from tui.outline import Outline, Row, Shape
from tui.pieces import Pieces
from tui.sheets import covered

_OPEN_BYTES = 1 << 18  # in a larger record objects start folded below the second level
_INDENTED = 24  # levels; deeper ones stand under each other
_KEY_CELLS = 20
_ROW_CHARACTERS = 2_000
_STYLES = {
    Shape.OBJECT: "pane--dim",
    Shape.LIST: "pane--dim",
    Shape.STRING: "pane--string",
    Shape.NUMBER: "pane--number",
    Shape.LITERAL: "pane--literal",
    Shape.END: "pane--dim",
}


class Pretty:
    """The document with a line for each value, spelled exactly as on the wire."""

    def __init__(self, outline: Outline, width: int, is_wrapped: bool) -> None:
        self._outline = outline
        self._width = width if is_wrapped else 0
        self._rows = array("i")  # the outline's row of each of ours; as often as it has lines
        self._taken = 0
        self._wrapped: tuple[int, Pieces] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def advance(self, seconds: float) -> None:
        """Read on in the document."""
        self._outline.advance(seconds)
        for row in range(self._taken, len(self._outline)):
            self._rows.append(row)
            if self._width and self._is_long(row):
                self._rows.extend([row] * (len(self._pieces(row)) - 1))
        self._taken = len(self._outline)

    @property
    def progress(self) -> float:
        """How much of the document was read."""
        if self._outline.is_done:
            return 1.0
        return self._outline.read_to / max(1, len(self._outline.payload))

    def _is_long(self, row: int) -> bool:
        one = self._outline.row(row)
        cells = 2 * min(one.depth, _INDENTED) + one.value[1] - one.value[0] + 2
        if one.key:
            cells += one.key[1] - one.key[0] + 2
        return one.shape in (Shape.STRING, Shape.NUMBER) and cells > self._width

    def _pieces(self, row: int) -> Pieces:
        if self._wrapped is None or self._wrapped[0] != row:
            self._wrapped = (row, Pieces(self._line(row, 1 << 62)[0], self._width))
        return self._wrapped[1]

    def _line(self, row: int, limit: int) -> tuple[str, int, int]:
        """The line, and where its value begins and ends in it."""
        outline = self._outline
        one = outline.row(row)
        front = "  " * min(one.depth, _INDENTED)
        if one.key:
            front += outline.payload[one.key[0] : min(one.key[1], one.key[0] + limit)].decode(
                errors="replace"
            )
            front += ": "
        match one.shape:
            case Shape.OBJECT:
                value = "{}" if one.held == 0 and one.last >= 0 else "{"
            case Shape.LIST:
                value = "[]" if one.held == 0 and one.last >= 0 else "["
            case _:
                start, end = one.value
                value = outline.payload[start : min(end, start + limit)].decode(errors="replace")
        return front + value + self._comma(one), len(front), len(front) + len(value)

    def _comma(self, one: Row) -> str:
        whole = self._outline.row(one.parent) if one.shape is Shape.END else one
        is_open = one.shape in (Shape.OBJECT, Shape.LIST) and one.held > 0
        if whole.parent < 0 or is_open:
            return ""
        return "," if whole.ordinal + 1 < self._outline.row(whole.parent).held else ""

    def row(self, index: int, left: int, width: int) -> Text:
        """One line, or one row of a wrapped one."""
        row = self._rows[index]
        style = _STYLES[self._outline.shape_at(row)]
        if self._width and self._is_long(row):
            pieces = self._pieces(row)
            start, end = pieces.span(index - bisect_left(self._rows, row))
            shown = Text(covered(pieces.text, start, end))
            value = self._line(row, 0)[1]
            shown.stylize("pane--key", 0, max(0, value - start))
            shown.stylize(style, max(0, value - start))
            return shown
        line, value, after = self._line(row, left + 4 * width)
        shown = Text(covered(line, 0, len(line)))
        shown.stylize("pane--key", 0, value)
        shown.stylize(style, value, after)
        return shown

    def holds(self, index: int, needle: str) -> bool:
        """Whether the text is in this line; of a wrapped one, in its first row."""
        row = self._rows[index]
        if index and self._rows[index - 1] == row:
            return False
        return needle.casefold() in self._line(row, 1 << 62)[0].casefold()

    def toggle(self, index: int) -> bool:
        """Nothing is folded here."""
        return False

    def path(self, index: int) -> str:
        """Where the value stands."""
        return self._outline.path(self._rows[index])

    def copied(self, index: int) -> str:
        """The value, exactly as on the wire."""
        one = self._outline.row(self._rows[index])
        one = self._outline.row(one.parent) if one.shape is Shape.END else one
        return self._outline.payload[one.value[0] : one.value[1]].decode(errors="replace")


class Tree:
    """The document as keys and values; objects, lists and long strings fold and unfold."""

    def __init__(self, outline: Outline, width: int) -> None:
        self._outline = outline
        self._width = width
        self._rows = array("i")  # the outline's row of each of ours; an unfolded string has several
        self._taken = 0
        self._folded: set[int] = set()
        self._strings: dict[int, Pieces] = {}
        self._hidden_below: int | None = None  # depth of the folded object that is being read
        self._folds_below = 2 if len(outline.payload) > _OPEN_BYTES else 1 << 30

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def progress(self) -> float:
        """How much of the document was read."""
        if self._outline.is_done:
            return 1.0
        return self._outline.read_to / max(1, len(self._outline.payload))

    def advance(self, seconds: float) -> None:
        """Read on in the document."""
        self._outline.advance(seconds)
        outline = self._outline
        for row in range(self._taken, len(outline)):
            depth, shape = outline.depth_at(row), outline.shape_at(row)
            is_whole = shape in (Shape.OBJECT, Shape.LIST)
            if is_whole and depth >= self._folds_below:
                self._folded.add(row)
            if self._hidden_below is not None:
                if depth > self._hidden_below or shape is Shape.END:
                    continue
                self._hidden_below = None
            if shape is Shape.END or (row == 0 and is_whole):
                continue
            self._rows.append(row)
            if row in self._folded:
                self._hidden_below = depth
        self._taken = len(outline)

    def row(self, index: int, left: int, width: int) -> Text:
        """A key and its value, or a row of an unfolded string."""
        row = self._rows[index]
        one = self._outline.row(row)
        indent = 2 * min(max(0, one.depth - 1), _INDENTED)
        part = index - bisect_left(self._rows, row)
        if part:
            start, end = self._strings[row].span(part - 1)
            return Text(" " * (indent + 4) + covered(self._strings[row].text, start, end), "pane--string")
        is_whole = one.shape in (Shape.OBJECT, Shape.LIST)
        sign = "  "
        if is_whole and one.held:
            sign = "+ " if row in self._folded else "- "
        text = Text(" " * indent + sign)
        key = safe_line(self._outline.key_text(row))
        if one.depth > _INDENTED:
            key = f"({one.depth}) {key}"
        if key:
            text.append(key if len(key) >= _KEY_CELLS else fill(key, _KEY_CELLS), "pane--key")
            text.append(" ")
        if is_whole:
            text.append(_whole_words(one), "pane--dim")
        else:
            self._append_value(text, row, one, left + width)
        return text

    def _append_value(self, text: Text, row: int, one: Row, cells: int) -> None:
        style = _STYLES[one.shape]
        size = one.value[1] - one.value[0]
        if one.shape is not Shape.STRING:
            value = self._outline.value_text(row, _ROW_CHARACTERS)
            text.append(covered(value, 0, len(value)), style)
            return
        room = max(8, cells - len(text) - 3)
        if row in self._strings:
            text.append(f"{len(self._strings[row].text):,} characters", "pane--dim")
            return
        value = self._outline.value_text(row, max(room, _ROW_CHARACTERS))
        is_cut = len(value) > room or size > 6 * max(room, _ROW_CHARACTERS)
        if not is_cut:
            text.append(f'"{covered(value, 0, len(value))}"', style)
            return
        length = f"\u2026 {size:,} bytes, enter unfolds" if room > 48 else f"\u2026 {size:,} bytes"
        text.append(f'"{covered(value, 0, max(4, room - len(length)))}', style)
        text.append(length, "pane--dim")

    def toggle(self, index: int) -> bool:
        """Fold or unfold an object, a list or a long string."""
        row = self._rows[index]
        one = self._outline.row(row)
        index = bisect_left(self._rows, row)
        if one.shape is Shape.STRING:
            if self._strings.pop(row, None) is not None:
                del self._rows[index + 1 : bisect_right(self._rows, row)]
                return True
            if one.value[1] - one.value[0] + 2 * one.depth + _KEY_CELLS < self._width:
                return False  # all of it is in sight already
            self._unfold_string(row)
            return True
        if one.shape not in (Shape.OBJECT, Shape.LIST) or not one.held:
            return False
        last = self._outline.last_at(row)
        if row in self._folded:
            self._folded.discard(row)
            if one.last < 0:
                self._hidden_below = None  # it is being read: what comes is shown from here on
            self._rows[index + 1 : index + 1] = self._inside(row + 1, min(last, self._taken - 1))
        else:
            self._folded.add(row)
            if one.last < 0:
                self._hidden_below = one.depth
            del self._rows[index + 1 : bisect_right(self._rows, last)]
        return True

    def _unfold_string(self, row: int) -> None:
        indent = 2 * min(self._outline.depth_at(row), _INDENTED) + 4
        pieces = Pieces(self._outline.value_text(row), max(8, self._width - indent))
        self._strings[row] = pieces
        after = bisect_left(self._rows, row) + 1
        self._rows[after:after] = array("i", [row]) * len(pieces)

    def fit(self, width: int) -> None:
        """Lay unfolded strings out for another width; what is folded stays folded."""
        self._width = width
        for row in tuple(self._strings):
            del self._strings[row]
            first = bisect_left(self._rows, row)
            is_shown = first < len(self._rows) and self._rows[first] == row
            if is_shown:
                del self._rows[first + 1 : bisect_right(self._rows, row)]
                self._unfold_string(row)

    def _inside(self, first: int, last: int) -> array[int]:
        outline, rows = self._outline, array("i")
        row = first
        while row <= last:
            if outline.shape_at(row) is not Shape.END:
                rows.append(row)
                if (pieces := self._strings.get(row)) is not None:
                    rows.extend([row] * len(pieces))
                if row in self._folded:
                    row = outline.last_at(row)
            row += 1
        return rows

    def holds(self, index: int, needle: str) -> bool:
        """Whether the key or the value holds the text, or anything folded into it."""
        row = self._rows[index]
        if index and self._rows[index - 1] == row:
            return False
        one = self._outline.row(row)
        if needle.casefold() in self._outline.key_text(row).casefold():
            return True
        if one.shape in (Shape.OBJECT, Shape.LIST):
            payload = self._outline.payload
            return row in self._folded and payload_needle(needle)(payload[one.value[0] : one.value[1]])
        return needle.casefold() in self._outline.value_text(row).casefold()

    def path(self, index: int) -> str:
        """Where the value stands."""
        return self._outline.path(self._rows[index])

    def copied(self, index: int) -> str:
        """A string's characters, or the exact spelling of anything else."""
        return self._outline.value_text(self._rows[index])


def _whole_words(one: Row) -> str:
    if one.shape is Shape.OBJECT:
        return f"{{{one.held:,} key{'' if one.held == 1 else 's'}}}" if one.held else "{}"
    return f"[{one.held:,} item{'' if one.held == 1 else 's'}]" if one.held else "[]"
