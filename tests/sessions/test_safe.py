"""Safe text: nothing in it can act on a terminal, and nothing moves."""

from __future__ import annotations

import json
import unicodedata

import pytest

from sessions.safe import is_safe, safe, safe_json, safe_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ü, 漢字", "plain, ü, 漢字"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b]52;c;aGk=\x07", "\u241b]52;c;aGk=\u2407"),
        ("\x1b[2J\x9b31m", "\u241b[2J\ufffd31m"),
        ("a\r\x00\x7f", "a\u240d\u2400\u2421"),
        ("\u202etxt.exe\u2066", "\u2b2btxt.exe\u2b2b"),
        ("a\u2028b\u2029c", "a\u21b5b\u00b6c"),
        ("zero\u200bwidth\u00ad", "zero\u00b7width\u00b7"),
        ("a\u200db", "a\u00b7b"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
        ("\u2764\ufe0f\u200d\U0001f525", "\u2764\ufe0f\u200d\U0001f525"),
        ("\ud800", "\ufffd"),
        ("hidden\U000e0041", "hidden\u2b2b"),
        ("[@click=app.quit]", "[@click=app.quit]"),
    ],
)
def test_what_could_act_is_shown_instead(text: str, shown: str) -> None:
    assert safe(text) == shown
    assert len(shown) == len(text)
    assert is_safe(shown)
    assert is_safe(text) == (text == shown)


def test_no_control_or_format_character_of_unicode_is_left() -> None:
    kept = {"\n", "\t", "\u200d"}
    for code in range(0x110000):
        char = chr(code)
        if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(char) in (
            "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
        ):  # fmt: skip
            assert char in kept or safe(char) != char, hex(code)


def test_a_row_has_no_newline_and_keeps_to_its_limit() -> None:
    assert safe_line("a\nb\tc\x1b") == "a\u21b5b c\u241b"
    assert safe_line("abcdef", 4) == "abc\u2026"
    assert safe_line("abcd", 4) == "abcd"


def test_json_keeps_its_meaning() -> None:
    text = json.dumps("\x7f\x9b\u202e\u200b\U000e0041ü", ensure_ascii=False)
    shown = safe_json(text)
    assert json.loads(shown) == json.loads(text)
    assert all(char.isprintable() for char in shown)
    assert "ü" in shown
