"""What a terminal received, searched for anything that a painted picture does not need.

A picture is text, colours, places, the cursor and synchronised updates. Every other sequence, every other
control and every mark that turns text around can only have come through from somewhere else.
"""

from __future__ import annotations

import re

_PICTURE = re.compile(r"\x1b\[(?:[0-9;:]*m|\d+;\d+H|\d*[ABCDJK]|\?25[hl]|\?2026[hl]|\?12[hl])")
_ALLOWED = frozenset("\r\n")
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def foreign(painted: bytes) -> list[str]:
    """What does not belong to a picture, each with what stands after it; a cut end is left out."""
    text = painted.decode("utf-8", errors="replace")
    last = text.rfind("\x1b")
    if last >= 0 and "\x1b" not in text[last + 1 :] and not _PICTURE.match(text, last):
        text = text[:last] if len(text) - last < 16 else text
    rest = _PICTURE.sub("", text)
    return [rest[at : at + 24] for at, character in enumerate(rest) if _acts(character)]


def _acts(character: str) -> bool:
    code = ord(character)
    if code < 0x20 or 0x7F <= code < 0xA0:
        return character not in _ALLOWED
    return character in _TURNING or 0xE0000 <= code < 0xE0080
