"""Raw text and hex: every byte of the payload, nothing that a picture may not show."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as some
from rich.text import Text

from tui.cells import width
from tui.sheets import Hex, Lines, RawText, Stacked, View, covered

KEY = "sk-abcdefghijklmnopqrstuvwxyz0123456789"


@given(payload=some.binary(max_size=80), cells=some.sampled_from([44, 80]))
def test_hex_shows_every_byte(payload: bytes, cells: int) -> None:
    sheet = Hex(payload, cells)
    shown = b"".join(bytes.fromhex(sheet.copied(row)) for row in range(len(sheet)))
    assert shown == payload
    for row in range(len(sheet)):
        plain = sheet.row(row, 0, cells).plain
        assert width(plain) <= cells
        assert int(plain[:8], 16) == row * (16 if cells >= 76 else 8)


def test_hex_as_it_is_read() -> None:
    sheet = Hex(b'{"a":1}\x00\xff0123456789', 80)
    assert sheet.row(0, 0, 80).plain == (
        '00000000  7b 22 61 22 3a 31 7d 00  ff 30 31 32 33 34 35 36  {"a":1}\u00b7\u00b70123456'
    )
    assert sheet.path(1) == "byte 16"


@given(text=some.text(alphabet="ab\n\u65e5 ", min_size=1, max_size=60))
def test_raw_text_is_the_text(text: str) -> None:
    sheet = RawText(text.encode(), 10, is_wrapped=True)
    assert "".join(sheet.row(row, 0, 10).plain for row in range(len(sheet))) == text.replace("\n", "")


def test_a_copied_row_is_its_whole_line() -> None:
    sheet = RawText(b"first\nsecond line that is long\nthird", 10, is_wrapped=True)
    row = next(row for row in range(len(sheet)) if sheet.row(row, 0, 10).plain.startswith("second"))
    assert sheet.copied(row) == sheet.copied(row + 1) == "second line that is long"
    assert sheet.copied(0) == "first"


def test_text_is_found_across_the_end_of_a_row() -> None:
    sheet = RawText(b"aaaa Needle aaaa", 7, is_wrapped=True)
    assert [sheet.holds(row, "needle") for row in range(len(sheet))] == [True, False, False]
    hexed = Hex(b"x" * 6 + b"NEEDLE", 40)
    assert [hexed.holds(row, "needle") for row in range(len(hexed))] == [True, False]


def test_a_key_is_covered_also_where_it_is_cut_in_two() -> None:
    payload = f'{{"pad":"{"x" * 20}","key":"{KEY}","org":"org-A1b2C3d4E5"}}'.encode()
    sheet = RawText(payload, 40, is_wrapped=True)
    shown = "".join(sheet.row(row, 0, 40).plain for row in range(len(sheet)))
    assert len(shown) == len(payload)
    assert not re.search("abcdef|mnopqr|456789|A1b2", shown)
    hexed = Hex(payload, 80)
    letters = "".join(hexed.row(row, 0, 80).plain[-16:] for row in range(len(hexed)))
    numbers = " ".join(hexed.row(row, 0, 80).plain[10:60] for row in range(len(hexed)))
    assert "abcdef" not in letters
    assert b"abcdef".hex(" ") not in re.sub(" +", " ", numbers)


def test_covered_keeps_every_cell() -> None:
    text = f"before {KEY} after\x1b"
    shown = covered(text, 0, len(text))
    assert len(shown) == len(text)
    assert shown.startswith("before ")
    assert "\x1b" not in shown


def test_lines() -> None:
    sheet = Lines([Text("One fact "), Text("two")])
    assert (len(sheet), sheet.progress) == (2, 1.0)
    assert sheet.holds(0, "FACT")
    assert sheet.copied(0) == "One fact"
    assert not sheet.toggle(0)


def test_views_go_round() -> None:
    assert [view.following for view in View] == [View.PRETTY, View.RAW, View.HEX, View.TREE]


def test_a_head_stands_above_its_body() -> None:
    sheet = Stacked([Text("status 200"), Text("")], RawText(b"one\ntwo", 20, True))
    assert [sheet.row(at, 0, 20).plain for at in range(len(sheet))] == ["status 200", "", "one", "two"]
    assert (sheet.copied(0), sheet.copied(3)) == ("status 200", "two")
    assert (sheet.path(0), sheet.path(3)) == ("", "character 4")
    assert (sheet.holds(0, "STATUS"), sheet.holds(2, "status")) == (True, False)
    assert not sheet.toggle(2)
    sheet.advance(1.0)
    assert sheet.progress == 1.0
