"""Remote text made safe for a terminal; the one gate before any face shows it.

Every character that a terminal, a bidi algorithm or a markup parser could act on becomes a visible
stand-in, one for one, so that lengths stay and a sequence split over two deltas is caught too.
Newline and tab stay. Nothing else in the package may clean text for display.
"""

from __future__ import annotations

import re

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
_REPLACED: dict[int, str] = {
    **_PICTURES,
    0x7F: "\u2421",  # DEL
    **{code: "\ufffd" for code in range(0x80, 0xA0)},  # C1: CSI, OSC and their kin in one byte
    **{code: "\u2b2b" for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))},
    **{code: "\u2b2b" for code in (0x180E, *range(0x206A, 0x2070), *range(0xFFF9, 0xFFFC))},  # act unseen
    **{code: "\u00b7" for code in (0x200B, 0x200C, *range(0x2060, 0x2065), 0xFEFF, 0xAD)},  # hide in words
    0x2028: "\u21b5",
    0x2029: "\u00b6",
}
_STANDALONE_JOINER = re.compile("(?<![\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d")
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e01ef]"
)


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    if code >= 0xE0000:
        return "\u2b2b"  # tag characters and variation selectors: text that nobody sees
    return _REPLACED.get(code, match[0])


def is_safe(text: str) -> bool:
    """Whether `safe` would leave this text as it is."""
    return safe(text) == text


def safe(text: str) -> str:
    """The same text with every character that could act on a terminal replaced by a visible one.

    The length stays. C0 but newline and tab, DEL, C1, bidi controls, surrogates, line separators,
    zero-width and tag characters go; a zero-width joiner stays only after an emoji, where it joins.
    """
    if _UNSAFE.search(text) is None:
        return text
    return _STANDALONE_JOINER.sub("\u00b7", _UNSAFE.sub(_stand_in, text))


def safe_line(text: str, limit: int = 0) -> str:
    """One row of safe text: newlines and tabs become visible too; longer than `limit`, it is cut."""
    if limit and len(text) > limit:
        text = text[: limit - 1] + "\u2026"
    return safe(text).replace("\n", "\u21b5").replace("\t", " ")


_UNSAFE_IN_JSON = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e01ef]"
)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code > 0xFFFF:
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"


def safe_json(text: str) -> str:
    """The same JSON with every character that could act on a terminal written as its escape."""
    return _UNSAFE_IN_JSON.sub(_escaped, text)
