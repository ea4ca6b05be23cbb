"""Text as a screen may show it: safe for the terminal, without keys, account and organisation ids.

Its one rule: hiding keeps the length, so that an offset on screen is an offset in the text. Only `line`, for
short words that nobody traces back, may shorten.
"""

from __future__ import annotations

import re

from sessions import redact
from sessions.safe import safe_line

_WORD = re.compile(r"\S+")


def line(value: str, limit: int = 0) -> str:
    """One row of text, safe and without credentials; cut to `limit` characters."""
    return safe_line(redact.screen(value), limit)


def veiled(text: str) -> str:
    """The same text with keys and account ids starred out, its length unchanged."""
    if redact.screen(text) == text:
        return text
    return _WORD.sub(lambda found: _veiled_word(found[0]), text)


def _veiled_word(word: str) -> str:
    masked = redact.screen(word)
    if masked == word:
        return word
    head = 0
    while head < len(masked) and masked[head] == word[head] and masked[head] != "*":
        head += 1
    tail = 0
    while tail < len(masked) - head and masked[-1 - tail] == word[-1 - tail] and masked[-1 - tail] != "*":
        tail += 1
    return word[:head] + "*" * (len(word) - head - tail) + word[len(word) - tail :]
