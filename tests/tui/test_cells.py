"""Widths that are the same in every terminal; cuts and fills that keep columns in their places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sessions.safe import safe_line
from tui.cells import cut, cut_left, fill, fill_left, steady, width

_TEXT = some.text(max_size=30).map(safe_line)


@given(text=_TEXT, cells=some.integers(0, 20))
def test_fills_are_exact_and_cuts_never_wider(text: str, cells: int) -> None:
    assert width(fill(text, cells)) == cells
    assert width(fill_left(text, cells)) == cells
    assert width(cut(text, cells)) <= cells
    assert width(cut_left(text, cells)) <= cells


@given(text=_TEXT)
def test_steady_text_is_as_wide_as_its_characters(text: str) -> None:
    shown = steady(text)
    assert steady(shown) == shown
    assert not any(char in shown for char in "\u200d\ufe0f\U0001f3fd")


@pytest.mark.parametrize(
    ("text", "cells", "shown"),
    [
        ("response.created", 20, "response.created"),
        ("response.created", 8, "respons\u2026"),
        ("\u65e5\u672c\u8a9e", 5, "\u65e5\u672c\u2026"),
        ("\u65e5\u672c\u8a9e", 4, "\u65e5\u2026"),
        ("abc", 0, ""),
        ("x" * 1_000_000, 3, "xx\u2026"),
    ],
)
def test_cut(text: str, cells: int, shown: str) -> None:
    assert cut(text, cells) == shown


@pytest.mark.parametrize(
    ("text", "cells", "shown"),
    [
        ("response.created", 8, "\u2026created"),
        ("abc", 3, "abc"),
        ("abc", 0, ""),
        ("\u65e5\u672c\u8a9e", 3, "\u2026\u8a9e"),
    ],
)
def test_cut_left(text: str, cells: int, shown: str) -> None:
    assert cut_left(text, cells) == shown


def test_numbers_stand_at_the_right() -> None:
    assert fill_left("42", 5) == "   42"
    assert fill("42", 5) == "42   "
