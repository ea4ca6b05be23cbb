"""Long text as rows of one width, found by number; for text that stands still.

Its one rule: a row is two offsets, never a copy; a megabyte without a space or a line end is no special case.
"""

from __future__ import annotations

import re
from array import array

MAX_PIECES = 400_000
#: characters that take two cells
_WIDE = re.compile(
    "[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
    "\u231a-\u2bff\U0001f000-\U0003ffff]"
)


class Pieces:
    """One text cut at line ends and, when a width is given, at that width."""

    def __init__(self, text: str, width: int = 0) -> None:
        self.text = text
        is_wide = not text.isascii() and _WIDE.search(text) is not None
        per_row = max(1, width // 2 if is_wide else width) if width > 0 else 0
        starts = self._starts = array("q")
        at, size = 0, len(text)
        while at < size and len(starts) < MAX_PIECES:
            end = text.find("\n", at)
            end = size if end < 0 else end
            # arithmetic instead of matching: sixteen megabytes without a line end take a few milliseconds
            starts.extend(range(at, end, per_row) if per_row and end > at else (at,))
            at = end + 1
        del starts[MAX_PIECES:]
        self.is_complete = len(self._starts) < MAX_PIECES

    def __len__(self) -> int:
        return len(self._starts)

    def span(self, index: int) -> tuple[int, int]:
        """Where a row starts and ends in the text, its line end left out."""
        start = self._starts[index]
        end = self._starts[index + 1] if index + 1 < len(self._starts) else len(self.text)
        return (start, end - 1) if end > start and self.text[end - 1] == "\n" else (start, end)
