"""One record as rows in four views: tree, pretty, raw, hex; each finds its rows by number.

Its one rule: what is shown is what crossed the wire, character by character; only what a terminal could act
on and what must not be on a picture is replaced, cell for cell. The document's own views stand in `document`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from rich.text import Text

from sessions.redact import hidden_spans
from sessions.safe import safe_line
from tui.cells import fill
from tui.pieces import Pieces

_AROUND = 600  # characters beside a row that tell whether something in it must be hidden


class View(StrEnum):
    """The views of a record, in the order in which they are cycled."""

    TREE = "tree"
    PRETTY = "pretty"
    RAW = "raw"
    HEX = "hex"

    @property
    def following(self) -> View:
        """The next one, round and round."""
        views = tuple(View)
        return views[(views.index(self) + 1) % len(views)]


class Sheet(Protocol):
    """Rows of one record in one view."""

    def __len__(self) -> int: ...

    def advance(self, seconds: float) -> None:
        """Make more rows until the time is over."""
        ...

    @property
    def progress(self) -> float:
        """The share of the record that was read, from 0 to 1."""
        ...

    def row(self, index: int, left: int, width: int) -> Text:
        """One row, from its start to at least `left + width`."""
        ...

    def holds(self, index: int, needle: str) -> bool:
        """Whether a row, or what is folded into it, holds this text; case does not count."""
        ...

    def toggle(self, index: int) -> bool:
        """Fold or unfold a row; False when there is nothing to fold."""
        ...

    def path(self, index: int) -> str:
        """Where a row stands in the document; "" where that has no meaning."""
        ...

    def copied(self, index: int) -> str:
        """What is copied of a row: the whole value, exactly."""
        ...


def covered(text: str, start: int, end: int) -> str:
    """The characters from start to end, safe, with a star for each one that no picture may show."""
    before = max(0, start - _AROUND)
    shown = safe_line(text[start:end])
    for first, last in hidden_spans(text[before : end + _AROUND]):
        first, last = max(0, first + before - start), min(end - start, last + before - start)
        if first < last:
            shown = shown[:first] + "*" * (last - first) + shown[last:]
    return shown


class Lines:
    """Rows that are there already: facts of a handshake, a sentence."""

    progress = 1.0

    def __init__(self, rows: Sequence[Text]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def advance(self, seconds: float) -> None:
        """Everything is there."""

    def row(self, index: int, left: int, width: int) -> Text:
        """One row."""
        return self._rows[index]

    def holds(self, index: int, needle: str) -> bool:
        """Whether a row holds the text."""
        return needle.casefold() in self._rows[index].plain.casefold()

    def toggle(self, index: int) -> bool:
        """Nothing is folded here."""
        return False

    def path(self, index: int) -> str:
        """These rows stand nowhere in a document."""
        return ""

    def copied(self, index: int) -> str:
        """The row."""
        return self._rows[index].plain.strip()


class Stacked:
    """Rows of facts above another sheet: a head above its body."""

    def __init__(self, facts: Sequence[Text], sheet: Sheet) -> None:
        self._facts = Lines(facts)
        self._sheet = sheet

    def __len__(self) -> int:
        return len(self._facts) + len(self._sheet)

    def advance(self, seconds: float) -> None:
        """Make more rows of the sheet below."""
        self._sheet.advance(seconds)

    @property
    def progress(self) -> float:
        """The share of the sheet below that was read."""
        return self._sheet.progress

    def row(self, index: int, left: int, width: int) -> Text:
        """A fact, or a row of the sheet below."""
        sheet, at = self._at(index)
        return sheet.row(at, left, width)

    def holds(self, index: int, needle: str) -> bool:
        """Whether the row holds the text."""
        sheet, at = self._at(index)
        return sheet.holds(at, needle)

    def toggle(self, index: int) -> bool:
        """Fold or unfold a row of the sheet below."""
        sheet, at = self._at(index)
        return sheet.toggle(at)

    def path(self, index: int) -> str:
        """Where the row stands in the body; facts stand nowhere."""
        sheet, at = self._at(index)
        return sheet.path(at)

    def copied(self, index: int) -> str:
        """The fact, or the value of the row below."""
        sheet, at = self._at(index)
        return sheet.copied(at)

    def _at(self, index: int) -> tuple[Sheet, int]:
        above = len(self._facts)
        return (self._facts, index) if index < above else (self._sheet, index - above)


class RawText:
    """The text exactly as it was received."""

    progress = 1.0

    def __init__(self, payload: bytes, width: int, is_wrapped: bool) -> None:
        self._text = payload.decode(errors="replace")
        self._pieces = Pieces(self._text, width if is_wrapped else 0)

    def __len__(self) -> int:
        return len(self._pieces)

    def advance(self, seconds: float) -> None:
        """Everything is there."""

    def row(self, index: int, left: int, width: int) -> Text:
        """One line, or one row of a wrapped one."""
        start, end = self._pieces.span(index)
        return Text(covered(self._text, start, min(end, start + left + 4 * width)))

    def holds(self, index: int, needle: str) -> bool:
        """Whether the text begins in this row, wherever it ends."""
        start, end = self._pieces.span(index)
        return needle.casefold() in self._text[start : end + len(needle) - 1].casefold()

    def toggle(self, index: int) -> bool:
        """Nothing is folded here."""
        return False

    def path(self, index: int) -> str:
        """Which character a row begins with."""
        return f"character {self._pieces.span(index)[0]:,}"

    def copied(self, index: int) -> str:
        """The whole line that a row belongs to."""
        start = self._text.rfind("\n", 0, self._pieces.span(index)[0]) + 1
        end = self._text.find("\n", start)
        return self._text[start : end if end >= 0 else None]


class Hex:
    """Bytes as numbers, with the characters that stand for them."""

    progress = 1.0

    def __init__(self, payload: bytes, width: int) -> None:
        self._payload = payload
        self._per_row = 16 if width >= 76 else 8

    def __len__(self) -> int:
        return -(-len(self._payload) // self._per_row)

    def advance(self, seconds: float) -> None:
        """Everything is there."""

    def row(self, index: int, left: int, width: int) -> Text:
        """Offset, bytes, characters."""
        start = index * self._per_row
        chunk = self._payload[start : start + self._per_row]
        before = max(0, start - _AROUND)
        around = self._payload[before : start + self._per_row + _AROUND].decode("latin-1")
        hidden: set[int] = set()
        for first, last in hidden_spans(around):
            hidden.update(range(first + before, last + before))
        numbers = ["**" if start + at in hidden else f"{byte:02x}" for at, byte in enumerate(chunk)]
        half = self._per_row // 2
        letters = "".join(
            "*" if start + at in hidden else chr(byte) if 0x20 <= byte < 0x7F else "\u00b7"
            for at, byte in enumerate(chunk)
        )
        text = Text(f"{start:08x}  ", "")
        text.stylize("pane--dim")
        columns = " ".join(numbers[:half]) + "  " + " ".join(numbers[half:])
        text.append(fill(columns, self._per_row * 3) + "  ", "pane--number")
        text.append(letters, "pane--string")
        return text

    def holds(self, index: int, needle: str) -> bool:
        """Whether the text begins in this row."""
        start = index * self._per_row
        raw = needle.encode(errors="surrogatepass")
        return raw.lower() in self._payload[start : start + self._per_row + len(raw) - 1].lower()

    def toggle(self, index: int) -> bool:
        """Nothing is folded here."""
        return False

    def path(self, index: int) -> str:
        """Which byte a row begins with."""
        return f"byte {index * self._per_row:,}"

    def copied(self, index: int) -> str:
        """The bytes of a row as numbers."""
        return self._payload[index * self._per_row : (index + 1) * self._per_row].hex(" ")
