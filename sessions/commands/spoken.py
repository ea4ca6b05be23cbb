"""The spoken: the text of all answers on stdout, as it grows.

Its one rule: each character is written once, made safe; what is told next begins on a line of its own.
"""

from __future__ import annotations

import sys

from sessions.reducer import Sessions
from sessions.safe import safe


class Spoken:
    """What of the answers of one state stands on stdout already."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._shown: dict[tuple[int, str, str, int], int] = {}
        self._is_line_open = False  # an answer's text stands there without its end

    def write(self) -> None:
        """Write what has come since."""
        for turn in self._sessions.turns:
            for response in turn.responses:
                for item in response.items:
                    for part in (*item.texts("output_text"), *item.texts("refusal")):
                        key = (turn.number, item.id, part.slot, part.index)
                        shown = self._shown.get(key, 0)
                        if len(part.text) > shown:
                            sys.stdout.write(safe(part.text.slice(shown, len(part.text))))
                            self._shown[key] = len(part.text)
                            self._is_line_open = True
        sys.stdout.flush()

    def end_line(self) -> None:
        """End the line of an answer, so that what is told next does not stick to it."""
        if self._is_line_open:
            self._is_line_open = False
            sys.stdout.write("\n")
            sys.stdout.flush()
